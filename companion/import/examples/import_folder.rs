//! Makes a bundle of an ONNX export and the diffusers folder it was made from: `import_folder ONNX DIFFUSERS BUNDLE`.

use std::io::Write;

use cones_core::CancelToken;
use cones_import::{ImportOptions, import};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(onnx), Some(weights), Some(out)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("give the folders of the export, of diffusers and of the bundle".into());
    };
    let options = ImportOptions::new(onnx, weights, out);
    let mut told = |stage: cones_import::Stage<'_>| drop(writeln!(std::io::stderr(), "{stage}"));
    let manifest = import(&options, &mut told, &CancelToken::new())?;
    Ok(writeln!(std::io::stdout(), "{} {}", manifest.name, manifest.fingerprint)?)
}
