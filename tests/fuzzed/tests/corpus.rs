//! Each parser over its corpus, and over damaged copies of it.

use std::path::Path;

use cones_fuzzed::{PARSERS, Parser, root};

/// Damaged copies of each input of a parser; those that read files or make connections get fewer by being slower.
const DAMAGED: usize = 60;

/// Everything that there is to begin with.
fn seeds(parser: &Parser) -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new()];
    cones_fuzzed::seeds(parser.name).for_each(|path| take(&root().join(path), &mut seeds));
    assert!(seeds.len() > 1, "{} has nothing to begin with", parser.name);
    seeds
}

fn take(path: &Path, seeds: &mut Vec<Vec<u8>>) {
    if path.is_dir() {
        let mut files: Vec<_> =
            std::fs::read_dir(path).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        files.sort();
        files.iter().filter(|file| file.is_file()).for_each(|file| take(file, seeds));
    } else {
        seeds.push(std::fs::read(path).expect("a file"));
    }
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// Cut, bytes changed, or a piece moved elsewhere.
fn damage(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match chance.below(4) {
        _ if bytes.is_empty() => bytes.push(chance.below(256) as u8),
        0 => bytes.truncate(chance.below(bytes.len())),
        1 => {
            let (from, to) = (chance.below(bytes.len()), chance.below(bytes.len()));
            let piece = bytes[from..bytes.len().min(from + 1 + chance.below(64))].to_vec();
            bytes.splice(to..to, piece);
        }
        _ => {
            for _ in 0..=chance.below(4) {
                let at = chance.below(bytes.len());
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'9', chance.below(256) as u8][chance.below(8)];
            }
        }
    }
    bytes
}

fn all_of(name: &str) {
    let parser = PARSERS.iter().find(|parser| parser.name == name).expect("is one");
    let mut chance = Chance(1);
    for seed in seeds(parser) {
        (parser.feed)(&seed);
        for _ in 0..DAMAGED {
            (parser.feed)(&damage(&seed, &mut chance));
        }
    }
}

/// A test for each, so that the one at fault is named; and none is forgotten.
macro_rules! parsers {
    ($($name:ident),+) => {
        $(#[test] fn $name() { all_of(stringify!($name)); })+
        #[test]
        fn all_have_a_test_and_a_target() {
            assert_eq!(PARSERS.map(|parser| parser.name), [$(stringify!($name)),+]);
            for parser in PARSERS {
                let target = root().join(format!("tests/fuzz/fuzz_targets/{}.rs", parser.name));
                let text = std::fs::read_to_string(&target).expect("a target");
                assert!(text.contains(&format!("cones_fuzzed::{}::feed", parser.name)), "{}", target.display());
            }
        }
    };
}

parsers!(
    catalogue,
    download,
    foreign_recipe,
    manifest,
    mask,
    onnx_graph,
    onnx_import,
    pack_decode,
    pack_header,
    picture,
    prompt_weights,
    recipe
);
