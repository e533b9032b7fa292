//! `cones man`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;
use cones_core::Error;
use cones_core::disk::atomic;

use crate::failure::Failure;

/// Arguments of `cones man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones man --out ~/.local/share/man/man1    # cones.1, cones-generate.1, ...: `man cones-generate`
  cones man | man -l -")]
pub struct ManArgs {
    /// Folder for a page of each command; without it the first page goes to standard output.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Writes the pages of `command`.
pub fn run(args: &ManArgs, mut command: clap::Command) -> Result<(), Failure> {
    // Else the pages of its commands would not know whose they are.
    command.build();
    let Some(folder) = &args.out else {
        std::io::stdout().write_all(&page(&command)?)?;
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    write(&command, "", folder)
}

/// The page of a command, and those of the commands below it.
fn write(command: &clap::Command, above: &str, folder: &Path) -> Result<(), Failure> {
    let name = format!("{above}{}", command.get_name());
    let path = folder.join(format!("{name}.1"));
    atomic::write(&path, &page(command)?)?;
    writeln!(std::io::stdout(), "{}", path.display())?;
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    below.into_iter().try_for_each(|below| write(below, &format!("{name}-"), folder))
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
