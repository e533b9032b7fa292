//! The library for phones, and the code that UniFFI generates for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// The languages there are hand-written layers or tests for.
const LANGUAGES: [&str; 3] = ["kotlin", "swift", "python"];

/// What `build` made.
pub(crate) struct Bindings {
    /// The shared library, with its symbols.
    pub(crate) library: PathBuf,
    generated: PathBuf,
}

impl Bindings {
    /// The folder that holds one folder for each language.
    pub(crate) fn generated(&self) -> &Path {
        &self.generated
    }
}

/// `cargo xtask bindings`.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let made = build(workspace, options)?;
    println!("library: {}", made.library.display());
    for language in LANGUAGES {
        println!("{language}: {}", made.generated.join(language).display());
    }
    Ok(())
}

/// Builds the library for phones, and generates every language from it.
pub(crate) fn build(workspace: &Workspace, options: &Options) -> Result<Bindings> {
    generate_all(workspace, options, library(workspace, options)?)
}

/// Generates every language from the library that the Rust tests were built with: the same code without the profile for phones,
/// whose link-time optimisation takes as long as all other compiling together.
pub(crate) fn tested(workspace: &Workspace, options: &Options) -> Result<Bindings> {
    // cargo puts what only tests ask for among the dependencies.
    generate_all(workspace, options, workspace.built().join("release/deps").join(library_name()))
}

/// Builds the generator and generates every language anew. A generator that fails or warns is an error.
fn generate_all(workspace: &Workspace, options: &Options, library: PathBuf) -> Result<Bindings> {
    let generator = generator(workspace, options)?;
    let generated = workspace.target().join("bindings");
    for language in LANGUAGES {
        generate(workspace, &generator, &library, language, &generated.join(language))?;
    }
    // Python looks for the library beside the generated module.
    beside(&library, &generated.join("python"))?;
    Ok(Bindings { library, generated })
}

/// Builds the library as phones get it.
pub(crate) fn library(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let mut cargo = workspace.cargo(options, &["build", "--profile", "phone", "--package", "cones-bindings"]);
    process::run(
        &mut cargo,
        "The compiler's words above say why. Without a network, run `cargo fetch` once with one.",
    )?;
    Ok(workspace.built().join("phone").join(library_name()))
}

fn library_name() -> String {
    format!("{}cones{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Begins to build the generator beside other work: one of its crates keeps one core busy for minutes. What fails is said by
/// [`tested`], which builds it again where that is needed.
pub(crate) fn begin(workspace: &Workspace, options: &Options) -> Option<Child> {
    generator_build(workspace, options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

fn generator_build(workspace: &Workspace, options: &Options) -> Command {
    let arguments = ["build", "--profile", "generator", "--package", "cones-bindings", "--bin", "uniffi-bindgen"];
    let mut cargo = workspace.cargo(options, &arguments);
    cargo.args(["--no-default-features", "--features", "cli"]);
    cargo
}

fn generator(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    process::run(
        &mut generator_build(workspace, options),
        "The compiler's words above say why. Without a network, run `cargo fetch` once with one.",
    )?;
    let name = format!("uniffi-bindgen{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace.built().join("generator").join(name))
}

fn generate(workspace: &Workspace, generator: &Path, library: &Path, language: &str, out: &Path) -> Result {
    match fs::remove_dir_all(out) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::file("clear", out, &error));
        }
        _ => {}
    }
    // It asks cargo for the crate's folder, where `uniffi.toml` lies.
    let mut command = Command::new(generator);
    command.current_dir(workspace.root()).arg("generate").arg(library).args(["--language", language]);
    command.args(["--no-format", "--out-dir"]).arg(out);
    let output = process::capture(&mut command)?;
    if output.status.success() && output.stderr.is_empty() {
        return Ok(());
    }
    let words = process::last_words(&output);
    let verb = if output.status.success() { "warns" } else { "failed" };
    Err(Failure::new(
        format!("the generator {verb} for {language}:\n        {words}"),
        "An exported item of bindings/src is at fault; `bindings/README.md` lists what UniFFI cannot do.",
    ))
}

fn beside(library: &Path, folder: &Path) -> Result {
    let name = library.file_name().unwrap_or_default();
    fs::copy(library, folder.join(name)).map(drop).map_err(|error| Failure::file("copy", library, &error))
}
