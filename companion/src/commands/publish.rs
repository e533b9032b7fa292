//! `cones publish`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::library::catalog::{CATALOG, Catalog};
use cones_publish::statement::stated;
use cones_publish::{PackSource, Publication, publish};

use crate::base_model::{self, BundleArgs};
use crate::clock;
use crate::failure::Failure;
use crate::keys;
use crate::pack_file::PackFile;
use crate::places::StoreArgs;

/// Arguments of `cones publish`.
#[derive(Debug, Args)]
#[command(after_help = "\
DIR can then be served by any static file server or object store; `cones serve DIR` tries it out. Publishing into it again \
adds to its catalogue; a pack takes the place of a lower version of its own. Files that are no longer listed stay, for \
devices that are just downloading them. Devices refuse the catalogue after --expires days: publish again before, best from a timer. \
Where a root key has signed a statement of keys there (`cones keys --help`), KEY has to be one that counts by it.

Examples:
  cones publish rex.cones tin.cones --out public --key publisher.key --publisher 'Rex & Co'
  cones publish --bundle models/toybox/bundle --out public --key publisher.key
  cones publish --withdraw tin --reason 'its photos were not ours' --out public --key publisher.key")]
pub struct PublishArgs {
    /// Pack files.
    #[arg(value_name = "PACK")]
    packs: Vec<PathBuf>,
    /// The folder to publish into; made if need be.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// The publisher's secret key, as `cones keygen` makes it.
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Who publishes, for people; by default as before, or the first pack's author.
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// For how many days devices take this catalogue. A short time limits for how long a newer one can be held back from them.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=400))]
    expires: u64,
    /// A base model to publish as well: a folder, or the name of an installed bundle.
    #[arg(long = "bundle", value_name = "DIR|NAME")]
    bundles: Vec<PathBuf>,
    /// Take a pack or base model out of the catalogue. Devices that installed such a pack from it are told, and no longer draw with it.
    #[arg(long, value_name = "NAME")]
    withdraw: Vec<String>,
    /// Why it is withdrawn, for the people who have it; at most 128 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "withdraw")]
    reason: String,
    /// Go on with a catalogue that is signed with a key that was revoked since: look at what it lists first, for whoever has that key
    /// may have written there.
    #[arg(long)]
    take_over: bool,
    /// Print the catalogue as JSON instead of its entries.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Publishes, and prints what the catalogue lists.
pub fn run(args: &PublishArgs) -> Result<(), Failure> {
    if args.packs.is_empty() && args.bundles.is_empty() && args.withdraw.is_empty() {
        return Err(Failure::Usage("nothing to publish: name packs, --bundle DIR or --withdraw NAME".into()));
    }
    let mut publication = Publication {
        withdrawn: args.withdraw.clone(),
        reason: args.reason.clone(),
        publisher: args.publisher.clone(),
        days: args.expires,
        take_over: args.take_over,
        now: clock::now()?,
        ..Publication::default()
    };
    for named in &args.bundles {
        publication.bundles.push(base_model::open(named, &args.store)?);
    }
    let key = keys::open(&args.key)?;
    for path in &args.packs {
        publication.packs.push(checked(PackFile::open(path)?, &publication, &args.store)?);
    }
    let catalog = publish(&args.out, &publication, &key)?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&catalog)?)?;
    } else {
        print(&mut out, args, &catalog)?;
    }
    advise(args, &catalog)
}

/// Says until when devices take the catalogue, and the statement of keys that it rests on.
fn advise(args: &PublishArgs, catalog: &Catalog) -> Result<(), Failure> {
    let mut messages = std::io::stderr();
    let until = clock::date(catalog.expires);
    writeln!(messages, "note: devices take this catalogue until {until}; publish again before")?;
    if let Some(statement) = stated(&args.out)?.filter(|statement| statement.expires < catalog.expires) {
        let until = clock::date(statement.expires);
        writeln!(
            messages,
            "warning: the statement of keys is taken until {until} only; sign it anew before (`cones keys`)"
        )?;
    }
    Ok(())
}

/// A pack that its base model, where it is at hand, takes.
fn checked(file: PackFile, publication: &Publication, store: &StoreArgs) -> Result<PackSource, Failure> {
    let header = file.header()?;
    let published = publication.bundles.iter().find(|b| b.manifest().fingerprint == header.fingerprint);
    match published {
        Some(bundle) => drop(file.decode(bundle.manifest())?),
        None => match BundleArgs::from_environment(store).fitting(header.fingerprint)? {
            Some(bundle) => drop(file.decode(bundle.manifest())?),
            None => writeln!(
                std::io::stderr(),
                "note: `{}` is for `{}`, which is not at hand: its neurons were not checked",
                file.path.display(),
                header.metadata.model
            )?,
        },
    }
    Ok(PackSource { name: file.path.display().to_string(), bytes: file.bytes })
}

fn print(out: &mut impl Write, args: &PublishArgs, catalog: &Catalog) -> std::io::Result<()> {
    for pack in &catalog.packs {
        writeln!(out, "{}\t{}\t{}\t{}", pack.name, pack.version, pack.bytes, pack.url)?;
    }
    for bundle in &catalog.bundles {
        let (name, form) = bundle.identity();
        writeln!(out, "{name}\tbundle\t{form}\t{}\t{}", bundle.bytes, bundle.url)?;
    }
    writeln!(out, "{}\tserial {}", args.out.join(CATALOG).display(), catalog.serial)
}
