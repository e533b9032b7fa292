//! Rust, clang and lld of [`Debian`], and a cargo that compiles with them for other machines.
//!
//! Programs of a newer Debian do not start on this machine's C library, so each gets a script that starts it on its own. The
//! compiler is not the one that `rust-toolchain.toml` names, for which rustup would have to fetch other machines' libraries and the
//! source of the standard library; cargo itself is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::reach::debian::Debian;
use crate::reach::unchanged::write;
use crate::workspace::Workspace;

/// Where the C library is in a package of x86-64.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// What links as a C compiler does.
const DRIVER: &str = include_str!("cc.sh");

/// Scripts that start the tools.
pub(crate) struct Tools {
    folder: PathBuf,
    /// clang's version.
    version: u32,
}

impl Tools {
    /// Writes the scripts, and says which versions they start.
    pub(crate) fn set_up(debian: &Debian, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).map_err(|error| Failure::file("create", &folder, &error))?;
        let host = debian.host();
        let clang = newest(&host.join("usr/lib"), "llvm-")?;
        let resources = newest(&host.join("usr/lib").join(format!("llvm-{clang}/lib/clang")), "")?;
        let resources = format!("usr/lib/llvm-{clang}/lib/clang/{resources}");
        let tools = Self { folder, version: clang };
        tools.script(&host, "rustc", "rustc", &format!("--sysroot {}", host.join("usr").display()))?;
        let resources = host.join(resources);
        let options = format!("-no-canonical-prefixes -resource-dir {}", resources.display());
        tools.script(&host, "clang", &format!("clang-{clang}"), &options)?;
        tools.script(&host, "ld.lld", &format!("lld-{clang}"), "")?;
        script(&tools.cc(), &DRIVER.replace("LLD", &tools.lld().display().to_string()))?;
        let asked = process::capture(Command::new(tools.rustc()).arg("--version"))?;
        if !asked.status.success() {
            return Err(Failure::new(
                format!("Debian's Rust does not start: {}", process::last_words(&asked)),
                format!("Remove {} and run this again.", host.parent().unwrap_or(&host).display()),
            ));
        }
        println!("Compiling with {}, clang and lld {clang}", String::from_utf8_lossy(&asked.stdout).trim());
        Ok(tools)
    }

    pub(crate) fn rustc(&self) -> PathBuf {
        self.folder.join("rustc")
    }

    pub(crate) fn clang(&self) -> PathBuf {
        self.folder.join("clang")
    }

    pub(crate) fn lld(&self) -> PathBuf {
        self.folder.join("ld.lld")
    }

    /// What links as a C compiler does, with [`lld`](Self::lld): some versions of rustc do not speak to lld itself for these targets.
    pub(crate) fn cc(&self) -> PathBuf {
        self.folder.join("cc")
    }

    /// Where LLVM's unwinder is below a folder of Debian's, to be linked in.
    pub(crate) fn unwinder(&self) -> String {
        format!("usr/lib/llvm-{}/lib/libunwind.a", self.version)
    }

    /// cargo for `target`, with a folder of its own to build in. The C of `ring` needs no C library's headers: it is told so, as it
    /// tells itself for some targets.
    pub(crate) fn cargo(&self, workspace: &Workspace, options: &Options, target: &str, words: &[&str]) -> Command {
        let mut cargo = workspace.cargo(options, words);
        let name = target.replace('-', "_");
        cargo.args(["--target", target]).env("RUSTC", self.rustc());
        cargo.env(format!("CC_{name}"), self.clang()).env(format!("AR_{name}"), "ar");
        cargo.env(format!("CFLAGS_{name}"), "-nostdlibinc -DRING_CORE_NOSTDLIBINC=1");
        cargo.env(setting(target, "LINKER"), self.lld());
        cargo
    }

    fn script(&self, host: &Path, name: &str, program: &str, options: &str) -> Result {
        let (file, host) = (self.folder.join(name), host.display());
        // clang starts itself for the parts of its work, with `-cc1` first: it finds this script by its own name.
        let text = format!(
            "#!/bin/sh\ncase \"$1\" in -cc1*) options= ;; *) options=\"{options}\" ;; esac\n\
             exec {host}/usr/lib64/ld-linux-x86-64.so.2 --library-path {host}/{LIBRARIES} --argv0 {} \
             {host}/usr/bin/{program} $options \"$@\"\n",
            file.display()
        );
        script(&file, &text)
    }
}

/// Writes a script. It keeps its date where it is the same: cargo compiles anew where the compiler's date changed.
fn script(file: &Path, text: &str) -> Result {
    write(file, text)?;
    executable(file).map_err(|error| Failure::file("write", file, &error))
}

/// cargo's variable for a setting of one target.
pub(crate) fn setting(target: &str, what: &str) -> String {
    format!("CARGO_TARGET_{}_{what}", target.replace('-', "_").to_uppercase())
}

/// The largest number that follows `start` in the names of a folder.
fn newest(folder: &Path, start: &str) -> Result<u32> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("read", folder, &error))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_prefix(start)?.parse().ok()).max().ok_or_else(|| {
        Failure::new(
            format!("{} has no {start} of any version", folder.display()),
            "Remove target/reach and run this again.",
        )
    })
}

#[cfg(unix)]
fn executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(not(unix), ignore = "there is no shell")]
    fn what_is_said_to_a_compiler_is_said_to_the_linker() {
        let script = DRIVER.replace("exec LLD", "printf '%s\\n'");
        let words = [
            "-shared",
            "-Wl,--as-needed",
            "-Wl,-z,relro",
            "-nodefaultlibs",
            "-o",
            "a b*.so",
            "-Wl,-Bstatic",
            "-lc",
            "-m64",
        ];
        let output = Command::new("sh").args(["-c", &script, "cc"]).args(words).output().expect("a shell");
        let said = String::from_utf8(output.stdout).expect("text");
        let expected = ["-shared", "-z", "relro", "-o", "a b*.so", "-Bstatic", "-lc"];
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }
}
