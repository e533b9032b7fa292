//! `cones studio`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_studio::{StudioOptions, StudioServer};

use super::ctrl_c;
use super::engine_args::EngineArgs;
use crate::failure::Failure;

/// Arguments of `cones studio`.
#[derive(Debug, Args)]
#[command(after_help = "\
A page in your browser, from this machine alone: drop photos, press Find, watch it learn, draw, and hand the pack to a phone by a \
QR code. Nothing leaves the machine unless you share it on the page. Whoever has the address that is printed is let in; nobody else. \
Ctrl-C closes it: what is under way is written down and goes on the next time.

Examples:
  cones studio
  cones studio --folder ~/subjects --port 9000
  cones studio --bundle my-bundle --no-open")]
pub struct StudioArgs {
    /// Folder for photos, packs and pictures; made if need be. By default `studio` beside the installed packs.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Port on this machine's own loopback; 0 takes any that is free. By default 8777 or, where that is taken, any.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Do not open the browser, only print the address.
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Serves until Ctrl-C.
pub fn run(args: &StudioArgs) -> Result<(), Failure> {
    let bundle = args.engine.bundle()?;
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => args.engine.store().studio()?,
    };
    let mut options = StudioOptions::new(bundle.path(), folder);
    options.port = args.port;
    // Pictures are shown: where the bundle has a classifier, it is asked.
    options.engine = args.engine.options();
    options.engine.safety = None;
    options.gradient = args.engine.gradient(&bundle)?;
    drop(bundle);
    let server = StudioServer::open(&options)?;
    // Once lets what is under way be written down, twice does not.
    let stop = server.stop();
    ctrl_c::stops(move || stop.stop())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    if !args.no_open && open::that_detached(server.url()).is_err() {
        writeln!(std::io::stderr(), "no browser could be opened: open the address above in one")?;
    }
    Ok(server.run()?)
}
