//! The studio in a real browser: `cargo xtask studio`.
//!
//! Chromium is one that is there, or Debian's, unpacked below `target/browser`; Playwright, axe and a reader of QR codes come from npm.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::onnxruntime;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Names a Chromium, where it is not on the PATH.
const VARIABLE: &str = "CONES_CHROMIUM";
/// What drives it and looks at its pictures.
const PACKAGES: [&str; 4] = ["playwright-core@1.65.1", "axe-core@4.14.1", "jsqr@1.4.0", "pngjs@7.0.0"];
/// Where Debian's packages have libraries.
const LIBRARIES: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio"];

/// Walks the whole way from six pictures to a phone, and leaves screenshots in `target/studio`.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let folder = workspace.target().join("browser");
    let browser = Browser::find(&folder)?;
    let node = folder.join("node");
    packages(&node)?;
    let library = onnxruntime::set_up(workspace)?;
    let build = ["build", "--release", "-p", "cones-companion"];
    process::run(&mut workspace.cargo(options, &build), "The compiler says above what is wrong.")?;
    let out = workspace.target().join("studio");
    let mut walk = Command::new("node");
    walk.current_dir(&node).arg(workspace.path("companion/studio/browser/walk.mjs")).arg(workspace.cones());
    walk.arg(&browser.program).arg(workspace.path("models/subjects/fluent-dog")).arg(&out).args(&options.rest);
    walk.env("ORT_DYLIB_PATH", library).env("CONES_BUNDLE", workspace.path("models/toybox/bundle"));
    if let Some(libraries) = &browser.libraries {
        walk.env("CHROMIUM_LIBRARIES", libraries);
    }
    process::run(&mut walk, &format!("What the page looked like is in {}.", out.join("failed.png").display()))
}

/// A Chromium.
struct Browser {
    program: PathBuf,
    /// Where its libraries are, if not where the system looks.
    libraries: Option<OsString>,
}

impl Browser {
    /// The one that is named, one on the PATH, or Debian's.
    fn find(folder: &Path) -> Result<Self> {
        if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
            return Ok(Self { program: named.into(), libraries: None });
        }
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let names = ["chromium", "google-chrome", "chromium-browser"];
        let mut on_path = std::env::split_paths(&paths).flat_map(|path| names.map(|name| path.join(name)));
        if let Some(program) = on_path.find(|program| program.is_file()) {
            return Ok(Self { program, libraries: None });
        }
        let root = folder.join("root");
        let program = root.join("usr/lib/chromium/chromium");
        if !program.is_file() {
            fetch(folder, &root)?;
        }
        let libraries = std::env::join_paths(LIBRARIES.map(|library| root.join(library)));
        let libraries =
            libraries.map_err(|error| Failure::new(error.to_string(), "Name a Chromium in CONES_CHROMIUM."))?;
        Ok(Self { program, libraries: Some(libraries) })
    }
}

/// Debian's Chromium with what it needs and this machine has not, unpacked; nothing is installed.
fn fetch(folder: &Path, root: &Path) -> Result {
    let hint = format!("Install Chromium, or name one in {VARIABLE}.");
    let debs = folder.join("debs");
    fs::create_dir_all(&debs).map_err(|error| Failure::file("create", &debs, &error))?;
    println!("Fetching Chromium from Debian (about 130 MB, once)");
    let mut ask = Command::new("apt-get");
    ask.args(["install", "--simulate", "--no-install-recommends", "chromium"]);
    let planned = process::capture(&mut ask)?;
    let planned = String::from_utf8_lossy(&planned.stdout).into_owned();
    // `Inst NAME (VERSION …)` for each package that would be installed.
    let names: Vec<&str> = planned.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next()).collect();
    if names.is_empty() {
        return Err(Failure::new("this machine's apt has no Chromium", hint));
    }
    process::run(Command::new("apt-get").current_dir(&debs).args(["download", "-q"]).args(&names), &hint)?;
    let entries = fs::read_dir(&debs).map_err(|error| Failure::file("read", &debs, &error))?;
    for deb in entries.flatten().map(|entry| entry.path()) {
        process::run(Command::new("dpkg").arg("-x").arg(&deb).arg(root), &hint)?;
    }
    Ok(())
}

/// npm's packages, once.
fn packages(node: &Path) -> Result {
    if PACKAGES.iter().all(|name| node.join("node_modules").join(name.split('@').next().unwrap_or(name)).is_dir()) {
        return Ok(());
    }
    fs::create_dir_all(node).map_err(|error| Failure::file("create", node, &error))?;
    let manifest = node.join("package.json");
    fs::write(&manifest, "{ \"private\": true }\n").map_err(|error| Failure::file("write", &manifest, &error))?;
    let mut npm = Command::new("npm");
    npm.current_dir(node).args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).args(PACKAGES);
    process::run(&mut npm, "A first run needs npm and a network that reaches its registry.")
}
