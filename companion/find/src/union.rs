//! Several packs as one.

use cones_core::model::manifest::Layer;
use cones_core::{ConceptMask, Pack};

use crate::error::{Error, Result};

/// Whether packs can become one: an embedding that was learned for one pack's trigger means nothing within the trigger of
/// a union.
///
/// # Errors
/// [`Error::Packs`], which names the first pack with learned embeddings or low-rank matrices.
pub fn check_unitable(packs: &[Pack]) -> Result<()> {
    check_neurons(packs)?;
    match packs.iter().find(|pack| pack.embeddings.is_some()).map(|pack| &pack.metadata) {
        None => Ok(()),
        Some(pack) => Err(Error::Packs {
            reason: format!(
                "`{}` has learned embeddings of its trigger `{}`, which a union cannot hold",
                pack.name, pack.trigger
            ),
            hint:
                "switch the packs on beside each other, with a --subject for each, or find it without --learn-trigger"
                    .into(),
        }),
    }
}

/// Whether packs hold neurons, and not the low-rank matrices of a LoRA.
///
/// # Errors
/// [`Error::Packs`], which names the first that does not.
pub fn check_neurons(packs: &[Pack]) -> Result<()> {
    match packs.iter().find(|pack| pack.low_rank.is_some()) {
        None => Ok(()),
        Some(pack) => Err(Error::Packs {
            reason: format!("`{}` holds low-rank matrices (a LoRA) and no neurons", pack.metadata.name),
            hint: "switch it on beside the others, with a --subject for each".into(),
        }),
    }
}

/// The neurons of all packs, which were decoded for `layers`; where two hold the same neuron, their factors are multiplied.
///
/// # Errors
/// When a pack was decoded for other layers.
pub fn unite(packs: &[Pack], layers: &[Layer]) -> Result<ConceptMask> {
    let mut united = ConceptMask::empty(layers);
    for pack in packs {
        united.unite(&pack.mask)?;
    }
    Ok(united)
}
