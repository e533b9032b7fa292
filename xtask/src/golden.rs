//! The golden vectors, made again by the scripts beside them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::venv::Dependencies;
use crate::workspace::Workspace;
use crate::{onnxruntime, process, venv};

/// Runs every `tests/golden/make_*.py` in the order of names; arguments choose some by a part of their name.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let folder = workspace.path("tests/golden");
    let scripts = scripts(&folder, &options.rest)?;
    let library = onnxruntime::set_up(workspace)?;
    let requirements = folder.join("requirements.txt");
    let python = venv::prepare(&workspace.target().join("golden-venv"), &requirements, Dependencies::Resolved)?;
    for script in scripts {
        println!("{}", script.display());
        let mut command = python.command();
        command.current_dir(workspace.root()).arg(&script).env(onnxruntime::VARIABLE, &library);
        process::run(&mut command, "What Python wrote above says why.")?;
    }
    println!("`git diff --stat tests/golden` shows what changed.");
    Ok(())
}

fn scripts(folder: &Path, wanted: &[String]) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| Failure::file("read", folder, &e))?;
    let mut scripts: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("make_")
                && name.ends_with(".py")
                && (wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())))
        })
        .collect();
    scripts.sort();
    if scripts.is_empty() {
        return Err(Failure::new(
            format!("no make_*.py in {} fits {wanted:?}", folder.display()),
            "Without an argument all of them run.",
        ));
    }
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn scripts_are_sorted_and_chosen_by_a_part_of_their_name() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        for name in ["make_noise.py", "make_images.py", "helper.py", "make_x.txt"] {
            fs::write(scratch.path().join(name), "").unwrap();
        }
        let names = |wanted: &[String]| -> Result<Vec<_>> {
            Ok(scripts(scratch.path(), wanted)?.iter().map(|p| p.file_name().unwrap().to_owned()).collect())
        };
        assert_eq!(names(&[])?, ["make_images.py", "make_noise.py"]);
        assert_eq!(names(&["noise".into()])?, ["make_noise.py"]);
        assert!(names(&["gone".into()]).is_err());
        Ok(())
    }
}
