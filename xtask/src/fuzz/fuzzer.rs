//! cargo-fuzz, and the targets that it built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::fuzz::ledger::Ran;
use crate::fuzz::sanitizer::Sanitizer;
use crate::fuzz::told::{self, End};
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Where the workspace of the targets lies.
pub(super) const WORKSPACE: &str = "tests/fuzz";

/// What every parser may take: no input longer than a second. How much memory is bounded in `tests/fuzzed`; these are the bounds of
/// the whole process, the fuzzer's own memory included.
const LIMITS: [&str; 4] = ["-timeout=1", "-rss_limit_mb=2048", "-malloc_limit_mb=1024", "-print_final_stats=1"];
/// The most bytes of a parser's inputs that go into the repository.
const MOST_KEPT: usize = 16 << 10;
/// How long a target may take to end once it was asked to.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Fuzzer<'a> {
    pub(super) program: PathBuf,
    pub(super) workspace: &'a Workspace,
    pub(super) work: &'a Path,
    pub(super) sanitizer: Sanitizer,
    /// Set when all is to end.
    pub(super) stopped: &'a AtomicBool,
}

impl Fuzzer<'_> {
    /// The installed cargo-fuzz, or one of our own under `target/`, made once.
    pub(super) fn set_up(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
        let installed = PathBuf::from("cargo-fuzz");
        let works = |program: &Path| {
            process::capture(Command::new(program).args(["fuzz", "--version"])).is_ok_and(|o| o.status.success())
        };
        if works(&installed) {
            return Ok(installed);
        }
        let tools = workspace.target().join("tools");
        let own = tools.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
        if !works(&own) {
            println!("Installing cargo-fuzz into {} (once)", tools.display());
            let mut install = workspace.cargo(options, &["install", "--quiet", "--locked", "cargo-fuzz", "--root"]);
            let hint = "Check the network, or install it yourself: `cargo install cargo-fuzz`.";
            process::run(install.arg(&tools), hint)?;
        }
        Ok(own)
    }

    pub(super) fn build(&self) -> Result {
        let mut command = Command::new(&self.program);
        command.current_dir(self.workspace.root()).args(["fuzz", "build", "--fuzz-dir", WORKSPACE]);
        command.args(["--sanitizer", self.sanitizer.name(), "--target-dir"]).arg(self.built());
        // The sanitizer's and the coverage's options are of the nightly compiler; the stable one has them as well.
        process::run(command.env("RUSTC_BOOTSTRAP", "1"), "The compiler's words above say why.")
    }

    /// One for each sanitizer, so that neither builds anew what the other did.
    fn built(&self) -> PathBuf {
        self.work.join(self.sanitizer.name())
    }

    /// The program that feeds one parser. It is run without cargo-fuzz, which would look for changes each time, and which Ctrl-C
    /// ends before the fuzzer has said its sum.
    fn target(&self, parser: &str) -> Result<Command> {
        let built = self.built();
        let name = format!("{parser}{}", std::env::consts::EXE_SUFFIX);
        let entries = fs::read_dir(&built).map_err(|error| Failure::file("read", &built, &error))?;
        // `built/x86_64-unknown-linux-gnu/release/parser`
        let mut places = entries.flatten().map(|entry| entry.path().join("release").join(&name));
        let program = places.find(|place| place.is_file()).ok_or_else(|| {
            Failure::new(format!("cargo-fuzz built no {name} in {}", built.display()), "Remove that folder; try again.")
        })?;
        let mut command = Command::new(program);
        command.current_dir(self.workspace.root()).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }

    /// Feeds one parser for so long, or until all is to end.
    pub(super) fn feed(&self, parser: &str, seconds: u64) -> Result<Ran> {
        let corpus = self.corpus(parser)?;
        let found = self.work.join("found");
        fs::create_dir_all(&found).map_err(|error| Failure::file("create", &found, &error))?;
        let mut command = self.target(parser)?;
        command.arg(&corpus).args(LIMITS).arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/{parser}-", found.display()));
        let log = self.work.join(format!("{parser}.log"));
        let output = fs::File::create(&log).map_err(|error| Failure::file("create", &log, &error))?;
        let begun = Instant::now();
        let child = command.stderr(output).spawn();
        let child =
            child.map_err(|error| Failure::new(format!("cannot start {parser}: {error}"), "Build it again."))?;
        let status = self.wait(child)?;
        let text = fs::read(&log).map_err(|error| Failure::file("read", &log, &error))?;
        let text = String::from_utf8_lossy(&text);
        let Some(ran) = told::read(&text) else {
            return Err(Failure::new(
                format!("{parser} did not run ({status})"),
                format!("Its words are in {}.", log.display()),
            ));
        };
        let is_found = match (told::end(status.code()), told::input(&text)) {
            (End::Clean, _) => false,
            (End::Slow, Some(input)) => self.is_slow(parser, Path::new(input))?,
            _ => true,
        };
        Ok(Ran { seconds: begun.elapsed().as_secs(), found: u64::from(is_found), ..ran })
    }

    fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        const PAUSE: Duration = Duration::from_millis(100);
        let failed = |error| Failure::new(format!("cannot wait for the fuzzer: {error}"), "Try again.");
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok(status);
            }
            if self.stopped.load(Ordering::Relaxed) {
                // A terminal's Ctrl-C goes to the fuzzer as well, which then says its sum; a signal to us alone does not.
                let asked = *asked.get_or_insert_with(Instant::now);
                if asked.elapsed() > PATIENCE {
                    let _ = child.kill();
                }
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Whether an input takes too long again when it is fed alone. One that does not is forgotten: the machine was busy.
    fn is_slow(&self, parser: &str, input: &Path) -> Result<bool> {
        let mut command = self.target(parser)?;
        let status = command.arg(input).args(LIMITS).stderr(Stdio::null()).status();
        let status = status.map_err(|error| Failure::new(format!("cannot start {parser}: {error}"), "Try again."))?;
        if told::end(status.code()) != End::Clean {
            return Ok(true);
        }
        println!("{parser}: an input took more than a second, but not again when it was fed alone");
        fs::remove_file(input).map_err(|error| Failure::file("remove", input, &error))?;
        Ok(false)
    }

    /// The parser's folder of inputs, which has what the repository has.
    fn corpus(&self, parser: &str) -> Result<PathBuf> {
        let folder = self.work.join("corpus").join(parser);
        fs::create_dir_all(&folder).map_err(|error| Failure::file("create", &folder, &error))?;
        let list = self.workspace.path("tests/fuzzed/seeds.txt");
        let text = fs::read_to_string(&list).map_err(|error| Failure::file("read", &list, &error))?;
        let own = format!("tests/fuzzed/corpus/{parser}");
        let others = text
            .lines()
            .filter_map(|line| line.strip_prefix(parser)?.strip_prefix(' '))
            .flat_map(str::split_whitespace);
        for seed in std::iter::once(own.as_str()).chain(others) {
            let path = self.workspace.path(seed);
            let files = if path.is_dir() { files(&path)? } else { vec![path] };
            for file in files.iter().filter(|file| file.is_file()) {
                let name = seed.replace('/', "-") + "-" + &file.file_name().unwrap_or_default().to_string_lossy();
                fs::copy(file, folder.join(name)).map_err(|error| Failure::file("copy", file, &error))?;
            }
        }
        Ok(folder)
    }

    /// Puts the fewest inputs that reach as much into the repository's corpus: those of at most a kilobyte, the smallest first.
    pub(super) fn keep(&self, parser: &str) -> Result {
        let small = self.work.join("small").join(parser);
        let _ = fs::remove_dir_all(&small);
        fs::create_dir_all(&small).map_err(|error| Failure::file("create", &small, &error))?;
        let mut command = self.target(parser)?;
        command.arg(&small).arg(self.work.join("corpus").join(parser));
        command.args(["-merge=1", "-max_len=1024"]).stderr(Stdio::null());
        process::run(&mut command, "libFuzzer could not merge; run it by hand.")?;
        let kept = self.workspace.path("tests/fuzzed/corpus").join(parser);
        fs::create_dir_all(&kept).map_err(|error| Failure::file("create", &kept, &error))?;
        // What an earlier one kept is among what was merged.
        for old in files(&kept)?.iter().filter(|file| is_named_by_fuzzer(file)) {
            fs::remove_file(old).map_err(|error| Failure::file("remove", old, &error))?;
        }
        let own = files(&kept)?.iter().map(fs::read).collect::<std::io::Result<Vec<_>>>();
        let own = own.map_err(|error| Failure::file("read", &kept, &error))?;
        let mut inputs = Vec::new();
        for file in files(&small)? {
            let bytes = fs::read(&file).map_err(|error| Failure::file("read", &file, &error))?;
            inputs.push((bytes.len(), file.file_name().unwrap_or_default().to_owned(), bytes));
        }
        inputs.sort();
        let mut room = MOST_KEPT;
        for (length, name, bytes) in inputs.into_iter().filter(|(.., bytes)| !own.contains(bytes)) {
            let Some(left) = room.checked_sub(length) else { break };
            room = left;
            let to = kept.join(name);
            fs::write(&to, bytes).map_err(|error| Failure::file("write", &to, &error))?;
        }
        Ok(())
    }
}

/// Whether it is one that the fuzzer found: it is named by its SHA-1.
fn is_named_by_fuzzer(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        // A parser need not have a corpus.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Failure::file("read", folder, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_named_is_not_the_fuzzers() {
        assert!(is_named_by_fuzzer(Path::new("corpus/da39a3ee5e6b4b0d3255bfef95601890afd80709")));
        for name in ["00.cones", "whole", "da39a3ee5e6b4b0d3255bfef95601890afd8070", ""] {
            assert!(!is_named_by_fuzzer(Path::new(name)), "{name}");
        }
    }
}
