//! `cones serve`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use cones_core::library::catalog::CATALOG;
use cones_publish::FileServer;

use super::ctrl_c;
use crate::failure::Failure;

/// Arguments of `cones serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
For trying out what `cones publish` wrote: plain HTTP, GET and HEAD, ranges, no listings, nothing outside DIR, no \
dot-files. Ctrl-C stops it. Devices take plain HTTP from their own machine only; for others put the folder behind HTTPS.

Example:
  cones serve public --port 8080
  cones packs available --catalog http://127.0.0.1:8080/catalog.json --key publisher.key.pub")]
pub struct ServeArgs {
    /// The folder.
    folder: PathBuf,
    /// Port; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// Address to listen at, of this machine's own loopback: it is a server for trying out, not one for others.
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = loopback)]
    host: IpAddr,
}

/// An address that nobody else reaches.
fn loopback(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| "it is no IP address".to_owned())?;
    if address.is_loopback() {
        Ok(address)
    } else {
        Err("it is not this machine's loopback (127.0.0.1 or ::1); for other machines put the folder behind HTTPS"
            .into())
    }
}

/// Serves until Ctrl-C.
pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    let server = FileServer::new(&args.folder, SocketAddr::new(args.host, args.port)).map_err(|error| match error {
        cones_publish::Error::Address { .. } => format!("{error}; give another --port or --host").into(),
        other => Failure::from(other),
    })?;
    let mut messages = std::io::stderr();
    if !args.folder.join(CATALOG).is_file() {
        let folder = args.folder.display();
        writeln!(messages, "warning: there is no {CATALOG} in `{folder}`; `cones publish --out {folder}` makes one")?;
    }
    // Once lets requests under way finish, twice does not.
    let stop = server.stop();
    ctrl_c::stops(move || stop.stop())?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}/{CATALOG}", server.address())?;
    out.flush()?;
    server.run();
    Ok(())
}
