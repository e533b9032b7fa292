//! What came back from the other machine: weights into the work folder, the rest where a person finds it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::gpu::{pieces, tree};
use crate::process;
use crate::workspace::Workspace;

/// The pieces' name, as `weights.py` packs them.
const WEIGHTS: &str = "weights";

/// Takes `folder` in. What is not a piece of the weights is copied into `target/gpu/back`, whether the weights are whole or not.
pub(crate) fn run(workspace: &Workspace, folder: &Path, work: &Path) -> Result {
    let back = super::folders::cache(workspace).join("back");
    for path in copy_notes(folder, &back)? {
        println!("{}", path.display());
    }
    if !folder.join(format!("{WEIGHTS}.sums")).is_file() {
        println!("{} holds no weights", folder.display());
        return Ok(());
    }
    let whole = back.join(WEIGHTS);
    pieces::join(WEIGHTS, folder, &whole)?;
    let mut unpack = super::folders::python(work)?.command();
    unpack.arg(workspace.path("models/toybox/recipe/gpu/weights.py")).arg("unpack").args([&whole, work]);
    process::run(&mut unpack, "What Python wrote above says why; the weights are whole, and stay where they came.")
}

fn copy_notes(folder: &Path, back: &Path) -> Result<Vec<PathBuf>> {
    let mut files = tree::under(folder, Path::new(""))?;
    if files.is_empty() {
        return Err(Failure::new(
            format!("{} is empty", folder.display()),
            "Name the folder that the reply calls files_at.",
        ));
    }
    files.retain(|file| !file.to_string_lossy().starts_with(&format!("{WEIGHTS}.")));
    fs::create_dir_all(back).map_err(|e| Failure::file("create", back, &e))?;
    // What came is read-only, and a copy would be too, so that the next could not replace it.
    for file in &files {
        let old = back.join(file);
        if old.exists() {
            fs::remove_file(&old).map_err(|e| Failure::file("replace", &old, &e))?;
        }
    }
    tree::copy(folder, &files, back)?;
    Ok(files.iter().map(|file| back.join(file)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn notes_are_copied_and_replaced_and_pieces_are_not() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let (folder, back) = (scratch.path().join("from"), scratch.path().join("back"));
        assert!(copy_notes(&folder, &back).is_err());
        fs::create_dir_all(&folder).unwrap();
        for text in ["one", "two"] {
            for name in ["cuda.txt", "weights.000", "weights.sums"] {
                fs::write(folder.join(name), text).unwrap();
            }
            assert_eq!(copy_notes(&folder, &back)?, [back.join("cuda.txt")]);
            assert_eq!(fs::read_to_string(back.join("cuda.txt")).unwrap(), text);
        }
        assert!(!back.join("weights.000").exists());
        Ok(())
    }
}
