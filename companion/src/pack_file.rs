//! Pack files as they are named on the command line: a file, or the name of an installed pack.

use std::path::{Path, PathBuf};

use cones_core::library::packs::Installed;
use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::Header;
use cones_core::{Error, Pack, Sha256, Subject};
use cones_import::{Kind, wrong_kind};

use crate::base_model::BundleArgs;
use crate::failure::Failure;
use crate::places::StoreArgs;

/// Larger files are not packs: this would hold every weight of Stable Diffusion XL with a factor.
const MAX_BYTES: u64 = 1 << 30;

/// A pack file in memory.
#[derive(Debug)]
pub struct PackFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The file's SHA-256.
    pub sha256: Sha256,
}

impl PackFile {
    /// Reads a file; [`header`](Self::header) and [`decode`](Self::decode) check it.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let size = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
        wrong_kind::check(path, Kind::Pack, "a subject pack")?;
        if size > MAX_BYTES {
            return Err(format!("`{}` has {size} bytes; no pack is larger than {MAX_BYTES}", path.display()).into());
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let sha256 = Sha256::digest(&bytes);
        Ok(Self { path: path.to_path_buf(), bytes, sha256 })
    }

    /// Reads a file, or an installed pack by its name, to draw with; where several base models' packs share the name, that of
    /// `fingerprint`. One that its publisher has withdrawn is refused.
    pub fn find(named: &str, store: &StoreArgs, fingerprint: Option<Sha256>) -> Result<Self, Failure> {
        if is_file_name(named) {
            return Self::open(Path::new(named));
        }
        Self::of_installed(&store.packs()?.get(named, fingerprint)?)
    }

    /// Reads an installed pack to draw with. One that its publisher has withdrawn is refused.
    pub fn of_installed(installed: &Installed) -> Result<Self, Failure> {
        let Some(reason) = &installed.withdrawn else { return Self::open(&installed.path) };
        let (name, colon) = (&installed.header.metadata.name, if reason.is_empty() { "" } else { ": " });
        let words = format!("`{name}` was withdrawn by its publisher{colon}{reason}");
        Err(format!("{words}\nhint: remove it, or look for a newer one with `cones packs update`").into())
    }

    /// Reads a file, or an installed pack by its name, to look at.
    fn look_at(named: &str, store: &StoreArgs, fingerprint: Option<Sha256>) -> Result<Self, Failure> {
        if is_file_name(named) {
            return Self::open(Path::new(named));
        }
        Self::open(&store.packs()?.get(named, fingerprint)?.path)
    }

    /// Reads a file, or an installed pack by its name, to look at, for whatever base model there is one; for that of `bundle` where
    /// there are several.
    pub fn find_any(named: &str, bundle: &BundleArgs) -> Result<Self, Failure> {
        let store = &bundle.store;
        Self::look_at(named, store, None).or_else(|error| {
            let ambiguous = matches!(error, Failure::Core(Error::BadRequest { .. }));
            match bundle.open() {
                Ok(bundle) if ambiguous => Self::look_at(named, store, Some(bundle.manifest().fingerprint)),
                _ => Err(error),
            }
        })
    }

    /// What it says of itself; the checksum is checked.
    pub fn header(&self) -> Result<Header, Failure> {
        Ok(Header::read(&self.shown(), &self.bytes)?)
    }

    /// The whole pack, for a base model.
    pub fn decode(&self, manifest: &Manifest) -> Result<Pack, Failure> {
        Ok(Pack::decode(&self.shown(), &self.bytes, manifest)?)
    }

    /// The subject it holds, for a base model; it remembers this file's hash.
    pub fn subject(&self, manifest: &Manifest) -> Result<Subject, Failure> {
        Ok(self.decode(manifest)?.subject().from_pack(self.sha256))
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// Endings of files that people have; those of other tools among them, so that a file is named as what it is.
const ENDINGS: [&str; 8] = ["cones", "safetensors", "ckpt", "pt", "pth", "bin", "onnx", "gguf"];

/// Whether an argument means a file rather than the name of an installed pack. Names hold no `/`, and a pack is hardly
/// called `dog.cones`.
pub fn is_file_name(named: &str) -> bool {
    let ending = Path::new(named).extension();
    named.contains(['/', '\\']) || ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}
