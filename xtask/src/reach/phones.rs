//! The libraries for Android and iOS: all code of theirs is compiled, and Android's is linked and held against what Android offers.
//!
//! What cannot be done here is to run it: that needs a device or an emulator. Linked without Google's NDK: in place of Android's own
//! libraries stand empty ones of the same names, and in place of the NDK's unwinder the one of LLVM that it is built from, as Debian has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::reach::bionic;
use crate::reach::debian::Debian;
use crate::reach::elf::Library;
use crate::reach::tools::Tools;
use crate::reach::unchanged::write;
use crate::workspace::Workspace;

const ANDROID: &str = "aarch64-linux-android";
/// What emulators run.
const ANDROID_X86: &str = "x86_64-linux-android";
const IOS: &str = "aarch64-apple-ios";
/// There is no library of the standard one for these: it is compiled too.
const STANDARD: &str = "-Zbuild-std=std,panic_unwind";
/// The oldest iOS the library is for, as in `ios/build-xcframework.sh`.
const OLDEST_IOS: &str = "16.0";

/// Android's `stdlib.h`, as far as clang's own header of vector instructions asks for it, which `ring` includes.
const STDLIB_HEADER: &str = "\
#pragma once
typedef __SIZE_TYPE__ size_t;
void *malloc(size_t);
void free(void *);
int posix_memalign(void **, size_t, size_t);
";

/// What is compiled: target, crate, features.
const CHECKED: [(&str, &str, &[&str]); 5] = [
    (ANDROID, "cones-bindings", &["--features", "xnnpack,nnapi"]),
    (ANDROID_X86, "cones-bindings", &["--features", "xnnpack,nnapi"]),
    (IOS, "cones-bindings", &["--features", "coreml,xnnpack"]),
    (ANDROID, "cones-core", &["--no-default-features", "--features", "raw"]),
    (IOS, "cones-core", &["--no-default-features", "--features", "raw,coreml"]),
];

/// What is linked, by its features; the first is what apps get.
const LINKED: [&str; 2] = ["xnnpack,nnapi", ""];

/// Debian's unwinder is made for the GNU C library; these are the four names of it that Android has not.
const UNWINDER: &str = "\
typedef __builtin_va_list list;
void abort(void);
int *__errno(void);
int vfprintf(void *, const char *, list);
int *__errno_location(void) { return __errno(); }
void __assert_fail(const char *what, const char *file, unsigned line, const char *function) { abort(); }
int __vfprintf_chk(void *file, int flag, const char *format, list words) { return vfprintf(file, format, words); }
";

/// Apple's `os/log.h`, of its SDK, as far as the crate `oslog` uses it: enough to compile, and never linked.
const LOG_HEADER: &str = "\
typedef struct os_log_s *os_log_t;
typedef unsigned char os_log_type_t;
extern struct os_log_s _os_log_default;
#define OS_LOG_DEFAULT (&_os_log_default)
void os_log_with_type(os_log_t, os_log_type_t, const char *, ...);
void os_log_debug(os_log_t, const char *, ...);
void os_log_info(os_log_t, const char *, ...);
void os_log(os_log_t, const char *, ...);
void os_log_error(os_log_t, const char *, ...);
void os_log_fault(os_log_t, const char *, ...);
";

/// And `TargetConditionals.h`, for `ring`.
const TARGET_HEADER: &str = "#define TARGET_OS_IPHONE 1\n#define TARGET_OS_IOS 1\n";

/// Both, or with `check` or `link` one of them.
pub(crate) fn run(workspace: &Workspace, options: &Options, words: &[String]) -> Result {
    let (check, link) = match words {
        [] => (true, true),
        [word] if word == "check" => (true, false),
        [word] if word == "link" => (false, true),
        _ => return Err(Failure::new("that is not known", "`cargo xtask reach phones [check|link]`.")),
    };
    let folder = workspace.target().join("reach");
    let debian = Debian::set_up(folder.join("debian"))?;
    let phones = Phones {
        workspace,
        options,
        tools: Tools::set_up(&debian, folder.join("tools"))?,
        debian,
        folder: folder.join("phones"),
    };
    if check {
        phones.check()?;
    }
    if link { phones.link() } else { Ok(()) }
}

struct Phones<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    tools: Tools,
    debian: Debian,
    folder: PathBuf,
}

impl Phones<'_> {
    fn check(&self) -> Result {
        for (target, package, features) in CHECKED {
            println!("\n{package} for {target}, {}", features.join(" "));
            let mut cargo = self.cargo(target, &["check", STANDARD, "--lib", "--package", package])?;
            process::run(cargo.args(features), "The compiler's words above say why.")?;
        }
        println!("\nEverything compiles.");
        Ok(())
    }

    /// The library of each choice of features, and whether Android would load it.
    fn link(&self) -> Result {
        let stand_ins = self.stand_ins()?;
        let mut rows = Vec::new();
        let mut refusals = Vec::new();
        for features in LINKED {
            println!("\nThe library for {ANDROID}, features: {}", name(features));
            let file = self.library(features, &stand_ins)?;
            let bytes = fs::read(&file).map_err(|error| Failure::file("read", &file, &error))?;
            let library = Library::read(&bytes).ok_or_else(|| {
                Failure::new(format!("{} is no library for ARM64", file.display()), "Remove it and run this again.")
            })?;
            let asked = library.asked.len();
            rows.push(format!(
                "| {} | {:.2} MB | {asked} | {} | {} KB |",
                name(features),
                bytes.len() as f64 / 1e6,
                library.needed.join(", "),
                library.page / 1024
            ));
            refusals.extend(bionic::refusals(&library).into_iter().map(|words| format!("{}: {words}", name(features))));
        }
        println!("\n| features | stripped | names asked of Android | libraries | alignment |\n|---|---|---|---|---|");
        rows.iter().for_each(|row| println!("{row}"));
        if refusals.is_empty() {
            println!("\nAndroid of API {} has every name, and every library.", bionic::API);
            return Ok(());
        }
        Err(Failure::new(
            format!("Android would not load it:\n        {}", refusals.join("\n        ")),
            "Leave out what asks for it, or, where bionic's lists have a name of old, write it into bionic.txt.",
        ))
    }

    fn library(&self, features: &str, stand_ins: &Path) -> Result<PathBuf> {
        let words =
            ["rustc", STANDARD, "--profile", "phone", "--package", "cones-bindings", "--lib", "--crate-type", "cdylib"];
        let mut cargo = self.cargo(ANDROID, &words)?;
        cargo.args(["--features", features, "--", "-Cstrip=symbols"]);
        cargo.arg(format!("-Clinker={}", self.tools.cc().display()));
        cargo.arg(format!("-Clink-arg=-L{}", stand_ins.display()));
        cargo.arg(format!("-Clink-arg={}", stand_ins.join("unwinder.o").display()));
        // What the NDK's start files define, and its pages. Debian's unwinder asks for a `libpthread`, which is in Android's `libc`.
        let more = ["--defsym=__dso_handle=__ehdr_start", "-zmax-page-size=16384", "--no-dependent-libraries"];
        cargo.args(more.map(|word| format!("-Clink-arg={word}")));
        process::run(&mut cargo, "The compiler's words above say why.")?;
        Ok(self.folder.join(ANDROID).join("phone/libcones.so"))
    }

    fn cargo(&self, target: &str, words: &[&str]) -> Result<Command> {
        let mut cargo = self.tools.cargo(self.workspace, self.options, target, words);
        // For the standard library: these are features of unstable compilers.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &self.folder);
        if target == ANDROID_X86 {
            let include = self.folder.join("include");
            write(&include.join("stdlib.h"), STDLIB_HEADER)?;
            cargo.env(
                format!("CFLAGS_{}", target.replace('-', "_")),
                format!("-nostdlibinc -DRING_CORE_NOSTDLIBINC=1 -I{}", include.display()),
            );
        }
        if target == IOS {
            let sdk = self.folder.join("sdk");
            let include = sdk.join("usr/include");
            write(&include.join("os/log.h"), LOG_HEADER)?;
            write(&include.join("TargetConditionals.h"), TARGET_HEADER)?;
            cargo.env("SDKROOT", &sdk).env("IPHONEOS_DEPLOYMENT_TARGET", OLDEST_IOS);
            let flags = format!("-nostdlibinc -DRING_CORE_NOSTDLIBINC=1 -I{}", include.display());
            cargo.env(format!("CFLAGS_{}", target.replace('-', "_")), flags);
        }
        Ok(cargo)
    }

    /// A folder with what the library is linked against.
    fn stand_ins(&self) -> Result<PathBuf> {
        let folder = self.folder.join("android");
        let source = folder.join("unwinder.c");
        let object = folder.join("unwinder.o");
        write(&source, UNWINDER)?;
        let mut clang = Command::new(self.tools.clang());
        clang.arg(format!("--target={ANDROID}{}", bionic::API)).args(["-w", "-fPIC", "-O2", "-c"]);
        process::run(clang.arg(&source).arg("-o").arg(&object), "See above.")?;
        write(&folder.join("empty.c"), "")?;
        let empty = folder.join("empty.o");
        let mut clang = Command::new(self.tools.clang());
        clang
            .arg(format!("--target={ANDROID}{}", bionic::API))
            .arg("-c")
            .arg(folder.join("empty.c"))
            .arg("-o")
            .arg(&empty);
        process::run(&mut clang, "See above.")?;
        for name in bionic::LIBRARIES {
            let mut lld = Command::new(self.tools.lld());
            lld.args(["-shared", "-soname", name, "-o"]).arg(folder.join(name)).arg(&empty);
            process::run(&mut lld, "See above.")?;
        }
        let (from, to) = (self.debian.arm64().join(self.tools.unwinder()), folder.join("libunwind.a"));
        fs::copy(&from, &to).map_err(|error| Failure::file("copy", &from, &error))?;
        Ok(folder)
    }
}

fn name(features: &str) -> &str {
    if features.is_empty() { "none" } else { features }
}
