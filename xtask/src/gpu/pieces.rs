//! A large file in pieces, each small enough to travel, with hashes that tell whether all of it came.
//!
//! `NAME.000`, `NAME.001`, … are the pieces; `NAME.sums` has a line for the whole file and then one for each piece, as
//! `sha256sum` writes them. `models/toybox/recipe/gpu/pieces.py` is the same for the machine at the other end.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};
use crate::onnxruntime::sha256;

const HINT: &str = "Bring it once more; what is not whole is not used.";

/// Splits `file` into pieces of at most `largest` bytes in `folder`, called `name`; gives their paths, the sums' last.
pub(crate) fn split(file: &Path, name: &str, folder: &Path, largest: u64) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
    let mut source = File::open(file).map_err(|e| Failure::file("read", file, &e))?;
    let mut sums = format!("{}  {name}\n", sha256(file)?);
    let mut paths = Vec::new();
    loop {
        let path = folder.join(format!("{name}.{:03}", paths.len()));
        let written = File::create(&path)
            .and_then(|mut piece| std::io::copy(&mut (&mut source).take(largest), &mut piece))
            .map_err(|e| Failure::file("write", &path, &e))?;
        if written == 0 && !paths.is_empty() {
            fs::remove_file(&path).map_err(|e| Failure::file("remove", &path, &e))?;
            break;
        }
        sums.push_str(&format!("{}  {}\n", sha256(&path)?, file_name(&path)));
        paths.push(path);
        if written == 0 {
            break;
        }
    }
    let path = folder.join(format!("{name}.sums"));
    fs::write(&path, sums).map_err(|e| Failure::file("write", &path, &e))?;
    paths.push(path);
    Ok(paths)
}

/// Puts `name` together from its pieces in `folder` and checks every hash. `out` is written whole or not at all.
pub(crate) fn join(name: &str, folder: &Path, out: &Path) -> Result {
    let sums = folder.join(format!("{name}.sums"));
    let text = fs::read_to_string(&sums).map_err(|e| Failure::file("read", &sums, &e))?;
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once("  ")).collect();
    let Some(((whole, _), pieces)) = lines.split_first() else {
        return Err(Failure::new(format!("{} lists nothing", sums.display()), HINT));
    };
    let scratch = out.with_extension("part");
    let (mut file, mut digest) =
        (File::create(&scratch).map_err(|e| Failure::file("write", &scratch, &e))?, Sha256::new());
    for (wanted, piece) in pieces {
        // A name is no path: the list came from another machine.
        let path = folder.join(file_name(Path::new(piece)));
        let bytes = fs::read(&path).map_err(|e| Failure::file("read", &path, &e))?;
        if hex(Sha256::digest(&bytes).as_slice()) != *wanted {
            return Err(Failure::new(format!("{} is damaged", path.display()), HINT));
        }
        digest.update(&bytes);
        file.write_all(&bytes).map_err(|e| Failure::file("write", &scratch, &e))?;
    }
    if hex(digest.finalize().as_slice()) != *whole {
        return Err(Failure::new(format!("{name} is not whole, though each of its pieces is"), HINT));
    }
    fs::rename(&scratch, out).map_err(|e| Failure::file("write", out, &e))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn file(folder: &Path, bytes: usize) -> PathBuf {
        let path = folder.join("whole");
        fs::write(&path, (0..bytes).map(|n| (n * 7 % 251) as u8).collect::<Vec<u8>>()).unwrap();
        path
    }

    #[test]
    fn pieces_make_the_file_again_whatever_its_size() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        for (bytes, pieces) in [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (30, 3), (35, 4)] {
            let (whole, folder) = (file(scratch.path(), bytes), scratch.path().join(bytes.to_string()));
            let paths = split(&whole, "x.tar", &folder, 10)?;
            assert_eq!(paths.len(), pieces + 1, "{bytes} bytes");
            assert!(paths.iter().all(|path| path.is_file()));
            assert_eq!(fs::read_dir(&folder).unwrap().count(), pieces + 1);
            let out = scratch.path().join("again");
            join("x.tar", &folder, &out)?;
            assert_eq!(fs::read(out).unwrap(), fs::read(whole).unwrap());
        }
        Ok(())
    }

    #[test]
    fn a_missing_and_a_damaged_piece_are_named_and_nothing_is_written() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let (folder, out) = (scratch.path().join("pieces"), scratch.path().join("again"));
        let paths = split(&file(scratch.path(), 25), "x", &folder, 10)?;
        fs::write(&paths[1], "changed").unwrap();
        assert!(join("x", &folder, &out).unwrap_err().to_string().contains("x.001 is damaged"));
        fs::remove_file(&paths[1]).unwrap();
        assert!(join("x", &folder, &out).unwrap_err().to_string().contains("x.001"));
        // A list that leaves a piece out.
        let sums = fs::read_to_string(&paths[3]).unwrap();
        fs::write(&paths[3], sums.lines().filter(|line| !line.ends_with(".001")).collect::<Vec<_>>().join("\n"))
            .unwrap();
        assert!(join("x", &folder, &out).unwrap_err().to_string().contains("not whole"));
        fs::write(&paths[3], "").unwrap();
        assert!(join("x", &folder, &out).unwrap_err().to_string().contains("lists nothing"));
        assert!(!out.exists());
        Ok(())
    }

    #[test]
    fn a_list_cannot_name_files_elsewhere() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let folder = scratch.path().join("pieces");
        split(&file(scratch.path(), 5), "x", &folder, 10)?;
        let sums = folder.join("x.sums");
        let text = fs::read_to_string(&sums).unwrap().replace("x.000", "../whole");
        fs::write(&sums, text).unwrap();
        // The very bytes lie there, and are not read.
        assert!(join("x", &folder, &scratch.path().join("again")).is_err());
        Ok(())
    }
}
