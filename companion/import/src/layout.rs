//! Where the graphs of an export lie: side by side, or each in a folder of its own.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What optimum and diffusers call each graph in its folder.
const ALONE: &str = "model.onnx";

/// The file of the graph `name` in the folder of an export: `unet.onnx` as `models/export` writes it, or `unet/model.onnx`
/// as optimum and diffusers' ONNX pipelines do. External data lie beside it either way.
///
/// # Errors
/// When neither is there.
pub(super) fn graph_file(export: &Path, name: &str) -> Result<PathBuf> {
    let flat = export.join(format!("{name}.onnx"));
    let apart = export.join(name).join(ALONE);
    if let Some(file) = [&flat, &apart].into_iter().find(|file| file.is_file()) {
        return Ok(file.clone());
    }
    let reason = format!("there is neither `{name}.onnx` nor `{name}/{ALONE}` here");
    Err(Error::config(export, reason, "give as --onnx the folder that an export was written to, with all four graphs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_are_found_and_neither_is_named() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let export = folder.path();
        let error = graph_file(export, "unet").expect_err("nothing is there").to_string();
        assert!(error.contains("neither `unet.onnx` nor `unet/model.onnx`"), "{error}");
        std::fs::create_dir(export.join("unet"))?;
        std::fs::write(export.join("unet/model.onnx"), b"")?;
        assert_eq!(graph_file(export, "unet").ok(), Some(export.join("unet/model.onnx")));
        std::fs::write(export.join("unet.onnx"), b"")?;
        assert_eq!(graph_file(export, "unet").ok(), Some(export.join("unet.onnx")));
        Ok(())
    }
}
