//! A pack with all that a report says of it.

use cones_core::{Bundle, Subject};
use cones_find::record::Record;

use super::still::Still;
use crate::failure::Failure;
use crate::inspect::findings::{Inspected, Learned, Matrices};
use crate::inspect::heads::Rows;
use crate::inspect::layers;
use crate::pack_file::PackFile;

/// One pack of a report.
#[derive(Debug)]
pub struct Reported {
    /// What the file says, its layers counted.
    pub inspected: Inspected,
    /// The subject at full strength.
    pub subject: Subject,
    /// How it was found, where that is known.
    pub record: Option<Record>,
    /// The pack's own picture.
    pub preview: Option<Still>,
}

impl Reported {
    /// Reads a pack for a bundle, and the record beside it. `rows` says how the bundle's layers are grouped.
    ///
    /// # Errors
    /// When the pack is damaged or for another base model, or the record is damaged.
    pub fn open(file: &PackFile, bundle: &Bundle, rows: &[Rows]) -> Result<Self, Failure> {
        let mut inspected = Inspected::new(file, file.header()?);
        let pack = file.decode(bundle.manifest())?;
        inspected.embeddings = Learned::new(&pack);
        inspected.low_rank = Matrices::new(&pack);
        let counted = || layers::count(&pack.mask, &bundle.manifest().layers, rows);
        inspected.layers = inspected.low_rank.is_none().then(counted);
        if pack.metadata.trigger.is_empty() {
            let name = &pack.metadata.name;
            return Err(format!(
                "`{name}` is a LoRA without a trigger, and a report draws a subject by its trigger\n\
                 hint: import it again with --trigger WORD"
            )
            .into());
        }
        let preview = pack.preview.as_deref().and_then(Still::from_preview);
        let subject = pack.subject().from_pack(file.sha256);
        Ok(Self { inspected, subject, record: Record::read(&file.path)?, preview })
    }

    /// The pack's name.
    pub fn name(&self) -> &str {
        &self.inspected.metadata.name
    }

    /// The words that stand for the subject.
    pub fn trigger(&self) -> &str {
        &self.inspected.metadata.trigger
    }

    /// What the base model calls such a thing; the trigger where the pack does not say.
    pub fn class(&self) -> &str {
        match self.inspected.metadata.class.as_str() {
            "" => self.trigger(),
            class => class,
        }
    }

    /// The pack's share of the weights in question, 0 to 1.
    pub fn share(&self) -> f64 {
        self.subject.mask.density()
    }
}
