//! Archives, by Python's `tarfile`: it is there wherever Python is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::onnxruntime::sha256;
use crate::process;
use crate::python::Python;

/// Arguments: archive, `w` or `w:gz`, then pairs of a name in the archive and a file.
const PACK: &str = "\
import sys, tarfile
out, mode, *pairs = sys.argv[1:]
with tarfile.open(out, mode, **(dict(compresslevel=6) if mode == 'w:gz' else {})) as archive:
    for name, path in zip(pairs[::2], pairs[1::2]):
        archive.add(path, name)
";

/// Packs files under other names. Compressed, it is made only if a file has changed: that takes minutes.
pub(crate) fn pack(out: &Path, files: &[(String, PathBuf)], compressed: bool) -> Result {
    let parent = out.parent().unwrap_or(out);
    fs::create_dir_all(parent).map_err(|e| Failure::file("create", parent, &e))?;
    let mut wanted = String::new();
    for (name, path) in files {
        wanted.push_str(&format!("{}  {name}\n", sha256(path)?));
    }
    let stamp = out.with_extension("inputs");
    if compressed && out.is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if compressed {
        println!("Packing {} (a minute or two, once)", out.display());
    }
    let scratch = out.with_extension("part");
    let mut python = Python::find()?.command();
    python.args(["-c", PACK]).arg(&scratch).arg(if compressed { "w:gz" } else { "w" });
    for (name, path) in files {
        python.arg(name).arg(path);
    }
    process::run(&mut python, "What Python wrote above says why.")?;
    fs::rename(&scratch, out)
        .and_then(|()| fs::write(&stamp, wanted))
        .map_err(|error| Failure::file("write", out, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn an_archive_is_made_anew_when_a_file_changes() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let (file, out) = (scratch.path().join("file"), scratch.path().join("a/x.tar.gz"));
        fs::write(&file, "one").unwrap();
        let files = [("inside/name".to_owned(), file.clone())];
        pack(&out, &files, true)?;
        let first = fs::read(&out).unwrap();
        fs::write(&out, "kept as it is").unwrap();
        pack(&out, &files, true)?;
        assert_eq!(fs::read_to_string(&out).unwrap(), "kept as it is");
        fs::write(&file, "two").unwrap();
        pack(&out, &files, true)?;
        assert_ne!(fs::read(&out).unwrap(), first);
        Ok(())
    }
}
