//! The core on an ARM64 machine that QEMU stands in for: its tests, and what it computes beside what this machine does.
//!
//! QEMU's arithmetic is the processor's to the bit, and about ninety times slower than this machine's own: so the tests are those of
//! files and numbers, and the pictures take few steps.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::reach::bits;
use crate::reach::debian::Debian;
use crate::reach::tools::{Tools, setting};
use crate::workspace::Workspace;
use crate::{onnxruntime, process};

const TARGET: &str = "aarch64-unknown-linux-gnu";
/// Steps of the pictures; more where a number is given.
const STEPS: &str = "4";

/// What is tested: the core's own tests, and those in files. Each of the words after `--` is left out.
const TESTS: [(&str, &[&str]); 4] = [
    ("--lib", &[]),
    // Pictures are drawn below, and take minutes each.
    ("--test=golden", &["pictures", "inpaint", "variation", "boxes"]),
    // A million neurons many times over.
    ("--test=pack", &["million", "arbitrary"]),
    // Other processes of the same program do not start in QEMU.
    ("--test=download", &["processes"]),
];

/// Both, or with `tests` or `bits` one of them; `bits` may be followed by a number of steps.
pub(crate) fn run(workspace: &Workspace, options: &Options, words: &[String]) -> Result {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (tests, steps) = match words.as_slice() {
        [] => (true, Some(STEPS)),
        ["tests"] => (true, None),
        ["bits"] => (false, Some(STEPS)),
        ["bits", steps] => (false, Some(*steps)),
        _ => return Err(Failure::new("that is not known", "`cargo xtask reach arm64 [tests|bits [STEPS]]`.")),
    };
    let folder = workspace.target().join("reach");
    let debian = Debian::set_up(folder.join("debian"))?;
    let tools = Tools::set_up(&debian, folder.join("tools"))?;
    let library = onnxruntime::of_platform(workspace, "linux-aarch64-gnu")?;
    let arm64 = Arm64 { workspace, options, debian, tools, library, folder: folder.join("arm64") };
    // First what is quickest.
    if let Some(steps) = steps {
        arm64.bits(steps)?;
    }
    if tests { arm64.tests() } else { Ok(()) }
}

struct Arm64<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    debian: Debian,
    tools: Tools,
    /// ONNX Runtime for ARM64.
    library: PathBuf,
    folder: PathBuf,
}

impl Arm64<'_> {
    fn tests(&self) -> Result {
        for (test, left_out) in TESTS {
            println!("\nTests of cones-core for {TARGET}: {test}");
            let mut cargo = self.cargo(&["test", "--release", "--package", "cones-core", test]);
            cargo.args(["--", "--test-threads=1"]).args(left_out.iter().flat_map(|name| ["--skip", name]));
            process::run(
                &mut cargo,
                "What it wrote above says why. A test that waits for a time may find QEMU too slow.",
            )?;
        }
        Ok(())
    }

    /// Prints what differs from this machine.
    fn bits(&self, steps: &str) -> Result {
        let hint = "The compiler's words above say why.";
        // Here as everything else is built: with one package alone the dependencies would have other features, and be built anew.
        let here = ["build", "--release", "--workspace", "--example", "bits"];
        process::run(&mut self.workspace.cargo(self.options, &here), hint)?;
        let there = ["build", "--release", "--package", "cones-core", "--example", "bits"];
        process::run(&mut self.cargo(&there), hint)?;
        let (_, library) = onnxruntime::pinned(self.workspace)?;
        println!("\nComputing here, then on ARM64 ({steps} steps a picture)");
        let here =
            self.computed(Command::new(self.workspace.built().join("release/examples/bits")), &library, steps)?;
        let [program, arguments @ ..] = &self.runner()[..] else { return Ok(()) };
        let mut there = Command::new(program);
        there.args(arguments).arg(self.folder.join(TARGET).join("release/examples/bits"));
        let there = self.computed(there, &self.library, steps)?;
        // For who looks further.
        for (name, text) in [("here", &here), ("arm64", &there)] {
            let file = self.folder.join(name).with_extension("bits");
            fs::write(&file, text).map_err(|error| Failure::file("write", &file, &error))?;
        }
        println!("\n| what | {TARGET} against {} |\n|---|---|", std::env::consts::ARCH);
        let rows = bits::compare(&here, &there);
        rows.iter().for_each(|row| println!("| {} | {} |", row.name, row.verdict));
        Ok(())
    }

    fn computed(&self, mut command: Command, library: &std::path::Path, steps: &str) -> Result<String> {
        command.current_dir(self.workspace.root()).env(onnxruntime::VARIABLE, library);
        command.args(["models/toybox/bundle", "models/packs/fluent-dog.cones", steps]);
        let output = process::capture(&mut command)?;
        if !output.status.success() {
            let words = process::last_words(&output);
            return Err(Failure::new(format!("`{}` failed: {words}", process::line(&command)), "It should not."));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// QEMU, told where ARM64's own libraries are.
    fn runner(&self) -> [String; 3] {
        let qemu = self.debian.host().join("usr/bin/qemu-aarch64");
        [qemu, "-L".into(), self.debian.arm64()].map(|word| word.to_string_lossy().into_owned())
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let root = self.debian.arm64();
        let libraries = root.join("usr/lib/aarch64-linux-gnu");
        let mut cargo = self.tools.cargo(self.workspace, self.options, TARGET, words);
        let (root, libraries) = (root.display(), libraries.display());
        // What a C compiler would tell the linker.
        let linking = [
            format!("--sysroot={root}"),
            format!("-L{libraries}"),
            format!("{libraries}/Scrt1.o"),
            "--dynamic-linker=/lib/ld-linux-aarch64.so.1".into(),
            "--defsym=__dso_handle=__ehdr_start".into(),
        ];
        let linking: String = linking.iter().map(|word| format!(" -Clink-arg={word}")).collect();
        cargo.env(setting(TARGET, "RUSTFLAGS"), format!("-Clinker-flavor=ld.lld{linking}"));
        cargo.env(setting(TARGET, "RUNNER"), self.runner().join(" "));
        // Rust's arithmetic is the same however much it is optimised, and compiling is what takes longest.
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        cargo.env("CARGO_TARGET_DIR", &self.folder).env(onnxruntime::VARIABLE, &self.library);
        cargo
    }
}
