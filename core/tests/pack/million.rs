//! A million damaged packs, most with their checksums mended so that the damage is looked at: each is refused or gives a
//! mask that fits the model and could have been written so. About ten seconds on a slow core in the release profile.

use std::collections::BTreeMap;
use std::path::Path;

use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::{Header, Pack, Precision, TokenEmbeddings};
use cones_core::{ConceptMask, Error};
use cones_tests::packs;
use half::f16;

const LAYERS: [(u32, u32); 3] = [(12, 10), (20, 10), (7, 10)];
const PACKS: u64 = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };

#[test]
fn a_million_damaged_packs() {
    let manifest = packs::manifest_of(&LAYERS);
    let seeds = seeds(&manifest);
    let mut random = Random(1);
    let (mut whole, mut refused, mut by_part) = (0, 0, BTreeMap::<String, u64>::new());
    for _ in 0..PACKS {
        let mut bytes = damaged(&seeds, &mut random);
        if random.below(8) > 0 {
            packs::mend(&mut bytes);
        }
        match Pack::decode("x", &bytes, &manifest) {
            Ok(pack) => {
                assert!(pack.mask.fits(&manifest.layers));
                assert!(pack.low_rank.as_ref().is_none_or(|low_rank| low_rank.fits(&manifest.layers)));
                assert_eq!(pack.encode().expect("was read"), bytes);
                assert_eq!(Header::read("x", &bytes).expect("was read").neurons, pack.mask.count() as u64);
                whole += 1;
            }
            Err(Error::WrongModel { .. }) => refused += 1,
            Err(Error::BadPack { reason, at: Some(at), .. }) => {
                assert!(at <= bytes.len() as u64, "{reason} at {at}");
                *by_part.entry(reason.split(' ').nth(1).unwrap_or_default().to_owned()).or_default() += 1;
                refused += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    println!("{whole} whole, {refused} refused: {by_part:?}");
    assert_eq!(whole + refused, PACKS);
    // Every part's own checks were reached.
    assert!(whole > PACKS / 50, "{whole} of {PACKS} were whole");
    for part in ["header", "preview", "layers", "factors", "embeddings"] {
        let count = by_part.get(part).copied().unwrap_or_default();
        assert!(count > PACKS / 500, "{part}: {count} of {PACKS}");
    }
}

/// `CONES_WRITE_CORPUS=1` writes the packs that are damaged here as the fuzz targets' corpus.
#[test]
fn the_corpus_of_the_fuzz_targets_is_these_packs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzzed/corpus/pack_decode");
    for (i, pack) in seeds(&packs::manifest_of(&LAYERS)).into_iter().enumerate() {
        let file = folder.join(format!("{i:02}.cones"));
        if std::env::var_os("CONES_WRITE_CORPUS").is_some() {
            std::fs::create_dir_all(&folder).expect("can be made");
            std::fs::write(&file, &pack).expect("can be written");
        }
        assert_eq!(std::fs::read(&file).expect("is there"), pack, "{}", file.display());
    }
}

/// Small packs of every kind.
fn seeds(manifest: &Manifest) -> Vec<Vec<u8>> {
    let precisions = [Precision::Binary, Precision::Quaternary, Precision::Float16, Precision::Float32];
    let mut seeds = Vec::new();
    for (i, precision) in precisions.into_iter().enumerate() {
        for mask in [
            ConceptMask::random(&manifest.layers, 0.02, i as u64),
            packs::crossed(&manifest.layers, 0.9, i as u64),
            ConceptMask::random(&manifest.layers, 0.7, i as u64),
        ] {
            let levels = [0.0, -0.5, 1.25, 2.0];
            let layer = |layer| (0..mask.neurons(layer).count()).map(|n| levels[n % 4]).collect();
            let weighted = mask.clone().with_factors((0..mask.layers()).map(layer).collect()).expect("one each");
            let mut pack = packs::pack(manifest, &weighted, precision);
            if seeds.len() % 3 == 1 {
                pack.preview = Some(include_bytes!("../../../tests/hostile/preview.png").to_vec());
                pack.embeddings =
                    Some(TokenEmbeddings { width: 3, values: vec![f16::from_f32(0.25); 6], in_place: false });
            }
            seeds.push(pack.encode().expect("within the limits"));
        }
    }
    for ranks in [[1, 0, 2], [0, 3, 0], [10, 10, 7]] {
        let mut pack = packs::low_rank_pack(manifest, &ranks, 3);
        if ranks[0] == 1 {
            pack.embeddings = Some(TokenEmbeddings { width: 3, values: vec![f16::from_f32(0.25); 12], in_place: true });
        }
        seeds.push(pack.encode().expect("within the limits"));
    }
    seeds
}

/// One of them with one to four changes.
fn damaged(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        change(&mut bytes, seeds, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = place(bytes, random);
    match random.below(10) {
        0..5 => bytes[at] ^= 1 << random.below(8),
        5 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        6 => bytes.truncate(at),
        7 => resize_part(bytes, at, random),
        8 => {
            let other = &seeds[random.below(seeds.len())];
            let end = (at + random.below(16)).min(bytes.len()).min(other.len());
            if at < end {
                bytes[at..end].copy_from_slice(&other[at..end]);
            }
        }
        _ => {
            let end = (at + 1 + random.below(8)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}

/// Half of the time in the header, else in the parts behind it.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    match packs::parts(bytes) {
        Some([first, ..]) if first.start < bytes.len() && random.below(3) > 0 => {
            first.start + random.below(bytes.len() - first.start)
        }
        _ => random.below(bytes.len()),
    }
}

/// A byte more or less in the part at `at`, and the header says so.
fn resize_part(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(parts) = packs::parts(bytes) else { return };
    let Some(part) = parts.iter().position(|part| part.contains(&at)) else { return };
    let longer = random.below(2) == 0;
    if longer {
        bytes.insert(at, random.next() as u8);
    } else {
        bytes.remove(at);
    }
    let field = packs::PARTS + part * (4 + packs::SUM);
    let length = (parts[part].len() as u32).wrapping_add(if longer { 1 } else { u32::MAX });
    if let Some(place) = bytes.get_mut(field..field + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Steele, Lea & Flood's splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
