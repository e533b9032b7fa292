//! Base models as they are named on the command line: a folder, or the name of an installed bundle.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use cones_core::model::bundle;
use cones_core::{Bundle, Error, Sha256};
use cones_import::{Kind, wrong_kind};

use crate::environment::path_or_variable;
use crate::failure::Failure;
use crate::places::StoreArgs;
use crate::runtime_library::in_checkout;

/// The base model that is used where none is named: in the repository the folder, elsewhere the installed bundle, or else the folder of
/// the checkout that this program was built from.
const DEFAULT: (&str, &str) = ("models/toybox/bundle", "toybox");

/// Where the project is, whose base model lies in the default folder.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Which base model is meant.
#[derive(Debug, Clone, Args)]
pub struct BundleArgs {
    /// The base model: a folder, or the name of an installed bundle [env: CONES_BUNDLE] [default: models/toybox/bundle, or the installed
    /// `toybox`].
    #[arg(long, value_name = "DIR|NAME")]
    bundle: Option<PathBuf>,
    /// Where installed packs and bundles are.
    #[command(flatten)]
    pub store: StoreArgs,
}

impl BundleArgs {
    /// The base model that the environment names, if any.
    pub fn from_environment(store: &StoreArgs) -> Self {
        Self { bundle: None, store: store.clone() }
    }

    fn named(&self) -> Option<PathBuf> {
        path_or_variable(self.bundle.as_ref(), "CONES_BUNDLE")
    }

    /// Opens the base model that is named, or else the default one.
    ///
    /// # Errors
    /// When it cannot be opened, or none is named and there is no default one.
    pub fn open(&self) -> Result<Bundle, Failure> {
        match self.named() {
            Some(named) => open(&named, &self.store),
            None => match self.default_folder()? {
                Some(folder) => Ok(Bundle::open(folder)?),
                None => Err(no_default()),
            },
        }
    }

    /// Opens the base model; none where none is named and there is no default one.
    ///
    /// # Errors
    /// When one is named or there, and cannot be opened.
    pub fn open_if_there(&self) -> Result<Option<Bundle>, Failure> {
        let there = self.named().is_some() || self.default_folder()?.is_some();
        if there { self.open().map(Some) } else { Ok(None) }
    }

    fn default_folder(&self) -> Result<Option<PathBuf>, Failure> {
        let (folder, name) = DEFAULT;
        if Path::new(folder).join(bundle::MANIFEST).exists() {
            return Ok(Some(folder.into()));
        }
        let installed = installed(&self.store)?.into_iter().find(|(known, _)| known == name);
        Ok(installed.map(|(_, folder)| folder).or_else(|| in_checkout(folder)))
    }

    /// The base model with this fingerprint: the one named, or else the default one, or one that is installed.
    ///
    /// # Errors
    /// When the one that is named cannot be opened.
    pub fn fitting(&self, fingerprint: Sha256) -> Result<Option<Bundle>, Failure> {
        let fits = |bundle: &Bundle| bundle.manifest().fingerprint == fingerprint;
        if let Some(named) = self.named() {
            let bundle = open(&named, &self.store)?;
            if fits(&bundle) {
                return Ok(Some(bundle));
            }
        }
        let default = [Some(PathBuf::from(DEFAULT.0)), in_checkout(DEFAULT.0)];
        if let Some(found) = default.into_iter().flatten().filter_map(|folder| Bundle::open(folder).ok()).find(fits) {
            return Ok(Some(found));
        }
        // A damaged bundle among the installed is no reason to stop looking.
        Ok(installed(&self.store)?.into_iter().filter_map(|(_, folder)| Bundle::open(folder).ok()).find(fits))
    }
}

/// Opens a bundle by its folder or, if there is no such folder, by the name it is installed under.
pub fn open(named: &Path, store: &StoreArgs) -> Result<Bundle, Failure> {
    Ok(Bundle::open(folder(named, store)?)?)
}

fn folder(named: &Path, store: &StoreArgs) -> Result<PathBuf, Failure> {
    let is_name = matches!(named.components().collect::<Vec<_>>().as_slice(), [Component::Normal(_)]);
    if named.join(bundle::MANIFEST).exists() {
        return Ok(named.to_path_buf());
    }
    if !is_name || named.is_file() {
        wrong_kind::check(named, Kind::Bundle, "a bundle, which is a folder with `bundle.json`")?;
        return Ok(named.to_path_buf());
    }
    let name = named.to_string_lossy();
    let installed = installed(store)?;
    if let Some((_, folder)) = installed.iter().find(|(known, _)| *known == name) {
        return Ok(folder.clone());
    }
    let names: Vec<&str> = installed.iter().map(|(name, _)| name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "no bundle is installed; give a folder, or see `cones bundle install --help`".to_owned(),
        names => format!("installed are {}; or give a folder", names.join(", ")),
    };
    Err(Error::not_found(name, "is a bundle's folder or an installed bundle", hint).into())
}

/// The names and folders of the installed bundles.
fn installed(store: &StoreArgs) -> Result<Vec<(String, PathBuf)>, Failure> {
    match store.bundles_if_any()? {
        Some(store) => Ok(store.list()?),
        None => Ok(Vec::new()),
    }
}

fn no_default() -> Failure {
    let (folder, name) = DEFAULT;
    format!(
        "no base model is at hand: there is no `{folder}` here, and no bundle `{name}` is installed\n\
         hint: name one with --bundle DIR, such as `{folder}` of a checkout of {REPOSITORY}, or install one with \
         `cones bundle install {name} --catalog URL --key PUBKEY`"
    )
    .into()
}
