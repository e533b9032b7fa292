//! From an empty machine to pictures on the disk.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Result;
use crate::onnxruntime;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Where subjects are shown; `{}` is the subject's trigger.
const SUBJECT_PROMPTS: [&str; 4] =
    ["a {} on grass", "a {} at night", "a {} on the beach", "a {} on a yellow background"];

/// The packs of two subjects that are shown together.
const PAIR: [&str; 2] = ["fluent-dog", "fluent-robot"];

/// Where they are shown.
const TOGETHER: [&str; 4] = ["on grass", "at night", "in the snow", "on a blue background"];

/// Set-up, build, a sheet of the base model's pictures, one for each example subject (base model above, subject below), and
/// two subjects in one picture.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    build(workspace, options)?;
    let out = workspace.target().join("demo");
    sheet(workspace, &library, &out, options.rest.iter().map(OsStr::new))?;
    let mut shown = vec![out.join("sheet.png")];
    let folder = workspace.root().join("models/packs");
    for pack in &packs(&folder) {
        let folder = out.join(pack.file_stem().unwrap_or_default());
        let prompts = SUBJECT_PROMPTS.iter().flat_map(|p| ["--prompt", p]).map(OsStr::new);
        sheet(workspace, &library, &folder, prompts.chain([OsStr::new("--subject"), pack.as_os_str()]))?;
        shown.push(folder.join("sheet.png"));
    }
    shown.push(together(workspace, &library, &out.join("together"), &folder)?);
    println!("\nThe pictures are in {}; to begin with:", out.display());
    for path in shown {
        println!("  {}", path.display());
    }
    Ok(())
}

/// Two subjects in one picture, each in its part of it, in several places; gives the folder.
fn together(workspace: &Workspace, library: &Path, out: &Path, packs: &Path) -> Result<PathBuf> {
    let [first, second] = PAIR;
    for (i, place) in TOGETHER.into_iter().enumerate() {
        let mut cones = cones(workspace, library);
        cones
            .args(["generate", "--bundle", "models/toybox/bundle", "--seed", "5", "--apart", "--prompt"])
            .arg(format!("a {{{first}}} and a {{{second}}} {place}"));
        for name in PAIR {
            cones.arg("--subject").arg(packs.join(name).with_extension("cones"));
        }
        process::run(cones.arg("--out").arg(out.join(format!("{i}.png"))), "What it wrote above says why.")?;
    }
    Ok(out.to_path_buf())
}

fn sheet<'a>(workspace: &Workspace, library: &Path, out: &Path, arguments: impl Iterator<Item = &'a OsStr>) -> Result {
    let mut cones = cones(workspace, library);
    cones.args(["sheet", "--bundle", "models/toybox/bundle", "--out"]).arg(out).args(arguments);
    process::run(&mut cones, "What it wrote above says why.")
}

/// The example packs, by name.
fn packs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut packs: Vec<PathBuf> = entries.filter(|p| p.extension() == Some(OsStr::new("cones"))).collect();
    packs.sort();
    packs
}

/// `cones`, in the repository's root and with this ONNX Runtime library.
pub(crate) fn cones(workspace: &Workspace, library: &Path) -> Command {
    let mut cones = Command::new(workspace.cones());
    cones.current_dir(workspace.root()).env(onnxruntime::VARIABLE, library);
    cones
}

/// Builds `target/release/cones`.
pub(crate) fn build(workspace: &Workspace, options: &Options) -> Result {
    let mut cargo = workspace.cargo(options, &["build", "--release", "--package", "cones-companion"]);
    process::run(&mut cargo, "The compiler's words above say why. Without a network, run `cargo fetch` once with one.")
}
