#!/bin/sh
# Puts the Swift that UniFFI generated where Package.swift looks for it.
#
#   cargo xtask bindings && ios/take-generated.sh            # from target/bindings/swift
#   ios/take-generated.sh DIR                                # from another folder
set -eu
here=$(cd "$(dirname "$0")" && pwd)
from=${1:-$here/../target/bindings/swift}

for file in ConesGenerated.swift ConesFFI.h ConesFFI.modulemap; do
    if [ ! -f "$from/$file" ]; then
        echo "error: $from/$file is not there" >&2
        echo "hint: run \`cargo xtask bindings\` first, or name the folder that it printed" >&2
        exit 1
    fi
done

# A file is only touched if it changed: touching it would have everything built again.
take() {
    mkdir -p "$(dirname "$2")"
    cmp -s "$1" "$2" || cp "$1" "$2"
}
take "$from/ConesGenerated.swift" "$here/Generated/ConesGenerated/ConesGenerated.swift"
take "$from/ConesFFI.h" "$here/Generated/ConesFFI/ConesFFI.h"
take "$from/ConesFFI.modulemap" "$here/Generated/ConesFFI/module.modulemap"
