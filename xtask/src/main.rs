//! `cargo xtask …`: everything that is done to this workspace, by the same commands on a desk and in CI.

mod bench;
mod bench_pack;
mod bench_script;
mod bindings;
mod circles;
mod count;
mod demo;
mod dependencies;
mod endure;
mod failure;
mod few_steps;
mod fuzz;
mod golden;
mod gpu;
mod host;
mod lint;
mod onnxruntime;
mod open_nsfw;
mod options;
mod process;
mod python;
mod reach;
mod reproducible;
mod sanitize;
mod scratch;
mod size;
mod studio;
mod test;
mod tools;
mod venv;
mod workspace;

use std::process::ExitCode;

use failure::{Failure, Result};
use options::Options;
use workspace::Workspace;

const HELP: &str = "\
cargo xtask COMMAND [--offline] [ARGS…]

  demo     set up, build, draw a sheet of pictures with Toybox, say where they are
           (ARGS go to `cones sheet`)
  test     set up, run every test of the workspace, then those in other languages
           (ARGS go to `cargo test`, and then nothing else is run)
  test-bindings
           the tests in other languages alone
  bindings build the library for phones, generate Kotlin, Swift and Python into target/bindings
  size     how large the stripped library for phones is on this machine
  lint     circles of files, rustfmt, clippy with each feature, documentation, licences, spelling
  advisories
           known faults of the dependencies' locked versions, from RustSec's list (fetched from GitHub)
  setup    find the ONNX Runtime library, or fetch it once; fetch the classifier that tests of safety ask (22 MB)
  bench    [picture] [overhead] [switch] [--size sd15] [--runs N] [--threads N] [--bundle DIR] [--diffusers DIR]
           time pictures and switching against Python; the first run installs PyTorch, and `--size sd15`
           makes a model of Stable Diffusion 1.5's sizes (7 GB)
           gradient [--size narrow|sd15] [--batch N]… [--pixels N] [--provider cuda] [--threads N] [--runs N]
                        a step of `cones find` against PyTorch
           size [--only cones|onnxruntime|diffusers|sdcpp|limit]… [--form NAME=BUNDLE]… [--pixels N] [--steps N]
                        [--threads N]… [--runs N]
                        Stable Diffusion 1.5's true sizes: seconds by stage and memory, each in a process of its own
           find [--subjects NAME…] [--seeds N…] [--ways METHOD/SCOPE…] [--steps N] [--count N]
           ways of finding neurons side by side; hours for all of it, goes on where it was stopped
           forms [--forms int8|int4|int8-static…] [--packs FILE…] [--count N] [--again]
           the quality gate of small forms: what each loses on Toybox
           outline [--packs FILE…] [--pictures DIR]
           how well attention to a trigger draws its subject's true shape, with the pack off and on
           boxes [--count N] [--seeds N] [--bundle BUNDLE] [--again]
           two things that are to change places, with and without their boxes
           few-steps [--few BUNDLE] [--prompts N] [--count N] [--runs N] [--again]
           Toybox of four steps beside Toybox: seconds a picture, what is right in it, packs
           table [--systems NAME…] [--together N…] [--sets N] [--seeds N…] [--search METHOD] [--only-print] [--again]
           the paper's table: text and image alignment of 1 to 4 subjects by Textual Inversion, DreamBooth, Custom Diffusion,
                        SHiRA and Cones; hours for all of it, goes on where it was stopped
           scope [--subjects NAME…]
           on which rows of keys and values, and on which pictures, masks of both scopes lower the loss, and what is drawn
           ways [--pairs A+B…] [--steps N]
           packs found alone and in company, among values alone, and tuned: one subject in a picture, and two
           pack [MASK]  bytes and decode speed of subject packs against other encodings
  few-steps [OUT]
           make the bundle of Toybox that draws in four steps (target/toybox-4-steps): its LoRA merged into an export; installs PyTorch once
  golden   make the golden vectors of tests/golden again, from PyTorch and diffusers
  gpu      [--work FOLDER] [--minutes N] [--vae-minutes N] [--batch N] [--vae-flags F] [--unet-flags F] [--no-cuda]
           prepare everything for a borrowed machine with a GPU, and print the calls to make
           rehearse [the same]  the same calls here, on the CPU and at tiny scale
           aside, back          move what no call needs out of the tree, and in again
           take FOLDER          check what came back, and put the weights into the work folder
  reach    onnxruntime [VERSION…]
           Toybox with every ONNX Runtime from 1.23 on: which forms it loads, and how far pictures are from those of the
           version that is fetched (x86-64 Linux)
           arm64 [tests|bits [STEPS]]
           the core's tests on ARM64, which QEMU stands in for, and which of its numbers are this machine's to the bit
           phones [check|link]
           compile everything for Android and iOS; link Android's library and hold what it asks for against what Android has
           These two fetch Rust, clang, lld and QEMU from Debian into target/reach (apt and dpkg, but not root; 300 MB, once),
           and go on where they were stopped. x86-64 Linux
  fuzz     [PARSER…] [--minutes N] [--sanitizer none|address] [--keep]
           feed every parser of outside data for N minutes in all (12), in turns of at most two; goes on from what earlier runs
           found, adds to the sum of all in tests/fuzz/executed.tsv and prints it, after Ctrl-C too. A panic, a failed assertion,
           an overflow, more than a second or too much memory is a finding. Without a sanitizer, which is the default, it is
           several times faster and loses little, for the parsers are safe Rust; `address` looks at dependencies' unsafe code.
           `--keep` puts the fewest inputs that reach as much into tests/fuzzed/corpus
  endure   [kills [N]] [cancels [N]] [pictures [N]] [handles [N]]
           long runs, and a table of what they found: processes killed at random while they install, download, publish and find
           (1,000), pictures cancelled at random (10,000), pictures of one engine with subjects switched at random (1,000), opens
           and closes through Kotlin (1,000)
  sanitize [address] [thread]
           the core's tests under the compiler's sanitizers, built with them: all of its own ones, and those in which threads meet
           (x86-64 Linux; `thread` needs `rustup component add rust-src`)
  reproducible
           build what is committed twice, in two folders, as releases are built, and compare the programs byte by byte
  studio   [STEPS]  walk through `cones studio` in a real Chromium, from six pictures to a phone's QR code; screenshots of each page
           go to target/studio. Needs Node.js; fetches Chromium from Debian where there is none (130 MB, once), and packages from npm
  help     this text

  --offline  goes to cargo; everything works without a network once it is set up

Environment
  ORT_DYLIB_PATH  an ONNX Runtime library to use instead of a system or fetched one
  CONES_DEBIAN    the address of a mirror of Debian for `reach`, where this machine's apt names none
  CONES_CHROMIUM  a Chromium for `studio`, where there is none on the PATH
  CONES_PYTHON    a Python that has the packages of `bench`, `golden` and `gpu` already
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_else(|| "help".into());
    match run(&command, Options::parse(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, options: Options) -> Result {
    if matches!(command, "help" | "--help" | "-h") {
        print!("{HELP}");
        return Ok(());
    }
    let workspace = Workspace::find()?;
    if command != "gpu" {
        gpu::warn_of_moved(&workspace);
    }
    match command {
        "demo" => demo::run(&workspace, &options),
        "test" => test::run(&workspace, &options),
        "test-bindings" => test::bindings(&workspace, &options),
        "bindings" => bindings::run(&workspace, &options),
        "size" => size::run(&workspace, &options),
        "advisories" => dependencies::advisories(&workspace),
        "lint" => lint::run(&workspace, &options),
        "setup" => {
            // The library's path is the last line: scripts read it.
            let _ = open_nsfw::for_tests(&workspace);
            onnxruntime::set_up(&workspace).map(drop)
        }
        "bench" if options.rest.iter().any(|word| word == bench_pack::SECTION) => bench_pack::run(&workspace, &options),
        "bench" => match bench_script::section(&options) {
            Some(section) => bench_script::run(&workspace, &options, section),
            None => bench::run(&workspace, &options),
        },
        "few-steps" => few_steps::run(&workspace, &options),
        "golden" => golden::run(&workspace, &options),
        "fuzz" => fuzz::run(&workspace, &options),
        "endure" => endure::run(&workspace, &options),
        "reach" => reach::run(&workspace, &options),
        "sanitize" => sanitize::run(&workspace, &options),
        "reproducible" => reproducible::run(&workspace, &options),
        "studio" => studio::run(&workspace, &options),
        "gpu" => gpu::run(&workspace, &options),
        _ => Err(Failure::new(format!("there is no command '{command}'"), "`cargo xtask help` lists them.")),
    }
}
