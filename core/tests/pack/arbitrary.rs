//! Any pack that keeps the limits.

use std::io::Cursor;

use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::{Metadata, Pack, Precision, TokenEmbeddings, to_precision};
use cones_core::{ConceptMask, Scope};
use cones_tests::packs;
use half::f16;
use image::{DynamicImage, ImageFormat};
use proptest::collection::vec;
use proptest::prelude::*;

/// Small layers of several shapes, so that a case takes little time.
pub(crate) fn manifest() -> Manifest {
    packs::manifest_of(&[(24, 20), (40, 20), (1, 20), (16, 20)])
}

pub(crate) fn metadata() -> impl Strategy<Value = Metadata> {
    let text = |longest: usize| {
        let cut = move |mut text: String| {
            while text.len() > longest {
                text.pop();
            }
            text
        };
        "\\PC{0,64}".prop_map(cut).prop_filter("nothing that only looks like a limit", |t| !t.chars().any(is_invisible))
    };
    let trigger = text(127).prop_map(|t| format!("{t}x"));
    let texts = (trigger, text(64), text(128), text(128), text(64), text(64));
    // The end is no dot, and no device's name has an underscore: what Windows keeps for itself is refused.
    ("[a-z0-9]_[a-z0-9._-]{0,61}[a-z0-9_-]|[a-z0-9]", 1u32.., 0u64..=253_402_300_799, any::<bool>(), texts).prop_map(
        |(name, version, created, everywhere, (trigger, class, author, licence, model, tool))| {
            let scope = if everywhere { Scope::Prompt } else { Scope::Trigger };
            let mut metadata = Metadata::new(name, trigger, class);
            (metadata.version, metadata.created, metadata.scope) = (version, created, scope);
            (metadata.author, metadata.licence) = (author, licence);
            (metadata.model, metadata.tool) = (model, tool);
            metadata
        },
    )
}

/// Text direction and width controls, which packs refuse.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Masks of all densities, even and uneven.
pub(crate) fn mask(manifest: Manifest) -> impl Strategy<Value = ConceptMask> {
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..0.02, 0.0..1.0];
    (share, any::<u64>(), 0..3).prop_map(move |(share, seed, kind)| match kind {
        0 => packs::structured(&manifest.layers, share, seed),
        1 => packs::crossed(&manifest.layers, share, seed),
        _ => ConceptMask::random(&manifest.layers, share, seed),
    })
}

/// A mask with factors that the precision can hold.
fn weighted(manifest: Manifest) -> impl Strategy<Value = (ConceptMask, Precision)> {
    let precisions = [Precision::Binary, Precision::Quaternary, Precision::Float16, Precision::Float32];
    (mask(manifest), proptest::sample::select(precisions.to_vec()), vec(-4.0f32..4.0, 1..9)).prop_map(
        |(mask, precision, values)| {
            let mut values = values.into_iter().cycle();
            let layer = |layer| mask.neurons(layer).map(|_| values.next().unwrap_or_default()).collect();
            let factors = (0..mask.layers()).map(layer).collect();
            let mask = mask.clone().with_factors(factors).expect("one each");
            (to_precision(&mask, precision).expect("small factors"), precision)
        },
    )
}

fn preview() -> impl Strategy<Value = Option<Vec<u8>>> {
    let png = (1u32..40, 1u32..40).prop_map(|(width, height)| {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).expect("can be encoded");
        bytes.into_inner()
    });
    proptest::option::of(png)
}

fn embeddings() -> impl Strategy<Value = Option<TokenEmbeddings>> {
    let some = (1u32..40, 1usize..4, any::<bool>()).prop_flat_map(|(width, tokens, in_place)| {
        vec(-8.0f32..8.0, width as usize * tokens).prop_map(move |values| TokenEmbeddings {
            width,
            in_place,
            values: values.into_iter().map(|value| f16::from_f32(value) + f16::ZERO).collect(),
        })
    });
    proptest::option::of(some)
}

/// A pack for [`manifest`].
pub(crate) fn pack() -> impl Strategy<Value = Pack> {
    prop_oneof![4 => masked(), 1 => low_rank()]
}

/// A pack of low-rank matrices.
fn low_rank() -> impl Strategy<Value = Pack> {
    let manifest = manifest();
    let most: Vec<usize> = manifest.layers.iter().map(cones_core::LowRankChange::most).collect();
    // At least one layer has some.
    let ranks = (1..=most[0], 0..=most[1], 0..=most[2], 0..=most[3]);
    (metadata(), ranks, any::<u64>(), any::<bool>(), preview(), embeddings()).prop_map(
        move |(metadata, ranks, seed, named, preview, embeddings)| {
            let low_rank = packs::low_rank(&manifest.layers, &<[usize; 4]>::from(ranks), seed);
            let mut pack = Pack::of_low_rank(metadata, &manifest, low_rank);
            if !named {
                pack.metadata.trigger = String::new();
            }
            (pack.preview, pack.embeddings) = (preview, embeddings);
            pack
        },
    )
}

/// A pack of neurons.
fn masked() -> impl Strategy<Value = Pack> {
    let manifest = manifest();
    let fingerprint = manifest.fingerprint;
    (metadata(), weighted(manifest), preview(), embeddings()).prop_map(
        move |(metadata, (mask, precision), preview, embeddings)| {
            let mut pack = Pack::new(metadata, fingerprint, mask, precision);
            (pack.preview, pack.embeddings) = (preview, embeddings);
            pack
        },
    )
}
