//! The fixtures, and importing them.

use std::fs;
use std::path::{Path, PathBuf};

use cones_core::CancelToken;
use cones_core::model::manifest::Manifest;
use cones_import::{Error, ImportOptions, Parity, Stage, import as import_with};
use cones_onnx::Model;
use cones_onnx::proto::GraphProto;
use tempfile::TempDir;

/// Every dialect there is a fixture of.
pub(crate) const DIALECTS: [&str; 3] = ["fused", "plain", "torchscript"];

pub(crate) fn fixtures() -> PathBuf {
    cones_tests::fixtures::import()
}

/// A folder that is removed with all that is in it.
pub(crate) fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a fixture folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// An export of one dialect as an exporter leaves it: all four graphs in one folder.
pub(crate) fn export(dialect: &str) -> TempDir {
    let folder = temporary();
    copy_all(&fixtures().join("common"), folder.path());
    copy_all(&fixtures().join(dialect), folder.path());
    folder
}

/// A copy of the diffusers folder, to be changed.
pub(crate) fn diffusers() -> TempDir {
    let folder = temporary();
    copy_all(&fixtures().join("diffusers"), folder.path());
    folder
}

/// Options with everything at its default.
pub(crate) fn arguments(onnx: &Path, out: &Path) -> ImportOptions {
    let mut options = ImportOptions::new(onnx, fixtures().join("diffusers"), out);
    options.name = Some("tiny".into());
    options.licence = "CC0-1.0".into();
    options
}

/// Imports as `options` say.
pub(crate) fn run(options: &ImportOptions) -> Result<(), Error> {
    import_with(options, &mut |_| (), &CancelToken::new()).map(drop)
}

/// Imports an export and returns the folder the bundle lies in, as `bundle`.
pub(crate) fn import(onnx: &Path) -> Result<TempDir, Error> {
    let out = temporary();
    run(&arguments(onnx, &out.path().join("bundle"))).map(|()| out)
}

/// The bundle of an export as it is. Made once for all tests, which only look at it.
pub(crate) fn imported(dialect: &str) -> PathBuf {
    cones_tests::made::once(env!("CARGO_TARGET_TMPDIR"), dialect, |bundle| {
        run(&arguments(export(dialect).path(), bundle)).unwrap_or_else(|error| panic!("{dialect}: {error}"));
    })
}

/// Imports an export, and returns what the comparison with it said too.
pub(crate) fn import_compared(onnx: &Path) -> Result<(TempDir, Parity), Error> {
    let out = temporary();
    let mut compared = None;
    let mut told = |stage: Stage<'_>| {
        if let Stage::Compared(parity) = stage {
            compared = Some(parity);
        }
    };
    import_with(&arguments(onnx, &out.path().join("bundle")), &mut told, &CancelToken::new())?;
    Ok((out, compared.expect("a comparison")))
}

/// Imports an export of the dialect whose U-Net was changed by `edit`.
pub(crate) fn import_edited(dialect: &str, edit: impl FnOnce(&mut GraphProto)) -> Result<TempDir, Error> {
    let export = export(dialect);
    edit_graph(&export.path().join("unet.onnx"), edit);
    import(export.path())
}

/// All that is told of an error: what went wrong, what was behind that, and what to do.
pub(crate) fn told(error: &cones_import::Error) -> String {
    let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    format!("{error}{source}; {}", error.hint().unwrap_or_default())
}

/// The error of importing an edited export, as text.
pub(crate) fn error_of(dialect: &str, edit: impl FnOnce(&mut GraphProto)) -> String {
    told(&import_edited(dialect, edit).expect_err("an import that must fail"))
}

/// Changes an ONNX file.
pub(crate) fn edit_graph(file: &Path, edit: impl FnOnce(&mut GraphProto)) {
    let mut model = Model::open(file).expect("a fixture");
    edit(model.graph_mut().expect("a graph"));
    let edited = file.with_extension("edited");
    model.save(&edited).expect("a saved graph");
    fs::rename(edited, file).expect("a renamed file");
}

pub(crate) fn manifest(bundle: &Path) -> Manifest {
    let text = fs::read_to_string(bundle.join("bundle.json")).expect("a manifest");
    serde_json::from_str(&text).expect("a manifest of the schema")
}

/// Names and contents of a folder's files, sorted.
pub(crate) fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file")))
        .collect();
    files.sort();
    files
}
