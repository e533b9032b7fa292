//! Debian's packages, fetched and unpacked into a folder of our own: nothing is installed, and no root is needed.
//!
//! Debian's unstable suite has a Rust with the standard library for ARM64 and with its source, clang, lld and QEMU, all of which run
//! anywhere with the C library that comes beside them. apt is given a configuration of its own, so that this machine's is not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process;

/// Names the mirror where this machine is not a Debian.
const VARIABLE: &str = "CONES_DEBIAN";
const SUITE: &str = "sid";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is taken together with all that it depends on.
const WHOLE: [&str; 6] = ["rustc", "libstd-rust-dev", "rust-src", "clang", "lld", "qemu-user"];
/// Of those dependencies, what only links programs for this machine, which its own linker does.
const LEFT_OUT: [&str; 12] = [
    "binutils",
    "cpp",
    "gcc",
    "libc-dev",
    "libc6-dev",
    "libclang1",
    "libgcc-1",
    "libobjc",
    "libstdc++-1",
    "llvm-",
    "lib32",
    "linux-libc",
];
/// What is taken alone, for ARM64.
const ARM64: [&str; 5] = ["libstd-rust-dev", "libc6", "libc6-dev", "libgcc-s1", "libstdc++6"];

/// The unpacked packages of x86-64, and beside them those of ARM64.
pub(crate) struct Debian {
    folder: PathBuf,
}

impl Debian {
    /// Fetches what is not there yet, about 300 MB.
    pub(crate) fn set_up(folder: PathBuf) -> Result<Self> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Err(Failure::new(
                "Debian's tools are fetched for x86-64 Linux alone",
                "Run this on such a machine.",
            ));
        }
        let debian = Self { folder };
        let ready = debian.folder.join("ready");
        if !ready.exists() {
            println!("Fetching Rust, clang, lld and QEMU from Debian (about 300 MB, once)");
            debian.configure()?;
            let packages = debian.packages()?;
            debian.fetch(&packages)?;
            debian.unpack()?;
            write(&ready, &packages.join("\n"))?;
        }
        Ok(debian)
    }

    /// What runs here: `usr` below it is as on a Debian of x86-64.
    pub(crate) fn host(&self) -> PathBuf {
        self.folder.join("amd64")
    }

    /// The files of ARM64's packages: `usr` below it is as on a Debian of that processor.
    pub(crate) fn arm64(&self) -> PathBuf {
        self.folder.join("arm64")
    }

    /// apt, told of nothing but our own folder.
    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.folder.join("apt.conf")).env("LC_ALL", "C");
        command
    }

    fn configure(&self) -> Result {
        let mirror = mirror()?;
        if !Path::new(KEYRING).exists() {
            return Err(Failure::new(
                format!("Debian's keys are not in {KEYRING}"),
                "Install them (Debian and Ubuntu: apt install debian-archive-keyring).",
            ));
        }
        for folder in ["lists/partial", "cache/archives/partial", "empty", "debs"] {
            create(&self.folder.join(folder))?;
        }
        write(&self.folder.join("status"), "")?;
        let sources = format!("deb [arch=amd64,arm64 signed-by={KEYRING}] {mirror} {SUITE} main\n");
        write(&self.folder.join("sources.list"), &sources)?;
        write(&self.folder.join("apt.conf"), &configuration(&self.folder))?;
        let output = process::capture(self.apt("apt-get").args(["update", "-q"]))?;
        said(&output, "apt-get could not read Debian's lists")
    }

    /// Everything that is needed, by name.
    fn packages(&self) -> Result<Vec<String>> {
        let mut ask = self.apt("apt-cache");
        ask.args(["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks"]);
        ask.args(["--no-replaces", "--no-enhances"]).args(WHOLE);
        let output = process::capture(&mut ask)?;
        said(&output, "apt-cache could not tell what Rust needs")?;
        let depends = read_dependencies(&String::from_utf8_lossy(&output.stdout));
        let mut packages = closure(&depends, &WHOLE);
        // The unwinder that Android's NDK links in, of clang's own version.
        let clang = packages.iter().find_map(|name| name.strip_prefix("clang-")).map(str::to_owned);
        let unwinder = format!("libunwind-{}-dev", clang.unwrap_or_default());
        packages.extend(ARM64.iter().copied().chain([unwinder.as_str()]).map(|name| format!("{name}:arm64")));
        packages.insert(unwinder);
        Ok(packages.into_iter().collect())
    }

    fn fetch(&self, packages: &[String]) -> Result {
        let mut command = self.apt("apt-get");
        command.current_dir(self.folder.join("debs")).args(["download", "-q"]).args(packages);
        said(&process::capture(&mut command)?, "apt-get could not fetch Debian's packages")
    }

    fn unpack(&self) -> Result {
        let debs = self.folder.join("debs");
        let entries = fs::read_dir(&debs).map_err(|error| Failure::file("read", &debs, &error))?;
        for deb in entries.flatten().map(|entry| entry.path()) {
            let name = deb.to_string_lossy();
            let folder = if name.ends_with("_arm64.deb") { self.arm64() } else { self.host() };
            create(&folder)?;
            let output = process::capture(Command::new("dpkg").arg("-x").arg(&deb).arg(&folder))?;
            said(&output, "dpkg could not unpack a package")?;
        }
        // Where programs and scripts of the linker look for them.
        link("usr/lib", &self.arm64().join("lib"))?;
        link("libgcc_s.so.1", &self.arm64().join("usr/lib/aarch64-linux-gnu/libgcc_s.so"))?;
        // The compiler finds both standard libraries in one folder.
        let rust = "usr/lib/rustlib/aarch64-unknown-linux-gnu";
        link(&self.arm64().join(rust).to_string_lossy(), &self.host().join(rust))
    }
}

/// The mirror that this machine's own apt uses, or the one that the variable names.
fn mirror() -> Result<String> {
    if let Some(named) = std::env::var(VARIABLE).ok().filter(|named| !named.is_empty()) {
        return Ok(named);
    }
    let mut ask = Command::new("apt-get");
    ask.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]);
    let output = process::capture(&mut ask)?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find(|line| !line.contains("security")).map(|line| line.trim_end_matches('/').to_owned()).ok_or_else(
        || {
            Failure::new(
                "this machine's apt names no mirror of Debian",
                format!("Set {VARIABLE} to the address of one: what stands before `sid` in a line of sources.list."),
            )
        },
    )
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::State::lists \"{folder}/lists\";\nDir::State::status \"{folder}/status\";\nDir::Cache \"{folder}/cache\";\n\
         Dir::Etc::sourcelist \"{folder}/sources.list\";\nDir::Etc::sourceparts \"{folder}/empty\";\n\
         Dir::Etc::preferences \"{folder}/empty/none\";\nDir::Etc::preferencesparts \"{folder}/empty\";\n\
         APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; \"arm64\"; }};\n\
         Acquire::Check-Valid-Until \"false\";\nAcquire::Languages \"none\";\nAPT::Sandbox::User \"root\";\n"
    )
}

/// What `apt-cache depends --recurse` prints: a package at the start of a line, below it what it depends on.
fn read_dependencies(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut depends: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut package = String::new();
    for line in text.lines() {
        let words = line.trim_start().trim_start_matches('|');
        if !line.starts_with([' ', '|']) {
            package = line.to_owned();
            depends.entry(package.clone()).or_default();
        } else if let Some((_, name)) = words.split_once("Depends: ") {
            // In angles stand names that no package has.
            if !name.starts_with('<') {
                depends.entry(package.clone()).or_default().push(name.to_owned());
            }
        }
    }
    depends
}

/// `roots` and what they need, without what is left out.
fn closure(depends: &BTreeMap<String, Vec<String>>, roots: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = roots.iter().map(|&root| root.to_owned()).collect();
    while let Some(name) = open.pop() {
        let unwanted = LEFT_OUT.iter().any(|start| name.starts_with(start)) || name.contains(':');
        if !unwanted && found.insert(name.clone()) {
            open.extend(depends.get(&name).into_iter().flatten().cloned());
        }
    }
    found
}

fn said(output: &std::process::Output, what: &str) -> Result {
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(
        format!("{what}:\n        {}", process::last_words(output)),
        "A first run needs a network that reaches a mirror of Debian, and room for 3 GB; run this again to go on.",
    ))
}

fn create(folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))
}

fn write(file: &Path, text: &str) -> Result {
    fs::write(file, text).map_err(|error| Failure::file("write", file, &error))
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result {
    match std::os::unix::fs::symlink(to, at) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(Failure::file("create", at, &error)),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn link(_: &str, at: &Path) -> Result {
    Err(Failure::new(format!("cannot make the link {}", at.display()), "Run this on Linux."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_followed_except_into_what_this_machine_has() {
        let text = "rustc\n  Depends: libc6\n |Depends: gcc\n  Depends: libstd\n  Depends: <libc-dev>\n    libc6-dev\nlibstd\n  \
                    PreDepends: libLLVM\ngcc\n  Depends: cpp\nlibc6\nother\n  Depends: more\n";
        let depends = read_dependencies(text);
        assert_eq!(depends["rustc"], ["libc6", "gcc", "libstd"]);
        let found: Vec<String> = closure(&depends, &["rustc"]).into_iter().collect();
        assert_eq!(found, ["libLLVM", "libc6", "libstd", "rustc"]);
    }
}
