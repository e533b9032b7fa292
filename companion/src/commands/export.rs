//! `cones export`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::base_model::BundleArgs;
use crate::failure::Failure;
use crate::mask_writer;
use crate::pack_file::PackFile;

/// Arguments of `cones export`.
#[derive(Debug, Args)]
#[command(after_help = "\
For each layer of the base model the file holds a 1-D int32 tensor of neuron indices (row * columns + column) and, where \
the pack has factors, a float32 tensor `LAYER.factors`; the pack's metadata are the file's. `cones import-mask` reads it.

Example:
  cones export rex.cones --int32 rex.safetensors
  python -c 'from safetensors.numpy import load_file; print(load_file(\"rex.safetensors\"))'")]
pub struct ExportArgs {
    /// A pack file, or the name of an installed pack.
    #[arg(value_name = "PACK")]
    pack: String,
    /// The safetensors file to write.
    #[arg(long, value_name = "FILE.safetensors")]
    int32: PathBuf,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Writes the mask.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let file = PackFile::find_any(&args.pack, &args.bundle)?;
    let header = file.header()?;
    let bundle = args.bundle.fitting(header.fingerprint)?.map_or_else(|| args.bundle.open(), Ok)?;
    // For the wrong bundle, decoding says which one the pack wants.
    let pack = file.decode(bundle.manifest())?;
    if pack.low_rank.is_some() {
        let name = &pack.metadata.name;
        return Err(
            format!("`{name}` holds low-rank matrices (a LoRA) and no neurons: there is no mask to export").into()
        );
    }
    if pack.embeddings.is_some() {
        let name = &pack.metadata.name;
        writeln!(
            std::io::stderr(),
            "warning: the learned embeddings of `{name}` are left out: the file holds the mask"
        )?;
    }
    mask_writer::write(&pack, &bundle.manifest().layers, &args.int32)?;
    writeln!(std::io::stdout(), "{}", args.int32.display())?;
    Ok(())
}
