//! What a person says of a pack that is being made.

use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::subjects::pack::{Metadata, Precision, to_precision};
use cones_core::{Bundle, ConceptMask, Pack, Scope};

use crate::clock;
use crate::failure::Failure;
use crate::pack_parts::{name_of, read_preview};

/// Name, author, licence, preview.
#[derive(Debug, Args)]
pub(super) struct AboutArgs {
    /// The pack's name; by default that of the file.
    #[arg(long)]
    name: Option<String>,
    /// Who made it.
    #[arg(long, default_value = "")]
    author: String,
    /// An SPDX expression or a sentence.
    #[arg(long, default_value = "")]
    licence: String,
    /// A PNG or WebP of at most 64 KB that shows the subject.
    #[arg(long, value_name = "PICTURE")]
    preview: Option<PathBuf>,
}

/// The subject that a pack is described.
pub(super) struct Described<'a> {
    pub(super) trigger: &'a str,
    pub(super) class: &'a str,
    pub(super) scope: Scope,
}

impl AboutArgs {
    /// The whole pack. An empty mask will do to see whether what was said can stand in a pack, before long work starts.
    pub(super) fn pack(
        &self,
        described: &Described<'_>,
        out: &Path,
        bundle: &Bundle,
        mask: &ConceptMask,
        precision: Precision,
    ) -> Result<Pack, Failure> {
        let metadata = self.metadata(described, out, bundle)?;
        let fingerprint = bundle.manifest().fingerprint;
        let mut pack = Pack::new(metadata, fingerprint, to_precision(mask, precision)?, precision);
        pack.preview = self.preview()?;
        Ok(pack)
    }

    /// What the pack says of itself.
    pub(super) fn metadata(&self, described: &Described<'_>, out: &Path, bundle: &Bundle) -> Result<Metadata, Failure> {
        let name = self.name.clone().unwrap_or_else(|| name_of(out));
        let mut metadata = Metadata::new(name, described.trigger, described.class);
        metadata.scope = described.scope;
        metadata.created = clock::now()?;
        metadata.author.clone_from(&self.author);
        metadata.licence.clone_from(&self.licence);
        metadata.model.clone_from(&bundle.manifest().name);
        Ok(metadata)
    }

    /// Its picture, if one was given.
    pub(super) fn preview(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.preview.as_deref().map(read_preview).transpose()
    }
}
