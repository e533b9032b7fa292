//! `cones completion`.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;

/// Arguments of `cones completion`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones completion bash > ~/.local/share/bash-completion/completions/cones
  cones completion zsh > ~/.zfunc/_cones          # a folder of $fpath
  cones completion fish > ~/.config/fish/completions/cones.fish")]
pub struct CompletionArgs {
    /// The shell.
    shell: Shell,
}

/// Prints the script by which a shell completes `command`.
pub fn run(args: &CompletionArgs, mut command: clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}
