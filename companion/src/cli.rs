//! The command line: what can be typed, and what a failure exits with.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands;
use crate::runtime_library::use_that_of_checkout;

/// Personalised text-to-image generation on the device.
#[derive(Debug, Parser)]
#[command(
    name = "cones",
    version,
    about,
    after_help = "\
Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
Data goes to standard output, messages to standard error.
ONNX Runtime's library is looked for in ORT_DYLIB_PATH, beside this program, and where `cargo xtask setup` put it in the checkout \
that this program was built from."
)]
struct Cli {
    /// Say more on standard error; twice for everything, prompts and paths included.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draw pictures from a prompt.
    Generate(Box<commands::generate::GenerateArgs>),
    /// Find the concept neurons of a subject in a few pictures of it.
    Find(Box<commands::find::FindArgs>),
    /// Find the neurons of many subjects, with any number of workers on any number of machines.
    FindMany(Box<commands::find_many::FindManyArgs>),
    /// Measure whether packs draw their subjects.
    Evaluate(Box<commands::evaluate::EvaluateArgs>),
    /// Say how far the pictures of two forms of a base model are apart.
    Compare(Box<commands::compare::CompareArgs>),
    /// Put the neurons of several packs into one.
    Unite(Box<commands::unite::UniteArgs>),
    /// Tune several packs for pictures with all of their subjects.
    Tune(Box<commands::tune::TuneArgs>),
    /// Print how a picture was made.
    Recipe(commands::recipe::RecipeArgs),
    /// Draw a sheet of pictures that shows what a bundle and its subjects can do.
    Sheet(commands::sheet::SheetArgs),
    /// Turn an ONNX export of a Stable Diffusion pipeline into a bundle.
    Import(Box<commands::import::ImportArgs>),
    /// Make a smaller form of a bundle, which takes the same packs.
    Quantise(Box<commands::quantise::QuantiseArgs>),
    /// Look into packs: metadata, neurons by layer and head, what several share.
    Inspect(commands::inspect::InspectArgs),
    /// Make a page that shows what packs draw, where they look and how they were found.
    Report(Box<commands::report::ReportArgs>),
    /// Turn a Textual-Inversion embedding into a pack.
    ImportEmbedding(Box<commands::import_embedding::ImportEmbeddingArgs>),
    /// Turn a LoRA of keys and values into a pack.
    ImportLora(Box<commands::import_lora::ImportLoraArgs>),
    /// Turn a mask that Python wrote into a pack.
    ImportMask(Box<commands::import_mask::ImportMaskArgs>),
    /// Turn a pack into a mask that Python reads.
    Export(commands::export::ExportArgs),
    /// Install, list, verify and remove packs.
    Packs(commands::packs::PacksArgs),
    /// Show, install, list and remove base models.
    Bundle(commands::bundle::BundleArgs),
    /// Make a publisher's keys.
    Keygen(commands::keygen::KeygenArgs),
    /// Say with a root key which keys sign a published folder's catalogues, and which no longer.
    Keys(commands::keys::KeysArgs),
    /// Publish packs and base models into a folder, under a signed catalogue.
    Publish(commands::publish::PublishArgs),
    /// Serve a published folder over HTTP, for trying out.
    Serve(commands::serve::ServeArgs),
    /// Open a page in the browser: from photos to a pack on a phone.
    Studio(Box<commands::studio::StudioArgs>),
    /// Say which providers this device has, and why not the others.
    Devices(commands::devices::DevicesArgs),
    /// Print a script by which a shell completes what is typed.
    Completion(commands::completion::CompletionArgs),
    /// Write manual pages.
    Man(commands::man::ManArgs),
    /// Answer timing requests line by line; used by `cargo xtask bench`.
    #[command(hide = true)]
    Bench(commands::bench::BenchArgs),
}

/// Parses the arguments, runs the command and turns its outcome into an exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.verbose {
        0 => log::LevelFilter::Warn,
        1 => log::LevelFilter::Info,
        _ => log::LevelFilter::Debug,
    };
    env_logger::Builder::new().filter_level(level).format_target(false).format_timestamp(None).init();
    use_that_of_checkout();
    let outcome = match cli.command {
        Command::Generate(args) => commands::generate::run(&args),
        Command::Find(args) => commands::find::run(&args),
        Command::FindMany(args) => commands::find_many::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Unite(args) => commands::unite::run(&args),
        Command::Tune(args) => commands::tune::run(&args),
        Command::Recipe(args) => commands::recipe::run(&args),
        Command::Sheet(args) => commands::sheet::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Quantise(args) => commands::quantise::run(&args),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::ImportEmbedding(args) => commands::import_embedding::run(&args),
        Command::ImportLora(args) => commands::import_lora::run(&args),
        Command::ImportMask(args) => commands::import_mask::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Packs(args) => commands::packs::run(&args),
        Command::Bundle(args) => commands::bundle::run(&args),
        Command::Keygen(args) => commands::keygen::run(&args),
        Command::Keys(args) => commands::keys::run(&args),
        Command::Publish(args) => commands::publish::run(&args),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Studio(args) => commands::studio::run(&args),
        Command::Devices(args) => commands::devices::run(&args),
        Command::Completion(args) => commands::completion::run(&args, Cli::command()),
        Command::Man(args) => commands::man::run(&args, Cli::command()),
        Command::Bench(args) => commands::bench::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let what = if failure.is_cancelled() { "stopped" } else { "error" };
            let told = if failure.is_cancelled() { failure.to_string() } else { failure.whole() };
            let _ = writeln!(std::io::stderr(), "{what}: {told}");
            ExitCode::from(failure.status())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// All commands below this one and itself, each with its whole name.
    fn whole(command: &clap::Command, before: &str) -> Vec<(String, clap::Command)> {
        let name = format!("{before} {}", command.get_name());
        let below = command.get_subcommands().flat_map(|one| whole(one, &name)).collect::<Vec<_>>();
        [vec![(name, command.clone())], below].concat()
    }

    /// clap itself looks for this in builds with debug assertions alone; elsewhere two of one name are not told apart.
    #[test]
    fn no_command_has_two_options_of_one_name() {
        let mut cli = Cli::command();
        cli.build();
        let commands = whole(&cli, "");
        assert!(commands.len() > 20, "{}", commands.len());
        for (name, command) in commands {
            let mut seen = HashSet::new();
            for argument in command.get_arguments() {
                let long = argument
                    .get_long_and_visible_aliases()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|long| format!("--{long}"));
                let short = argument
                    .get_short_and_visible_aliases()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|short| format!("-{short}"));
                for called in [argument.get_id().to_string()].into_iter().chain(long).chain(short) {
                    assert!(seen.insert(called.clone()), "{name} has two arguments of the name {called}");
                }
            }
        }
    }
}
