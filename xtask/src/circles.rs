//! Circles of files: a file that needs another one which, by way of any others, needs it. Such files can only be read,
//! tested and moved together.
//!
//! A file needs the files that own what it names, in `use` and in paths. What a module passes on with `pub use` is the
//! owner's; so a module that only lists its parts needs none of them. Tests inside a file do not count.

mod graph;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;
use names::Module;

/// Folders with the sources of a crate, from the root of the repository.
const CRATES: [&str; 13] = [
    "bindings/src",
    "companion/find/src",
    "companion/fleet/src",
    "companion/gradient/src",
    "companion/import/src",
    "companion/onnx/src",
    "companion/publish/src",
    "companion/quantise/src",
    "companion/studio/src",
    "companion/src",
    "core/src",
    "tests/src",
    "xtask/src",
];

/// Says which circles there are in which crate; fails if there is one.
pub(crate) fn check(workspace: &Workspace) -> Result {
    let mut found = Vec::new();
    for folder in CRATES {
        let sources = read(&workspace.path(folder))?;
        let circles = graph::circles(&graph::needs(&sources));
        found.extend(circles.into_iter().map(|circle| format!("{folder}: {}", circle.join(" → "))));
    }
    if found.is_empty() {
        return Ok(());
    }
    let hint = "Move what two files share into a file of its own, below both.";
    Err(Failure::new(format!("files need each other in a circle:\n  {}", found.join("\n  ")), hint))
}

/// The text of every file of a crate, by its module's path.
fn read(folder: &Path) -> Result<BTreeMap<Module, String>> {
    let mut sources = BTreeMap::new();
    let mut folders = BTreeSet::from([PathBuf::new()]);
    while let Some(inner) = folders.pop_first() {
        let path = folder.join(&inner);
        for entry in fs::read_dir(&path).map_err(|e| Failure::file("list", &path, &e))? {
            let entry = entry.map_err(|e| Failure::file("list", &path, &e))?;
            let name = inner.join(entry.file_name());
            if entry.path().is_dir() {
                folders.insert(name);
            } else if name.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(entry.path()).map_err(|e| Failure::file("read", &entry.path(), &e))?;
                sources.insert(names::module(&name), text);
            }
        }
    }
    Ok(sources)
}
