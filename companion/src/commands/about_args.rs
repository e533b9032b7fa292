//! What a person says of a pack that is being made.

use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::pack::{Metadata, Precision, to_precision};
use cones_core::{Bundle, ConceptMask, Pack, Scope};

use crate::clock;
use crate::failure::Failure;
use crate::pack_parts::{name_of, read_preview, tool};

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
        Ok(Pack {
            metadata: Metadata {
                name: self.name.clone().unwrap_or_else(|| name_of(out)),
                version: 1,
                trigger: described.trigger.to_owned(),
                class: described.class.to_owned(),
                scope: described.scope,
                author: self.author.clone(),
                licence: self.licence.clone(),
                model: bundle.manifest().name.clone(),
                tool: tool(),
                created: clock::now()?,
            },
            fingerprint: bundle.manifest().fingerprint.clone(),
            mask: to_precision(mask, precision)?,
            precision,
            preview: self.preview.as_deref().map(read_preview).transpose()?,
            embeddings: None,
        })
    }
}
