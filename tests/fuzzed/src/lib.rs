//! Each parser of outside data, as the fuzz targets of `tests/fuzz` feed it: any bytes go in, an error or a value comes out, and
//! what has to hold of the value is asserted. The tests here feed each its corpus, and damaged copies of it.

pub mod catalogue;
pub mod download;
pub mod foreign_recipe;
pub mod manifest;
pub mod mask;
pub mod onnx_graph;
pub mod onnx_import;
pub mod pack_decode;
pub mod pack_header;
pub mod picture;
pub mod prompt_weights;
pub mod recipe;
mod scratch;
pub mod statement;

/// The most that a parser may hold at once, in bytes: five times the largest picture that is decoded. More is refused, which ends the
/// process; a fuzzer takes that for a finding.
const MOST_MEMORY: usize = 1 << 29;

#[global_allocator]
static MEMORY: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, MOST_MEMORY);

/// One parser.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    /// The name of its fuzz target, and of its folder in `corpus`.
    pub name: &'static str,
    /// Feeds it; panics when something does not hold.
    pub feed: fn(&[u8]),
}

/// All of them.
pub const PARSERS: [Parser; 13] = [
    Parser { name: "catalogue", feed: catalogue::feed },
    Parser { name: "download", feed: download::feed },
    Parser { name: "foreign_recipe", feed: foreign_recipe::feed },
    Parser { name: "manifest", feed: manifest::feed },
    Parser { name: "mask", feed: mask::feed },
    Parser { name: "onnx_graph", feed: onnx_graph::feed },
    Parser { name: "onnx_import", feed: onnx_import::feed },
    Parser { name: "pack_decode", feed: pack_decode::feed },
    Parser { name: "pack_header", feed: pack_header::feed },
    Parser { name: "picture", feed: picture::feed },
    Parser { name: "prompt_weights", feed: prompt_weights::feed },
    Parser { name: "recipe", feed: recipe::feed },
    Parser { name: "statement", feed: statement::feed },
];

/// The folders and files of the repository, from its root, that a parser begins with.
pub fn seeds(parser: &str) -> impl Iterator<Item = String> {
    let own = format!("tests/fuzzed/corpus/{parser}");
    let own = root().join(&own).is_dir().then_some(own);
    let line = include_str!("../seeds.txt").lines().map(str::split_whitespace).find_map(move |mut words| {
        let first = words.next()?;
        (first == parser).then_some(words)
    });
    own.into_iter().chain(line.into_iter().flatten().map(str::to_owned))
}

/// The root of the repository.
#[must_use]
pub fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
