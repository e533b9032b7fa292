//! `cones keygen`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_publish::keys::{check_free, generate};

use crate::failure::Failure;
use crate::keys;

/// Arguments of `cones keygen`.
#[derive(Debug, Args)]
#[command(after_help = "\
KEY is what signs catalogues: keep it to yourself and keep a copy. KEY.pub is what apps pin. Both are minisign's files. \
A password comes from CONES_KEY_PASSWORD or, with --password, from the terminal; without either the key has none.

Example:
  cones keygen --out publisher.key --password")]
pub struct KeygenArgs {
    /// The secret key's file; the public key goes into KEY.pub beside it.
    #[arg(short, long, value_name = "KEY")]
    out: PathBuf,
    /// Ask for a password that encrypts the secret key.
    #[arg(long)]
    password: bool,
}

/// Writes both keys and prints the public one.
pub fn run(args: &KeygenArgs) -> Result<(), Failure> {
    // Nobody should think of a password for a key that will not be written.
    check_free(&args.out)?;
    let password = match keys::password_from_environment() {
        Some(password) => Some(password),
        None if args.password => Some(keys::new_password()?),
        None => None,
    };
    if password.is_none() {
        let shown = args.out.display();
        writeln!(std::io::stderr(), "note: `{shown}` has no password; whoever can read it can publish in your name")?;
    }
    let public = generate(&args.out, password)?;
    writeln!(std::io::stdout(), "{}", public.base64())?;
    Ok(())
}
