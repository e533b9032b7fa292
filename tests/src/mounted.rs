//! File systems in memory, small ones and such that nobody may write to, mounted where the system lets an ordinary process do that.

use std::path::Path;
use std::process::{Command, Output};

/// Runs a shell script in a namespace of its own, in which a file system with these options of `tmpfs` (`size=3m`) lies on the folder
/// `at`, which the script has as `$0`. `command` is not run by itself: its program and arguments are the script's `"$@"`, its variables
/// the script's. None where nothing may be mounted, which is printed.
pub fn run(at: &Path, options: &str, script: &str, command: &Command) -> Option<Output> {
    std::fs::create_dir_all(at).expect("a folder");
    let mount = format!("mount -t tmpfs -o {options} tmpfs \"$0\"");
    let run = |script: &str| {
        let mut shell = Command::new("unshare");
        shell.args(["--user", "--map-root-user", "--mount", "sh", "-ec", script]).arg(at);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.output()
    };
    if !run(&mount).is_ok_and(|output| output.status.success()) {
        println!("skipped: no file system can be mounted here");
        return None;
    }
    Some(run(&format!("{mount}\n{script}")).expect("a shell"))
}

/// The script's standard output; it must have ended well.
pub fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
