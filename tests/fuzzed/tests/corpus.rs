//! Each parser over its corpus, and over damaged copies of it.

use std::path::Path;

use cones_core::sampling::splitmix::SplitMix64;
use cones_fuzzed::{PARSERS, Parser, root};

/// Damaged copies of each input of a parser, where there are few inputs, and of all of them together where there are many.
const DAMAGED: usize = 60;
const DAMAGED_IN_ALL: usize = 1200;

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

/// A number below `end`, which is taken as 1 where it is 0.
fn below(random: &mut SplitMix64, end: usize) -> usize {
    (random.next_bits() % end.max(1) as u64) as usize
}

/// Cut, bytes changed, or a piece moved elsewhere.
fn damage(bytes: &[u8], random: &mut SplitMix64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match below(random, 4) {
        _ if bytes.is_empty() => bytes.push(below(random, 256) as u8),
        0 => bytes.truncate(below(random, bytes.len())),
        1 => {
            let (from, to) = (below(random, bytes.len()), below(random, bytes.len()));
            let piece = bytes[from..bytes.len().min(from + 1 + below(random, 64))].to_vec();
            bytes.splice(to..to, piece);
        }
        _ => {
            for _ in 0..=below(random, 4) {
                let at = below(random, bytes.len());
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'9', below(random, 256) as u8][below(random, 8)];
            }
        }
    }
    bytes
}

fn all_of(name: &str) {
    let parser = PARSERS.iter().find(|parser| parser.name == name).expect("is one");
    let mut random = SplitMix64::new(1);
    let seeds = seeds(parser);
    let damaged = (DAMAGED_IN_ALL / seeds.len()).clamp(1, DAMAGED);
    for seed in seeds {
        (parser.feed)(&seed);
        for _ in 0..damaged {
            (parser.feed)(&damage(&seed, &mut random));
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
    recipe,
    statement
);
