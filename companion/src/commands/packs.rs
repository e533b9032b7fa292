//! `cones packs`.

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};
use cones_core::library::catalog::{Catalog, PackEntry};
use cones_core::library::{Source, packs::Installed};
use cones_core::{Bundle, CancelToken, Downloader, PackStore, Sha256};
use serde::Serialize;

use super::engine_args::cancelled_by_ctrl_c;
use super::progress_bar::Bar;
use crate::base_model::BundleArgs;
use crate::catalog_args::CatalogArgs;
use crate::failure::Failure;
use crate::pack_file::{PackFile, is_file_name};
use crate::places::StoreArgs;

/// Arguments of `cones packs`.
#[derive(Debug, Args)]
pub struct PacksArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the packs that are installed.
    #[command(after_help = "\
Columns: name, version, trigger, precision, bytes, base model, SHA-256; separated by tabs.

Example:
  cones packs list --json | jq -r '.[].name'")]
    List(ListArgs),
    /// Print the packs of a publisher's catalogue.
    #[command(after_help = "\
Columns: name, version, trigger, precision, bytes, base model, SHA-256; for base models: name, `bundle`, bytes, \
fingerprint; separated by tabs.

Example:
  cones packs available --catalog https://example.org/packs/catalog.json --key publisher.key.pub")]
    Available(AvailableArgs),
    /// Install pack files, or packs of a catalogue by name.
    #[command(after_help = "\
What is broken off can be taken up again by the same command. An installed pack of the same name and base model is replaced. Of \
several packs each is installed that can be; the others are named, and the exit status is 1.

Examples:
  cones packs install models/packs/fluent-dog.cones
  cones packs install fluent-dog fluent-owl --catalog https://example.org/packs/catalog.json --key publisher.key.pub
  CONES_CATALOG=http://127.0.0.1:8080/ CONES_KEY=publisher.key.pub cones packs install fluent-dog")]
    Install(InstallArgs),
    /// Install newer versions of installed packs, and tell which were withdrawn.
    #[command(after_help = "\
Of packs that were installed from a catalogue of this publisher those are replaced of which the catalogue has a newer version. What \
the publisher has withdrawn is named; it stays until it is removed, and is no longer drawn with.

Example:
  cones packs update --catalog https://example.org/packs/catalog.json --key publisher.key.pub")]
    Update(UpdateArgs),
    /// Remove installed packs; of all base models that have one of the name.
    #[command(after_help = "Example:\n  cones packs remove fluent-dog")]
    Remove(RemoveArgs),
    /// Hash every installed pack again.
    #[command(after_help = "Example:\n  cones packs verify && echo all whole")]
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct AvailableArgs {
    /// Print the catalogue as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    catalog: CatalogArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct InstallArgs {
    /// Pack files, or names of packs in the catalogue.
    #[arg(required = true, value_name = "FILE.cones|NAME")]
    packs: Vec<String>,
    #[command(flatten)]
    catalog: CatalogArgs,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    bundle: BundleArgs,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    #[command(flatten)]
    catalog: CatalogArgs,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// Names of installed packs.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what the sub-command says.
pub fn run(args: &PacksArgs) -> Result<(), Failure> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Available(args) => available(args),
        Command::Install(args) => install(args),
        Command::Update(args) => update(args),
        Command::Remove(args) => remove(args),
        Command::Verify(args) => verify(args),
    }
}

/// An installed pack as JSON.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    metadata: &'a cones_core::subjects::pack::Metadata,
    fingerprint: Sha256,
    precision: cones_core::subjects::pack::Precision,
    neurons: u64,
    bytes: u64,
    sha256: Sha256,
    publisher: Option<&'a str>,
    withdrawn: Option<&'a str>,
    path: &'a Path,
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let packs = args.store.packs()?.list()?;
    let mut out = std::io::stdout();
    if args.json {
        let listed: Vec<Listed<'_>> = packs.iter().map(listed).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&listed)?)?;
        return Ok(());
    }
    for pack in &packs {
        let (m, kept) = (&pack.header.metadata, pack.header.precision.name());
        let row = [&m.name, &m.version.to_string(), &m.trigger, kept, &pack.bytes.to_string(), &m.model];
        writeln!(out, "{}\t{}", row.join("\t"), pack.sha256)?;
    }
    warn_of_withdrawn(&packs)?;
    if packs.is_empty() {
        writeln!(std::io::stderr(), "no pack is installed; `cones packs install --help` says how")?;
    }
    Ok(())
}

fn listed(pack: &Installed) -> Listed<'_> {
    Listed {
        metadata: &pack.header.metadata,
        fingerprint: pack.header.fingerprint,
        precision: pack.header.precision,
        neurons: pack.header.neurons,
        bytes: pack.bytes,
        sha256: pack.sha256,
        publisher: pack.publisher.as_deref(),
        withdrawn: pack.withdrawn.as_deref(),
        path: &pack.path,
    }
}

/// Names what is installed and withdrawn.
fn warn_of_withdrawn(packs: &[Installed]) -> std::io::Result<()> {
    for pack in packs {
        let Some(reason) = &pack.withdrawn else { continue };
        let (name, why) = (&pack.header.metadata.name, if reason.is_empty() { "it does not say why" } else { reason });
        writeln!(std::io::stderr(), "warning: the publisher of `{name}` has withdrawn it: {why}")?;
    }
    Ok(())
}

fn update(args: &UpdateArgs) -> Result<(), Failure> {
    let store = args.store.packs()?;
    let (cancel, downloader) = (cancelled_by_ctrl_c()?, args.catalog.downloader()?);
    let (url, catalog) = (args.catalog.url()?, args.catalog.get(&store, &downloader, &cancel)?);
    let source = Source { downloader: &downloader, catalog: &catalog, url: &url };
    let updated = store.update(&source, &mut Bar::of_bytes(args.quiet), &cancel)?;
    // Nobody asks for the base model here; whoever loads a pack decodes it.
    updated.iter().try_for_each(|installed| print(&mut std::io::stdout(), installed, true))?;
    Ok(warn_of_withdrawn(&store.list()?)?)
}

fn available(args: &AvailableArgs) -> Result<(), Failure> {
    let store = args.store.packs()?;
    let catalog = args.catalog.get(&store, &args.catalog.downloader()?, &cancelled_by_ctrl_c()?)?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&catalog)?)?;
        return Ok(());
    }
    for p in &catalog.packs {
        let row = [&p.name, &p.version.to_string(), &p.trigger, p.precision.name(), &p.bytes.to_string()];
        writeln!(out, "{}\t{}\t{}", row.join("\t"), p.model, p.sha256)?;
    }
    for b in &catalog.bundles {
        writeln!(out, "{}\tbundle\t{}\t{}", b.name, b.bytes, b.fingerprint)?;
    }
    Ok(())
}

fn install(args: &InstallArgs) -> Result<(), Failure> {
    let store = args.bundle.store.packs()?;
    let cancel = cancelled_by_ctrl_c()?;
    let (files, names): (Vec<&String>, Vec<&String>) = args.packs.iter().partition(|named| is_file_name(named));
    let mut each = Each { of: args.packs.len(), failed: Vec::new() };
    for file in files {
        cancel.check()?;
        each.take(file, install_file(args, &store, Path::new(file)))?;
    }
    if !names.is_empty() {
        let found = args.catalog.downloader().and_then(|downloader| {
            let catalog = args.catalog.get(&store, &downloader, &cancel)?;
            Ok((downloader, catalog))
        });
        match found {
            Ok((downloader, catalog)) => {
                for name in names {
                    each.take(name, download(args, &store, &downloader, &catalog, name, &cancel))?;
                }
            }
            Err(error) => each.take(&names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", "), Err(error))?,
        }
    }
    each.end()
}

/// Several packs, of which one that fails does not keep the others away.
struct Each {
    of: usize,
    failed: Vec<String>,
}

impl Each {
    /// Prints what was installed, or why it was not; a pack that is alone fails as it would.
    fn take(&mut self, named: &str, outcome: Result<(Installed, bool), Failure>) -> Result<(), Failure> {
        match outcome {
            Ok((installed, checked)) => Ok(print(&mut std::io::stdout(), &installed, checked)?),
            // Another command line mends that of all of them.
            Err(failure) if self.of == 1 || matches!(failure.status(), 2 | 130) => Err(failure),
            Err(failure) => {
                writeln!(std::io::stderr(), "error: {}", failure.whole())?;
                self.failed.push(named.to_owned());
                Ok(())
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        if self.failed.is_empty() {
            return Ok(());
        }
        Err(format!("not installed: {}", self.failed.join(", ")).into())
    }
}

/// Installs a file; says whether its base model was there to check it.
fn install_file(args: &InstallArgs, store: &PackStore, path: &Path) -> Result<(Installed, bool), Failure> {
    let bundle = args.bundle.fitting(PackFile::open(path)?.header()?.fingerprint)?;
    Ok((store.install_file(path, bundle.as_ref().map(Bundle::manifest))?, bundle.is_some()))
}

/// Downloads one pack; says whether its base model was there to check it.
fn download(
    args: &InstallArgs,
    store: &PackStore,
    downloader: &Downloader,
    catalog: &Catalog,
    name: &str,
    cancel: &CancelToken,
) -> Result<(Installed, bool), Failure> {
    let bundle = match entry(args, catalog, name) {
        Some(entry) => args.bundle.fitting(entry.fingerprint)?,
        None => None,
    };
    let manifest = bundle.as_ref().map(Bundle::manifest);
    let url = args.catalog.url()?;
    let mut bar = Bar::of_bytes(args.quiet);
    let installed = store.install(&Source { downloader, catalog, url: &url }, name, manifest, &mut bar, cancel)?;
    Ok((installed, bundle.is_some()))
}

/// Where a catalogue has packs of one name for several base models, that for the base model in use.
fn entry<'a>(args: &InstallArgs, catalog: &'a Catalog, name: &str) -> Option<&'a PackEntry> {
    let in_use = args.bundle.open().ok().map(|b| b.manifest().fingerprint);
    catalog.pack(name, in_use).or_else(|| catalog.pack(name, None))
}

fn print(out: &mut impl Write, installed: &Installed, checked: bool) -> std::io::Result<()> {
    let metadata = &installed.header.metadata;
    if !checked {
        let (name, model) = (&metadata.name, &metadata.model);
        let mut messages = std::io::stderr();
        writeln!(
            messages,
            "note: the base model of `{name}`, `{model}`, is not at hand; its neurons were not checked"
        )?;
    }
    writeln!(out, "{}\t{}\t{}", metadata.name, metadata.version, installed.sha256)
}

fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let store = args.store.packs()?;
    // All are there, or none is removed.
    for name in &args.names {
        if !store.list()?.iter().any(|pack| pack.header.metadata.name == *name) {
            // Fails, and says what is installed.
            store.get(name, None)?;
        }
    }
    for name in &args.names {
        store.remove(name, None)?;
        writeln!(std::io::stdout(), "{name}")?;
    }
    Ok(())
}

fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let store = args.store.packs()?;
    let damaged = store.verify()?;
    let mut out = std::io::stdout();
    for pack in store.list()? {
        let name = &pack.header.metadata.name;
        if !damaged.iter().any(|(d, _)| d.sha256 == pack.sha256) {
            writeln!(out, "{name}\twhole\t{}", pack.sha256)?;
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = damaged.iter().map(|(_, error)| error.to_string()).collect();
    Err(format!("{} of the installed packs are damaged\n{}", damaged.len(), reasons.join("\n")).into())
}
