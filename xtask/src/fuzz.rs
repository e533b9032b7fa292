//! Fuzzing: `cargo xtask fuzz`, with libFuzzer and the address sanitizer through cargo-fuzz, on the stable compiler.
//!
//! What was found of inputs is kept in `target/fuzz`, so the next run goes on from there, and so is the sum of all runs.

mod ledger;
mod told;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;
use ledger::{Ledger, Ran};

/// Where the workspace of the targets lies.
const WORKSPACE: &str = "tests/fuzz";
/// What every parser may take: no input needs longer, and none more memory at once.
const LIMITS: [&str; 4] = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=1024", "-print_final_stats=1"];

/// What is asked for.
struct Asked {
    minutes: f64,
    parsers: Vec<String>,
    keep: bool,
}

/// Builds the targets and feeds each for its share of the time. Fails when one of them found something, and says where it lies.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let work = workspace.target().join("fuzz");
    let known = parsers(workspace)?;
    let asked = Asked::parse(&options.rest, &known)?;
    fs::create_dir_all(&work).map_err(|error| Failure::file("create", &work, &error))?;
    let fuzzer = Fuzzer { program: set_up(workspace, options)?, workspace, work: &work };
    fuzzer.build()?;
    let mut ledger = Ledger::open(&work.join("executed.tsv"))?;
    let seconds = (asked.minutes * 60.0 / asked.parsers.len() as f64).ceil() as u64;
    let mut found = Vec::new();
    for parser in &asked.parsers {
        println!("{parser}: {seconds} s");
        let ran = fuzzer.feed(parser, seconds)?;
        if !ran.clean {
            found.push(parser.as_str());
        }
        ledger.add(parser, &ran)?;
        if asked.keep {
            fuzzer.keep(parser)?;
        }
    }
    print!("{}", ledger.table());
    if found.is_empty() {
        return Ok(());
    }
    let hint = format!("The inputs are in {}; make a test of each.", work.join("found").display());
    Err(Failure::new(format!("something was found: {}", found.join(", ")), hint))
}

impl Asked {
    fn parse(arguments: &[String], known: &[String]) -> Result<Self> {
        let mut asked = Self { minutes: 12.0, parsers: Vec::new(), keep: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--keep" => asked.keep = true,
                "--minutes" => {
                    let minutes = arguments.next().and_then(|text| text.parse().ok());
                    asked.minutes = minutes.filter(|m: &f64| m.is_finite() && *m > 0.0).ok_or_else(|| {
                        Failure::new("`--minutes` wants a number above 0", "For example `--minutes 60`.")
                    })?;
                }
                name if known.iter().any(|parser| parser == name) => asked.parsers.push(name.to_owned()),
                name => {
                    let hint = format!("There are {}.", known.join(", "));
                    return Err(Failure::new(format!("there is no parser `{name}`"), hint));
                }
            }
        }
        if asked.parsers.is_empty() {
            asked.parsers = known.to_vec();
        }
        Ok(asked)
    }
}

/// The names of the targets, in their order.
fn parsers(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.path(WORKSPACE).join("fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::file("read", &folder, &error))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// cargo-fuzz: the installed one, or one of our own under `target/`, made once.
fn set_up(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let installed = PathBuf::from("cargo-fuzz");
    let works = |program: &Path| {
        process::capture(Command::new(program).args(["fuzz", "--version"])).is_ok_and(|output| output.status.success())
    };
    if works(&installed) {
        return Ok(installed);
    }
    let tools = workspace.target().join("tools");
    let own = tools.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    if !works(&own) {
        println!("Installing cargo-fuzz into {} (once)", tools.display());
        let mut install = workspace.cargo(options, &["install", "--quiet", "--locked", "cargo-fuzz", "--root"]);
        process::run(install.arg(&tools), "Check the network, or install it yourself: `cargo install cargo-fuzz`.")?;
    }
    Ok(own)
}

/// cargo-fuzz, and where it works.
struct Fuzzer<'a> {
    program: PathBuf,
    workspace: &'a Workspace,
    work: &'a Path,
}

impl Fuzzer<'_> {
    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.workspace.root()).args(["fuzz", what, "--fuzz-dir", WORKSPACE, "--target-dir"]);
        // The sanitizer's and the coverage's options are of the nightly compiler; the stable one has them as well.
        command.arg(self.work.join("built")).env("RUSTC_BOOTSTRAP", "1");
        command
    }

    fn build(&self) -> Result {
        process::run(&mut self.command("build"), "The compiler's words above say why.")
    }

    /// Feeds one parser for so long.
    fn feed(&self, parser: &str, seconds: u64) -> Result<Ran> {
        let corpus = self.corpus(parser)?;
        let found = self.work.join("found");
        fs::create_dir_all(&found).map_err(|error| Failure::file("create", &found, &error))?;
        let mut command = self.command("run");
        command.arg(parser).arg(&corpus).arg("--").args(LIMITS);
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/{parser}-", found.display()));
        let log = self.work.join(format!("{parser}.log"));
        let output = fs::File::create(&log).map_err(|error| Failure::file("create", &log, &error))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let status = command.status();
        let text = fs::read(&log).map_err(|error| Failure::file("read", &log, &error))?;
        let ran = told::read(&String::from_utf8_lossy(&text));
        match (status, ran) {
            (Ok(status), Some(ran)) => Ok(Ran { clean: status.success(), ..ran }),
            _ => Err(Failure::new(format!("{parser} did not run"), format!("Its words are in {}.", log.display()))),
        }
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

    /// Puts the fewest inputs that reach as much into the repository's corpus, those of at most a kilobyte.
    fn keep(&self, parser: &str) -> Result {
        let small = self.work.join("small").join(parser);
        let _ = fs::remove_dir_all(&small);
        fs::create_dir_all(&small).map_err(|error| Failure::file("create", &small, &error))?;
        let mut command = self.command("run");
        command.arg(parser).arg(&small).arg(self.work.join("corpus").join(parser));
        command.args(["--", "-merge=1", "-max_len=1024"]).stderr(Stdio::null());
        process::run(&mut command, "libFuzzer could not merge; run it by hand.")?;
        let kept = self.workspace.path("tests/fuzzed/corpus").join(parser);
        fs::create_dir_all(&kept).map_err(|error| Failure::file("create", &kept, &error))?;
        for file in files(&small)? {
            let name = file.file_name().unwrap_or_default();
            fs::copy(&file, kept.join(name)).map_err(|error| Failure::file("copy", &file, &error))?;
        }
        Ok(())
    }
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
    fn parsers_are_named_or_all_are_meant() {
        let known = ["a".to_owned(), "b".to_owned()];
        let parse = |words: &[&str]| Asked::parse(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(), &known);
        let asked = parse(&["--minutes", "3", "b"]).expect("is right");
        assert_eq!((asked.minutes, asked.parsers, asked.keep), (3.0, vec!["b".to_owned()], false));
        assert_eq!(parse(&["--keep"]).expect("is right").parsers, known);
        for wrong in [&["c"][..], &["--minutes"], &["--minutes", "0"], &["--minutes", "inf"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
