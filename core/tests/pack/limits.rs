//! What breaks a limit is not written.

use cones_core::subjects::pack::{Metadata, Pack, Precision, TokenEmbeddings};
use cones_core::{ConceptMask, Error, Scope};
use cones_tests::packs;
use half::f16;

fn pack() -> Pack {
    let manifest = packs::manifest_of(&[(8, 6)]);
    packs::pack(&manifest, &ConceptMask::random(&manifest.layers, 0.3, 1), Precision::Binary)
}

/// The reason why the changed pack cannot be written.
fn refused(change: impl FnOnce(&mut Pack)) -> String {
    let mut pack = pack();
    assert!(pack.encode().is_ok());
    change(&mut pack);
    match pack.encode() {
        Err(Error::BadPack { reason, at: None, hint, .. }) if !hint.is_empty() => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn texts_and_numbers() {
    type Change = fn(&mut Metadata);
    let cases: [(&str, Change); 12] = [
        ("`name`", |m| m.name = "../rex".into()),
        ("`name`", |m| m.name = String::new()),
        ("`name`", |m| m.name = "a".repeat(65)),
        ("`version`", |m| m.version = 0),
        ("`trigger`", |m| m.trigger = "  ".into()),
        ("`trigger`", |m| m.trigger = "a".repeat(129)),
        ("`class`", |m| m.class = "a".repeat(65)),
        ("`author`", |m| m.author = "\u{1b}[2J".into()),
        ("`licence`", |m| m.licence = "\u{e9}".repeat(65)),
        ("`model`", |m| m.model = "a".repeat(65)),
        ("`tool`", |m| m.tool = "a\u{202e}b".into()),
        ("`created`", |m| m.created = u64::MAX),
    ];
    for (field, change) in cases {
        let reason = refused(|pack| change(&mut pack.metadata));
        assert!(reason.contains(field), "{field}: {reason}");
    }
}

#[test]
fn previews() {
    for bad in [vec![], b"GIF89a".to_vec(), vec![0; 64 * 1024 + 1]] {
        assert!(refused(|pack| pack.preview = Some(bad)).contains("preview"));
    }
}

#[test]
fn embeddings() {
    let of = |width, values: &[f32]| {
        let values = values.iter().map(|value| f16::from_f32(*value)).collect();
        refused(|pack| pack.embeddings = Some(TokenEmbeddings { width, values, in_place: false }))
    };
    assert!(of(0, &[]).contains("0 wide"));
    assert!(of(4, &[]).contains("0 values"));
    assert!(of(4, &[0.0; 7]).contains("7 values"));
    assert!(of(1, &[0.0; 78]).contains("78 values"));
    assert!(of(5000, &[0.0; 5000]).contains("5000 wide"));
    assert!(of(1, &[f32::NAN]).contains("NaN"));
    let in_place = |count| TokenEmbeddings { width: 1, values: vec![f16::ONE; count], in_place: true };
    assert!(refused(|pack| pack.embeddings = Some(in_place(76))).contains("1 to 75 tokens"));
    let mut most = pack();
    most.embeddings = Some(in_place(75));
    assert!(most.encode().is_ok());
}

#[test]
fn neurons_and_low_rank_matrices_exclude_each_other() {
    let manifest = packs::manifest_of(&[(8, 6)]);
    let low_rank = || Some(packs::low_rank(&manifest.layers, &[2], 1));
    assert!(
        refused(|pack| pack.low_rank = low_rank()).contains("precision is binary and the pack has low-rank matrices")
    );
    assert!(
        refused(|pack| pack.precision = Precision::LowRank).contains("precision is low-rank and the pack has none")
    );
    let both = |pack: &mut Pack| (pack.low_rank, pack.precision) = (low_rank(), Precision::LowRank);
    assert!(refused(both).contains("neurons beside them"));
    let everywhere = |pack: &mut Pack| {
        *pack = packs::low_rank_pack(&manifest, &[2], 1);
        pack.metadata.scope = Scope::Trigger;
    };
    assert!(refused(everywhere).contains("change all words"));
    // A LoRA need not have a trigger, and all else needs one.
    let mut without = packs::low_rank_pack(&manifest, &[2], 1);
    without.metadata.trigger = String::new();
    assert!(without.encode().is_ok());
    assert!(refused(|pack| pack.metadata.trigger = String::new()).contains("`trigger` is empty"));
}

#[test]
fn factors_have_to_fit_the_precision() {
    let weighted = |factor: fn(usize) -> f32, precision| {
        refused(|pack| {
            let factors = (0..pack.mask.count()).map(factor).collect();
            pack.mask = pack.mask.clone().with_factors(vec![factors]).expect("one each");
            pack.precision = precision;
        })
    };
    assert!(weighted(|i| i as f32, Precision::Quaternary).contains("more than 4 levels"));
    assert!(weighted(|_| 0.1, Precision::Quaternary).contains("0.1"));
    assert!(weighted(|_| 0.1, Precision::Float16).contains("0.1"));
    assert!(weighted(|_| 1e9, Precision::Float16).contains("1000000000"));
    assert!(weighted(|_| 0.5, Precision::Binary).contains("Binary"));
    assert!(refused(|pack| pack.precision = Precision::Float32).contains("no factors"));
}
