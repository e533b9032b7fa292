//! `cones recipe`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::old_recipe::OldRecipe;
use crate::failure::Failure;

/// Arguments of `cones recipe`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones recipe dog.png
  cones recipe --json dog.png | jq .seed")]
pub struct RecipeArgs {
    /// A PNG, JPEG or WebP that `cones` drew, or another program that says how, as AUTOMATIC1111's web UI does.
    picture: PathBuf,
    /// Print everything as JSON instead of as text.
    #[arg(long)]
    json: bool,
}

/// Prints the recipe.
pub fn run(args: &RecipeArgs) -> Result<(), Failure> {
    let recipe = OldRecipe::read(&args.picture)?;
    let text = if args.json { serde_json::to_string_pretty(&recipe)? } else { recipe.text() };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
