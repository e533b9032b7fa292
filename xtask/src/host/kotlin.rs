//! The Kotlin API on a plain JVM: Maven compiles it with the generated code and runs its JUnit tests.

use std::ffi::OsString;
use std::process::Command;

use super::given::Given;
use crate::count::Count;
use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;

const PROJECT: &str = "android/pom.xml";
const OLDEST_JAVA: u32 = 17;
/// What Maven's own Java is started with.
const OPTIONS: &str = "MAVEN_OPTS";
const INSTALL: &str = "Install a JDK 17 or newer and Maven 3.8 or newer (Debian: apt install openjdk-17-jdk-headless maven; \
                       macOS: brew install openjdk@17 maven), with JAVA_HOME naming the JDK if there are several.";

pub(super) fn test(given: &Given<'_>, options: &Options, count: &mut Count) -> Result {
    let maven = match Maven::find("mvn") {
        Ok(maven) => maven,
        Err(why) if insisted() => return Err(Failure::new(format!("the Kotlin tests cannot run: {why}"), INSTALL)),
        Err(why) => {
            println!("skipped: the Kotlin tests, for {why}. {INSTALL}");
            return Ok(());
        }
    };
    let mut command = tests(&maven, given, options);
    let mut own = Count::default();
    let outcome = own.run(&mut command);
    // On a line of its own, whatever colours Maven leaves behind.
    println!("\n{} passed, {} failed, {} skipped in Kotlin", own.passed, own.failed, own.ignored);
    count.add_all(&own);
    let status = outcome?;
    if !status.success() {
        let hint = "The failures are listed above. The first run fetches compiler and libraries from Maven Central.";
        return Err(Failure::new(format!("the Kotlin tests failed: {status}"), hint));
    }
    // A project whose tests are no longer found builds well, too.
    if own.passed == 0 {
        return Err(Failure::new("Maven ran no Kotlin test", "Surefire's words above say which classes it looked at."));
    }
    Ok(())
}

/// Maven, to run the tests of one class.
pub(super) fn alone(given: &Given<'_>, options: &Options, class: &str) -> Result<Command> {
    let maven = Maven::find("mvn").map_err(|why| Failure::new(format!("Kotlin cannot run: {why}"), INSTALL))?;
    let mut command = tests(&maven, given, options);
    // The sample has no test of that name.
    command.args([format!("-Dtest={class}"), "-Dsurefire.failIfNoSpecifiedTests=false".to_owned()]);
    Ok(command)
}

fn tests(maven: &Maven, given: &Given<'_>, options: &Options) -> Command {
    let mut command = given.pass_to(maven.command());
    command.args(["--batch-mode", "--no-transfer-progress", "--file"]).arg(given.workspace.path(PROJECT));
    command.args(options.offline.then_some("--offline")).arg("test");
    command
}

/// In CI nothing is skipped: every service sets this variable.
fn insisted() -> bool {
    std::env::var_os("CI").is_some_and(|value| !matches!(value.to_str(), Some("" | "false" | "0")))
}

/// A Maven with a Java that is new enough.
struct Maven(OsString);

impl Maven {
    fn find(program: &str) -> std::result::Result<Self, String> {
        let program = OsString::from(if cfg!(windows) { format!("{program}.cmd") } else { program.to_owned() });
        let output = process::capture(Command::new(&program).arg("--version"))
            .map_err(|_| format!("there is no `{}`", program.to_string_lossy()))?;
        if !output.status.success() {
            // Maven is a script that looks for Java.
            return Err(format!("Maven does not start: {}", process::last_words(&output)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        match java(&text) {
            Some(version) if version >= OLDEST_JAVA => Ok(Self(program)),
            Some(version) => Err(format!("Maven runs on Java {version}, and {OLDEST_JAVA} is the oldest that will do")),
            None => Err("Maven does not say which Java it runs on".into()),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        if std::env::var_os(OPTIONS).is_none() {
            // Kotlin's compiler lives for a minute: Java's best compiler takes longer than what it gains.
            command.env(OPTIONS, "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
        }
        command
    }
}

/// The major version in what `mvn --version` says.
fn java(text: &str) -> Option<u32> {
    let version = text.lines().find_map(|line| line.trim().strip_prefix("Java version: "))?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_java_that_maven_runs_on_is_read() {
        let text =
            "Apache Maven 3.8.7\nMaven home: /usr/share/maven\nJava version: 17.0.15, vendor: Debian, runtime: /x\n";
        assert_eq!(java(text), Some(17));
        assert_eq!(java("Java version: 1.8.0_402, vendor: x"), Some(1));
        assert_eq!(java("Apache Maven"), None);
    }

    #[test]
    fn a_machine_without_maven_is_told_so() {
        assert!(Maven::find("no-such-maven").is_err_and(|why| why.contains("no-such-maven")));
    }
}
