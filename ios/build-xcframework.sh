#!/usr/bin/env bash
# Builds what apps link: Frameworks/ConesFFI.xcframework (iPhone and simulator, both arm64) and, beside it, a copy of
# ONNX Runtime. On a Mac with Xcode and Rust:
#
#   rustup target add aarch64-apple-ios aarch64-apple-ios-sim
#   ORT_IOS_XCFWK_PATH=…/onnxruntime.xcframework ios/build-xcframework.sh
#
# ONNX Runtime's XCFramework is in Microsoft's `pod-archive-onnxruntime-c`, 1.23 or newer.
# `build-xcframework.sh --check` only looks at what an earlier run made.
set -euo pipefail

# The same as in Package.swift.
minimum=16.0
library=libcones.a
module=ConesFFI
# One function of the library that must be in every slice: what the generated code asks first.
symbol=_ffi_cones_uniffi_contract_version

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
frameworks=$here/Frameworks
made=$frameworks/$module.xcframework
runtime=$frameworks/onnxruntime.xcframework

fail() {
    echo "error: $1" >&2
    [ $# -lt 2 ] || echo "hint: $2" >&2
    exit 1
}

needs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "$program is not on the PATH" "this script needs a Mac with Xcode"
    done
}

# One slice of ONNX Runtime: the simulator's has two names, by age.
runtime_slice() {
    local folder=$1 name
    shift
    for name in "$@"; do
        [ ! -d "$folder/$name/onnxruntime.framework" ] || return 0
    done
    fail "$folder has no slice $1" "take the XCFramework of pod-archive-onnxruntime-c"
}

check_runtime() {
    [ -f "$1/Info.plist" ] || fail "$1 is no XCFramework" "set ORT_IOS_XCFWK_PATH to onnxruntime.xcframework"
    runtime_slice "$1" ios-arm64
    runtime_slice "$1" ios-arm64_x86_64-simulator ios-arm64-simulator
}

check_slice() {
    local slice=$made/$1 platform=$2 headers=$made/$1/Headers versions
    [ -f "$slice/$library" ] || fail "$slice has no $library"
    # In a folder of its own: two XCFrameworks with a module map right below Headers collide in one app.
    for file in $module.h module.modulemap; do
        [ -f "$headers/$module/$file" ] || fail "$headers/$module has no $file"
    done
    [ ! -e "$headers/module.modulemap" ] || fail "$headers has a module map outside $module"
    ! grep -q 'framework module' "$headers/$module/module.modulemap" ||
        fail "the module map in $headers is that of a framework; this is a library"
    [ "$(lipo -archs "$slice/$library")" = arm64 ] || fail "$slice/$library is not for arm64 alone"
    # To a file, not through a pipe: `grep -q` would end early, and `pipefail` call that a failure.
    nm -gU "$slice/$library" >"$frameworks/symbols" 2>/dev/null || true
    grep -q " $symbol\$" "$frameworks/symbols" || fail "$slice/$library lacks $symbol"
    rm -f "$frameworks/symbols"
    # Rust's own objects; those of C dependencies may ask for less.
    versions=$(otool -l "$slice/$library" | awk '/LC_BUILD_VERSION/ {p = 1} p && $1 == "platform" {name = $2}
        p && $1 == "minos" {print name, $2; p = 0}' | sort -u)
    awk -v platform="$platform" -v minimum="$minimum" '
        $1 != platform {print "an object is for platform " $1; bad = 1}
        $2 + 0 > minimum + 0 {print "an object asks for " $2; bad = 1}
        END {exit bad}' <<<"$versions" || fail "$slice/$library does not fit iOS $minimum" \
        "IPHONEOS_DEPLOYMENT_TARGET must be the same for cargo and for C dependencies"
}

check() {
    needs lipo nm otool plutil
    plutil -lint -s "$made/Info.plist" || fail "$made/Info.plist is damaged"
    # The numbers of LC_BUILD_VERSION: 2 is iOS, 7 its simulator.
    check_slice ios-arm64 2
    check_slice ios-arm64-simulator 7
    [ "$(find "$made" -name "$library" | wc -l | tr -d ' ')" = 2 ] || fail "$made has other slices than the two"
    check_runtime "$runtime"
    [ -f "$here/Generated/ConesGenerated/ConesGenerated.swift" ] || fail "the generated Swift is not in place"
    cmp -s "$here/Generated/$module/$module.h" "$made/ios-arm64/Headers/$module/$module.h" ||
        fail "header and generated Swift are not of one build" "run this script again without --check"
    du -sh "$made"/*/"$library"
}

# The library of one target, alone: the cdylib would have to be linked against ONNX Runtime, for nothing.
build() {
    cargo rustc --manifest-path "$root/Cargo.toml" --package cones-bindings --lib --crate-type staticlib \
        --locked --profile phone --features coreml --target "$1"
    mkdir -p "$work/$1"
    # Symbols stay, debug information does not: it is most of the size, and dSYMs come from the app's own link.
    strip -S -o "$work/$1/$library" "$target/$1/phone/$library"
}

if [ "${1:-}" = --check ]; then
    check
    exit
fi
[ $# -eq 0 ] || fail "there is no option $1"

needs cargo rustup xcodebuild xcrun strip
[ -n "${ORT_IOS_XCFWK_PATH:-}" ] || fail "ORT_IOS_XCFWK_PATH is not set" "the head of this script says to what"
ORT_IOS_XCFWK_PATH=$(cd "$ORT_IOS_XCFWK_PATH" && pwd) || fail "ORT_IOS_XCFWK_PATH is no folder"
check_runtime "$ORT_IOS_XCFWK_PATH"
for name in aarch64-apple-ios aarch64-apple-ios-sim; do
    rustup target list --installed | grep -x "$name" >/dev/null ||
        fail "Rust's $name is not installed" "rustup target add $name"
done

# The generated Swift, from this machine's own library: the code is the same for every target. Before the variables
# below are set, which are not for a Mac's own programs.
(cd "$root" && cargo xtask bindings)
"$here/take-generated.sh"

export ORT_IOS_XCFWK_PATH
export IPHONEOS_DEPLOYMENT_TARGET=$minimum
# No folder of this machine in an app that is shipped.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$root=/cones --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
target=${CARGO_TARGET_DIR:-$root/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build aarch64-apple-ios
build aarch64-apple-ios-sim

mkdir -p "$work/Headers/$module" "$frameworks"
cp "$here/Generated/$module/$module.h" "$here/Generated/$module/module.modulemap" "$work/Headers/$module/"
rm -rf "$made"
xcodebuild -create-xcframework \
    -library "$work/aarch64-apple-ios/$library" -headers "$work/Headers" \
    -library "$work/aarch64-apple-ios-sim/$library" -headers "$work/Headers" \
    -output "$made"
if [ "$ORT_IOS_XCFWK_PATH" != "$runtime" ]; then
    rm -rf "$runtime"
    cp -R "$ORT_IOS_XCFWK_PATH" "$runtime"
fi
check
echo "made: $made"
