//! `cones unite`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::subjects::pack::{Precision, to_precision};
use cones_core::{Bundle, Pack, Scope};
use cones_find::union::{check_unitable, unite};

use crate::base_model::BundleArgs;
use crate::clock;
use crate::failure::Failure;
use crate::inspect::findings::PairOverlap;
use crate::inspect::{layers::overlap, report};
use crate::pack_file::PackFile;
use crate::pack_parts::joined;
use crate::precision_arg::PrecisionArg;

/// Arguments of `cones unite`.
#[derive(Debug, Args)]
#[command(after_help = "\
The union holds the neurons of all packs; where two hold the same neuron, their factors are multiplied. It is the paper's \
concatenation, and of scope `prompt`: its mask changes whole prompts. Packs of scope `trigger` need no union: give several \
--subject to `cones generate`, and each changes the rows of its own trigger. A union holds no learned embeddings.

Examples:
  cones unite dog.cones robot.cones --out both.cones
  cones unite dog.cones robot.cones --scope prompt --out both.cones    # packs of scope `trigger`, too")]
pub struct UniteArgs {
    /// Pack files, or names of installed packs; two or more.
    #[arg(required = true, num_args = 2.., value_name = "PACK")]
    packs: Vec<String>,
    /// The pack to write.
    #[arg(short, long, value_name = "FILE.cones")]
    out: PathBuf,
    /// The scope of the union; needed where a pack has scope `trigger`.
    #[arg(long)]
    scope: Option<Scope>,
    /// What the union keeps per neuron; by default binary, or float32 where a pack has factors.
    #[arg(long, value_enum)]
    precision: Option<PrecisionArg>,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Unites.
pub fn run(args: &UniteArgs) -> Result<(), Failure> {
    let bundle = args.bundle.open()?;
    let packs = open(args, &bundle)?;
    check_scope(args, &packs)?;
    check_unitable(&packs)?;
    let mask = unite(&packs, &bundle.manifest().layers)?;
    let precision = args
        .precision
        .map_or_else(|| if mask.is_binary() { Precision::Binary } else { Precision::Float32 }, Precision::from);
    let mut metadata = joined(&packs, &args.out);
    metadata.version = 1;
    metadata.created = clock::now()?;
    metadata.scope = Scope::Prompt;
    let united = Pack::new(metadata, bundle.manifest().fingerprint, to_precision(&mask, precision)?, precision);
    cones_core::disk::atomic::write(&args.out, &united.encode()?)?;
    let mut out = std::io::stdout();
    for (i, first) in packs.iter().enumerate() {
        for second in packs.iter().skip(i + 1) {
            let layers = overlap(&first.mask, &second.mask, &bundle.manifest().layers)?;
            let names = (first.metadata.name.clone(), second.metadata.name.clone());
            report::write_overlap(&mut out, &PairOverlap { first: names.0, second: names.1, layers })?;
        }
    }
    let parts: Vec<String> = packs.iter().map(|pack| pack.mask.count().to_string()).collect();
    writeln!(out, "{}\t{} neurons of {}", args.out.display(), united.mask.count(), parts.join(" + "))?;
    Ok(())
}

fn open(args: &UniteArgs, bundle: &Bundle) -> Result<Vec<Pack>, Failure> {
    let manifest = bundle.manifest();
    let open = |named: &String| PackFile::find(named, &args.bundle.store, Some(manifest.fingerprint))?.decode(manifest);
    args.packs.iter().map(open).collect()
}

fn check_scope(args: &UniteArgs, packs: &[Pack]) -> Result<(), Failure> {
    if args.scope == Some(Scope::Trigger) {
        return Err(
            "a union changes whole prompts; give each pack as a --subject of its own to keep the scope `trigger`"
                .into(),
        );
    }
    match packs.iter().find(|pack| pack.metadata.scope == Scope::Trigger) {
        Some(pack) if args.scope.is_none() => Err(format!(
            "`{}` has the scope `trigger`: as part of a union it would change whole prompts\n\
             hint: give several --subject to `cones generate` instead, or say --scope prompt if that is meant",
            pack.metadata.name
        )
        .into()),
        _ => Ok(()),
    }
}
