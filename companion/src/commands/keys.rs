//! `cones keys`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::library::trust::{DelegatedKey, KeyStatement, RevokedKey, STATEMENT};
use cones_publish::keys::public;
use cones_publish::statement::{KeyChange, catalog_counts, state, stated};

use crate::clock;
use crate::failure::Failure;
use crate::keys;

/// Arguments of `cones keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
An app pins one key. If that is a root key, which signs nothing but this statement and is kept offline, the keys that sign catalogues \
can change without a new app: devices follow DIR/keys.json by themselves, refuse older ones, and remember it where it is missing. With \
--root and no change the same is signed anew, for longer; without --root what is there is printed. The key that your app pins now can \
be the root key: devices have followed it all along.

Columns: `counts` or `revoked`, the key, the first serial that counts or the reason; separated by tabs.

Examples, from one key to an offline one, then with a key that was stolen:
  cones keygen --out desk.key
  cones keys --out public --root root.key --add desk.key.pub
  cones publish rex.cones --out public --key desk.key
  cones keys --out public --root root.key --add new.key.pub --revoke desk.key.pub --reason 'a stolen laptop'
  cones publish rex.cones --out public --key new.key --take-over

Look at what is in force, and sign it for another 180 days:
  cones keys --out public
  cones keys --out public --root root.key")]
pub struct KeysArgs {
    /// The published folder.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// The root key's secret file; what apps pin is its public one.
    #[arg(long, value_name = "KEY")]
    root: Option<PathBuf>,
    /// A key that signs catalogues from now on: its public file, or the 56 characters themselves.
    #[arg(long, value_name = "PUBKEY", requires = "root")]
    add: Vec<String>,
    /// Catalogues of the keys that are added count from this serial on; older ones of theirs are refused by every device.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, requires = "add")]
    from_serial: u64,
    /// A key that was lost or stolen. Packs that devices installed on its word alone count as withdrawn.
    #[arg(long, value_name = "PUBKEY", requires = "root")]
    revoke: Vec<String>,
    /// Why it is revoked, for the people who have such packs; at most 128 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "revoke")]
    reason: String,
    /// A key that signs no more, though nothing is wrong with what it signed.
    #[arg(long, value_name = "PUBKEY", requires = "root")]
    retire: Vec<String>,
    /// For how many days devices take this statement. A short time limits for how long a revocation can be held back from them.
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=400))]
    expires: u64,
    /// Print the statement as JSON.
    #[arg(long)]
    json: bool,
}

/// Signs a statement of keys, or prints the one that is there.
pub fn run(args: &KeysArgs) -> Result<(), Failure> {
    let statement = match &args.root {
        None => stated(&args.out)?.ok_or_else(|| -> Failure {
            format!("`{}` has no statement of keys: the key that apps pin signs its catalogues", args.out.display())
                .into()
        })?,
        Some(root) => {
            let change = change(args)?;
            state(&args.out, &change, &keys::open(root)?)?
        }
    };
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&statement)?)?;
    } else {
        print(&mut out, args, &statement)?;
    }
    advise(args, &statement)
}

fn change(args: &KeysArgs) -> Result<KeyChange, Failure> {
    let mut change = KeyChange { days: args.expires, now: clock::now()?, ..KeyChange::default() };
    for key in &args.add {
        change.add.push(DelegatedKey::new(public(key)?.base64(), args.from_serial));
    }
    for key in &args.revoke {
        change.revoke.push(RevokedKey::new(public(key)?.base64(), &args.reason));
    }
    for key in &args.retire {
        change.retire.push(public(key)?);
    }
    Ok(change)
}

fn print(out: &mut impl Write, args: &KeysArgs, statement: &KeyStatement) -> std::io::Result<()> {
    for counting in &statement.keys {
        writeln!(out, "counts\t{}\t{}", counting.key, counting.from_serial)?;
    }
    for revoked in &statement.revoked {
        writeln!(out, "revoked\t{}\t{}", revoked.key, revoked.reason)?;
    }
    writeln!(out, "{}\tversion {}", args.out.join(STATEMENT).display(), statement.version)
}

/// Says until when it is good, and what is to be done besides.
fn advise(args: &KeysArgs, statement: &KeyStatement) -> Result<(), Failure> {
    let mut messages = std::io::stderr();
    let until = clock::date(statement.expires);
    writeln!(messages, "note: devices take this statement until {until}; sign it anew before")?;
    if statement.keys.is_empty() {
        writeln!(messages, "warning: no key counts: devices refuse every catalogue until one is added")?;
    } else if catalog_counts(&args.out, statement)? == Some(false) {
        writeln!(messages, "warning: the catalogue there does not count by it; publish again, with a key that does")?;
    }
    Ok(())
}
