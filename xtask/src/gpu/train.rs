//! What the training needs on the other machine: packages that are missing there, artwork, tokenizer, checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::gpu::settings::Settings;
use crate::gpu::tree;
use crate::process;
use crate::python::Python;
use crate::workspace::Workspace;

/// Fills `.gpu/train` from the work folder, and `.gpu/weights` where it holds a checkpoint; says whether it does.
pub(crate) fn fill(workspace: &Workspace, settings: &Settings) -> Result<bool> {
    let (work, folder) = (workspace.root().join(&settings.work), workspace.path(&super::folders::train_folder()));
    let weights = workspace.path(&super::folders::weights_folder());
    clear(&folder)?;
    clear(&weights)?;
    wheels(workspace, &folder)?;
    let files = inputs(&work)?;
    tree::copy(&work, &files, &folder.join("work"))?;
    let begun = has_checkpoint(&work);
    if begun {
        let mut pack = super::folders::python(&work)?.command();
        pack.arg(workspace.path("models/toybox/recipe/gpu/weights.py")).arg("pack").arg(&work).arg(&weights);
        process::run(&mut pack, "What Python wrote above says why.")?;
    } else {
        println!("{} has no checkpoint: the training begins anew", work.display());
    }
    remember(workspace, &work)?;
    Ok(begun)
}

/// Wheels by pip, for the machine's Python 3.12, pinned by hash.
fn wheels(workspace: &Workspace, folder: &Path) -> Result {
    let cache = super::folders::cache(workspace).join("wheels");
    let mut pip = Python::find()?.pip()?;
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes"])
        .args(["--only-binary=:all:", "--python-version=3.12", "--implementation=cp"])
        .args(["--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64", "--requirement"])
        .arg(workspace.path("models/toybox/recipe/gpu/requirements.txt"))
        .arg("--dest")
        .arg(&cache);
    clear(&cache)?;
    let output = process::capture(&mut pip)?;
    if !output.status.success() {
        return Err(Failure::new(
            format!("pip could not fetch the wheels:\n        {}", process::last_words(&output)),
            "This needs a network: check it and pip's settings (`pip config list`), then run this again.",
        ));
    }
    tree::copy(&cache, &tree::under(&cache, Path::new(""))?, folder)
}

/// Of the work folder what training starts from. Latents are made anew, and held-out drawings stay here.
fn inputs(work: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from("sprites.npz")];
    files.extend(tree::under(work, Path::new("tokenizer"))?);
    match files.iter().find(|file| !work.join(file).is_file()) {
        None if files.len() > 1 => Ok(files),
        missing => Err(Failure::new(
            format!(
                "{} has no {}",
                work.display(),
                missing.map_or("tokenizer".into(), |file| file.display().to_string())
            ),
            "Name the training's work folder with --work; models/toybox/recipe/train.sh makes both.",
        )),
    }
}

/// Whether there is something to go on from, which `weights.py` packs.
fn has_checkpoint(work: &Path) -> bool {
    ["vae.pt", "unet.pt"].iter().any(|name| work.join(name).is_file())
}

/// An empty folder.
pub(crate) fn clear(folder: &Path) -> Result {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::file("clear", folder, &error));
        }
        _ => {}
    }
    fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))
}

/// For `take`, which is told what came back and not where it belongs.
fn remember(workspace: &Workspace, work: &Path) -> Result {
    let file = workspace.path(super::folders::FOLDER).join("work");
    fs::write(&file, work.to_string_lossy().as_bytes()).map_err(|e| Failure::file("write", &file, &e))
}

/// The work folder of the last preparation.
pub(crate) fn remembered(workspace: &Workspace) -> Result<PathBuf> {
    let file = workspace.path(super::folders::FOLDER).join("work");
    fs::read_to_string(&file).map(PathBuf::from).map_err(|error| {
        Failure::new(format!("cannot read {}: {error}", file.display()), "`cargo xtask gpu --work FOLDER` writes it.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn artwork_and_tokenizer_travel_and_nothing_else() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let work = scratch.path();
        fs::create_dir_all(work.join("tokenizer")).unwrap();
        fs::create_dir_all(work.join("latents")).unwrap();
        for missing in ["sprites.npz", "tokenizer/vocab.json"] {
            assert!(inputs(work).unwrap_err().to_string().contains(missing.split('/').next().unwrap()));
            fs::write(work.join(missing), "x").unwrap();
        }
        for file in ["held-out.npz", "vae8.pt", "unet.part", "sheet.png", "latents/0.npz"] {
            fs::write(work.join(file), "x").unwrap();
        }
        let names: Vec<String> = inputs(work)?.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["sprites.npz", "tokenizer/vocab.json"]);
        assert!(!has_checkpoint(work));
        fs::write(work.join("unet.pt"), "x").unwrap();
        assert!(has_checkpoint(work));
        Ok(())
    }
}
