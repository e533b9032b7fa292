//! Running other programs: one line says which, and a failure says which and why.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::failure::{Failure, Result};

/// Runs it with our terminal. `hint` is what to do if it fails.
pub(crate) fn run(command: &mut Command, hint: &str) -> Result {
    let status = command.status().map_err(|e| not_started(command, &e))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}` failed: {status}", line(command)), hint))
}

/// Runs it with our terminal and shows each line of its output to `seen` as well.
pub(crate) fn watch(command: &mut Command, seen: impl FnMut(&str)) -> Result<ExitStatus> {
    follow(command, false, seen)
}

/// Runs a program that says on standard error what is to be seen, as [`watch`] does: both come out as one, in order.
pub(crate) fn watch_both(command: &mut Command, seen: impl FnMut(&str)) -> Result<ExitStatus> {
    follow(command, true, seen)
}

fn follow(command: &mut Command, errors_too: bool, seen: impl FnMut(&str)) -> Result<ExitStatus> {
    let line = line(command);
    println!("{line}");
    let cannot = |error: std::io::Error| Failure::new(format!("cannot run `{line}`: {error}"), "Is it on the PATH?");
    let (output, input) = std::io::pipe().map_err(cannot)?;
    if errors_too {
        command.stderr(input.try_clone().map_err(cannot)?);
    }
    let mut child = command.stdout(input).spawn().map_err(cannot)?;
    // The command keeps its ends of the pipe, and with them open the output would not end.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    pass_on(BufReader::new(output), std::io::stdout(), seen).map_err(cannot)?;
    child.wait().map_err(cannot)
}

/// Passes everything on to `terminal` as it comes, and shows each line to `seen`. Bytes, not lines of text: a test may print
/// anything.
pub(crate) fn pass_on(
    mut output: impl BufRead,
    mut terminal: impl Write,
    mut seen: impl FnMut(&str),
) -> std::io::Result<()> {
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        // A closed terminal must not stop the tests.
        let _ = terminal.write_all(&line);
        seen(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(())
}

/// Runs it in silence and returns what it wrote, whether it failed or not.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().map_err(|e| not_started(command, &e))
}

/// The last lines of standard error, which is where pip and Python say what is wrong.
pub(crate) fn last_words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("\n        ")
}

/// The command as one would type it, with the program's name alone.
pub(crate) fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let mut text = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("cannot start `{}`: {error}", command.get_program().to_string_lossy()),
        "Install it, or put it on the PATH.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_said_is_seen_and_ends_with_the_program() -> Result {
        for (errors_too, expected) in [(false, vec!["one\n"]), (true, vec!["one\n", "two\n"])] {
            let mut lines = Vec::new();
            let mut shell = Command::new("sh");
            shell.args(["-c", "echo one; echo two >&2; exit 3"]);
            let status = follow(&mut shell, errors_too, |line| lines.push(line.to_owned()))?;
            assert_eq!((status.code(), lines), (Some(3), expected.into_iter().map(String::from).collect()));
        }
        Ok(())
    }
}
