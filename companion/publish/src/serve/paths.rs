//! From the target of a request to a file below the folder that is served.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// The file that a request asks for; none for anything else than a file below `root`, which must be canonical.
pub(super) fn resolve(root: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let mut file = root.to_path_buf();
    for part in path.split('/') {
        file.push(plain(part)?);
    }
    // Links are followed here, and must not have led out, nor to a dot-file.
    let file = file.canonicalize().ok()?;
    let below = file.strip_prefix(root).ok()?;
    let hidden = below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
    (!hidden && file.is_file()).then_some(file)
}

/// One part of a path, decoded: no `..`, no dot-file, nothing that a system takes for a separator or drive.
fn plain(part: &str) -> Option<String> {
    let name = percent_decode_str(part).decode_utf8().ok()?.into_owned();
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    (!name.is_empty() && !name.starts_with('.') && !name.contains(odd)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_folder_are_found() {
        let outer = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(outer.path().join("public/packs")).expect("a folder");
        let root = outer.path().join("public").canonicalize().expect("a folder");
        for name in ["secret", "public/catalog.json", "public/packs/a b.cones", "public/.hidden", "public/..x"] {
            std::fs::write(outer.path().join(name), name).expect("a file");
        }
        for (target, file) in [
            ("/catalog.json", "catalog.json"),
            ("/catalog.json?x=/../y", "catalog.json"),
            ("/packs/a%20b.cones", "packs/a b.cones"),
        ] {
            assert_eq!(resolve(&root, target), Some(root.join(file)), "{target}");
        }
        for target in [
            "",
            "/",
            "catalog.json",
            "//catalog.json",
            "/catalog.json/",
            "/packs",
            "/packs/",
            "/gone",
            "/../secret",
            "/packs/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/packs%2f..%2f..%2fsecret",
            "/..%5csecret",
            "/packs/..%00/secret",
            "/catalog.json%00",
            "/.hidden",
            "/%2ehidden",
            "/..x",
            "/C:/secret",
            "/%ff",
            "/%",
            "http://host/catalog.json",
            "*",
        ] {
            assert_eq!(resolve(&root, target), None, "{target}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_may_not_lead_out() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().expect("a temporary folder");
        let root = outer.path().join("public");
        std::fs::create_dir(&root).expect("a folder");
        let root = root.canonicalize().expect("a folder");
        std::fs::write(outer.path().join("secret"), "x").expect("a file");
        std::fs::write(root.join("inside"), "x").expect("a file");
        symlink(outer.path().join("secret"), root.join("out")).expect("a link");
        symlink(outer.path(), root.join("up")).expect("a link");
        symlink(root.join("inside"), root.join("in")).expect("a link");
        std::fs::write(root.join(".hidden"), "x").expect("a file");
        symlink(root.join(".hidden"), root.join("shown")).expect("a link");
        symlink(root.join("loop"), root.join("loop")).expect("a link");
        assert_eq!(resolve(&root, "/in"), Some(root.join("inside")));
        for target in ["/out", "/up/secret", "/loop", "/shown"] {
            assert_eq!(resolve(&root, target), None, "{target}");
        }
    }
}
