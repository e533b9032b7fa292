//! Libraries that are there already: the variable's first, then the system's.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// The variable that names the library, for us and for `cones-core`.
pub(crate) const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The fused graphs are of opset 23, which ONNX Runtime knows since 1.23.
const OLDEST_MINOR: u32 = 23;

/// What the variable names. A variable that names nothing is an error: who set it wants that library and no other.
pub(crate) fn variable(value: Option<OsString>) -> Result<Option<PathBuf>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(value);
    match fs::canonicalize(&path) {
        Ok(whole) if whole.is_file() => Ok(Some(whole)),
        _ => Err(Failure::new(
            format!("{VARIABLE} is {}, which is not a file", path.display()),
            "Set it to the whole path of libonnxruntime (.so, .dylib or .dll), or unset it to have one fetched.",
        )),
    }
}

/// A library in the loader's usual folders that is new enough.
pub(crate) fn system() -> Option<PathBuf> {
    in_folders(&usual_folders())
}

fn usual_folders() -> Vec<PathBuf> {
    let (searched, usual): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("DYLD_LIBRARY_PATH", &["/opt/homebrew/lib", "/usr/local/lib"])
    } else if cfg!(target_os = "linux") {
        let usual: &[&str] = if cfg!(target_arch = "aarch64") {
            &["/usr/local/lib", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
        } else {
            &["/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
        };
        ("LD_LIBRARY_PATH", usual)
    } else {
        // Windows brings an old onnxruntime.dll of its own in System32: the very one not to take.
        return Vec::new();
    };
    let searched = std::env::var_os(searched).unwrap_or_default();
    std::env::split_paths(&searched)
        .filter(|folder| !folder.as_os_str().is_empty())
        .chain(usual.iter().map(PathBuf::from))
        .collect()
}

/// The first folder's newest library wins.
fn in_folders(folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().find_map(|folder| newest_in(folder))
}

fn newest_in(folder: &Path) -> Option<PathBuf> {
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut libraries: Vec<(Option<(u32, u32)>, PathBuf)> = names
        .filter(|name| is_library(name))
        .filter_map(|name| fs::canonicalize(folder.join(name)).ok())
        .filter(|path| path.is_file())
        .map(|path| (version(&path), path))
        .collect();
    libraries.sort();
    let (version, path) = libraries.pop()?;
    match version {
        Some((major, minor)) if (major, minor) < (1, OLDEST_MINOR) => {
            println!("Passing over {}: at least ONNX Runtime 1.{OLDEST_MINOR} is needed", path.display());
            None
        }
        _ => Some(path),
    }
}

/// `libonnxruntime.so`, `libonnxruntime.so.1.31.1`, `libonnxruntime.dylib`, `libonnxruntime.1.31.1.dylib`;
/// not `libonnxruntime_providers_shared.so`.
fn is_library(name: &str) -> bool {
    name.strip_prefix("libonnxruntime.").is_some_and(|rest| {
        rest.split('.').all(|part| part == "so" || part == "dylib" || part.parse::<u32>().is_ok())
            && rest.split('.').any(|part| part == "so" || part == "dylib")
    })
}

/// Major and minor version from the file's name, after links were followed.
fn version(path: &Path) -> Option<(u32, u32)> {
    let name = path.file_name()?.to_str()?;
    let mut numbers = name.split('.').filter_map(|part| part.parse::<u32>().ok());
    Some((numbers.next()?, numbers.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn folder_with(scratch: &Scratch, name: &str, files: &[&str]) -> PathBuf {
        let folder = scratch.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        for file in files {
            fs::write(folder.join(file), "x").unwrap();
        }
        fs::canonicalize(folder).unwrap()
    }

    #[test]
    fn the_variable_wins_and_must_name_a_file() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let folder = folder_with(&scratch, "mine", &["libonnxruntime.so"]);
        let file = folder.join("libonnxruntime.so");
        assert_eq!(variable(Some(file.clone().into()))?, Some(file));
        assert_eq!(variable(None)?, None);
        assert_eq!(variable(Some(OsString::new()))?, None);
        for wrong in [folder.clone(), folder.join("gone.so")] {
            let failure = variable(Some(wrong.into())).unwrap_err().to_string();
            assert!(failure.contains(VARIABLE) && failure.contains("unset"), "{failure}");
        }
        Ok(())
    }

    #[test]
    fn the_first_folder_with_a_library_wins() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let empty = folder_with(&scratch, "a", &["libonnxruntime_providers_shared.so", "libonnxruntime.so.txt"]);
        let first = folder_with(&scratch, "b", &["libonnxruntime.so.1.20.0", "libonnxruntime.so.1.31.1"]);
        let second = folder_with(&scratch, "c", &["libonnxruntime.so"]);
        let folders = [scratch.path().join("none"), empty, first.clone(), second.clone()];
        assert_eq!(in_folders(&folders), Some(first.join("libonnxruntime.so.1.31.1")));
        assert_eq!(in_folders(&[second.clone(), first]), Some(second.join("libonnxruntime.so")));
        Ok(())
    }

    #[test]
    fn one_that_is_too_old_is_passed_over() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let old = folder_with(&scratch, "old", &["libonnxruntime.so.1.14.1"]);
        assert_eq!(in_folders(&[old]), None);
        Ok(())
    }

    #[test]
    fn names_and_versions() {
        for name in ["libonnxruntime.so", "libonnxruntime.so.1", "libonnxruntime.1.31.1.dylib"] {
            assert!(is_library(name), "{name}");
        }
        for name in ["libonnxruntime_providers_shared.so", "libonnxruntime.a", "libonnxruntime.1", "onnxruntime.so"] {
            assert!(!is_library(name), "{name}");
        }
        assert_eq!(version(Path::new("/x.9/libonnxruntime.so.1.31.1")), Some((1, 31)));
        assert_eq!(version(Path::new("libonnxruntime.so.1")), None);
    }
}
