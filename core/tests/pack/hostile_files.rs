//! What is in `tests/hostile`, made here: each file with the error that it has to give.
//!
//! `CONES_WRITE_HOSTILE=1 cargo test -p cones-tests --test pack hostile` writes the folder anew.

use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::{Pack, Precision, TokenEmbeddings};
use cones_core::{ConceptMask, Sha256};
use cones_tests::packs;
use half::f16;
use serde::{Deserialize, Serialize};

use crate::code::Bits;
use crate::hostile_neurons;

/// What reading a file has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expected {
    pub(crate) file: String,
    /// The kind of error.
    pub(crate) error: String,
    /// The byte that it names.
    pub(crate) at: Option<u64>,
    /// Part of the message.
    pub(crate) says: String,
}

/// The model that the files are for: two layers.
pub(crate) fn manifest() -> Manifest {
    packs::manifest_of(&[(12, 10), (20, 10)])
}

/// Every file's bytes with what is expected of it.
pub(crate) fn all() -> Vec<(Expected, Vec<u8>)> {
    [
        no_packs(),
        headers(),
        texts(),
        parts(),
        previews(),
        hostile_neurons::all(),
        factors(),
        embeddings(),
        in_place(),
        low_rank(),
    ]
    .concat()
}

pub(crate) type Files = Vec<(Expected, Vec<u8>)>;

pub(crate) fn file(name: &str, at: u64, says: &str, bytes: Vec<u8>) -> (Expected, Vec<u8>) {
    let expected =
        Expected { file: format!("{name}.cones"), error: "bad pack".into(), at: Some(at), says: says.into() };
    (expected, bytes)
}

fn written(change: impl FnOnce(&mut Pack)) -> Vec<u8> {
    let manifest = manifest();
    let mask = ConceptMask::from_indices(&manifest.layers, &[vec![3, 40, 119], vec![0, 77]]).expect("in range");
    let mut pack = packs::pack(&manifest, &mask, Precision::Binary);
    change(&mut pack);
    pack.encode().unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn plain() -> Vec<u8> {
    written(|_| ())
}

fn weighted(precision: Precision, factors: [f32; 5]) -> Vec<u8> {
    written(|pack| {
        let factors = vec![factors[..3].to_vec(), factors[3..].to_vec()];
        pack.mask = pack.mask.clone().with_factors(factors).expect("one each");
        pack.precision = precision;
    })
}

/// With some bytes written over, checksums mended.
fn with(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    packs::mend(&mut bytes);
    bytes
}

/// With a part in place of another one, and lengths and checksums to match.
fn with_part(bytes: &[u8], part: usize, new: &[u8]) -> Vec<u8> {
    let range = packs::parts(bytes).expect("whole")[part].clone();
    let mut bytes = [&bytes[..range.start], new, &bytes[range.end..]].concat();
    let field = packs::PARTS + part * (4 + packs::SUM);
    bytes[field..field + 4].copy_from_slice(&(new.len() as u32).to_le_bytes());
    packs::mend(&mut bytes);
    bytes
}

/// With neurons that these bits name.
pub(crate) fn with_neurons(neurons: u64, bits: Bits) -> Vec<u8> {
    let bytes = with(plain(), 58, &neurons.to_le_bytes());
    with_part(&bytes, 1, &bits.bytes())
}

/// Where the parts begin in [`plain`].
pub(crate) fn start(bytes: &[u8]) -> u64 {
    packs::parts(bytes).expect("whole")[0].start as u64
}

fn no_packs() -> Files {
    let page = b"<!DOCTYPE html><title>404 Not Found</title>".to_vec();
    let mut text_mode = plain();
    text_mode.remove(6);
    vec![
        file("empty", 0, "no subject pack", vec![]),
        file("web-page", 0, "no subject pack", page),
        file("line-ends-changed", 0, "no subject pack", text_mode),
        file("only-the-magic", 8, "header needs 2 bytes", plain()[..8].to_vec()),
        file("newer-version", 8, "update this software", with(plain(), 8, &[3, 0])),
        file("version-0", 8, "version 0", with(plain(), 8, &[0, 0])),
    ]
}

fn headers() -> Files {
    let (bytes, other) = (plain(), Sha256::from_bytes([0xfe; 32]));
    let (mut damaged, mut longer) = (bytes.clone(), bytes.clone());
    damaged[20] ^= 1;
    longer.splice(start(&bytes) as usize - packs::SUM..start(&bytes) as usize - packs::SUM, [0]);
    let longer = with(longer, packs::HEADER_LENGTH, &(start(&bytes) as u16 + 1).to_le_bytes());
    let foreign = written(|pack| pack.fingerprint = other);
    let expected =
        Expected { file: "other-model.cones".into(), error: "wrong model".into(), at: None, says: other.to_string() };
    vec![
        file("header-too-short", 10, "as 12 bytes", with(bytes.clone(), 10, &[12, 0])),
        file("header-too-long", 10, "as 65535 bytes", with(bytes.clone(), 10, &[0xff; 2])),
        file("header-cut-off", 100, "cut off", bytes[..100].to_vec()),
        file("header-damaged", 0, "header is damaged", damaged),
        file("header-with-a-byte-more", start(&bytes) - 8, "1 bytes too many", longer),
        file("unknown-precision", 12, "unknown precision 5", with(bytes.clone(), 12, &[5])),
        file("unknown-scope", 13, "unknown scope 2", with(bytes.clone(), 13, &[2])),
        (expected, foreign),
    ]
}

/// The pack's name is the first text, its author the fourth.
fn texts() -> Files {
    let bytes = plain();
    let text = |value: &[u8]| {
        let old = usize::from(bytes[packs::TEXTS]);
        let mut bytes = bytes.clone();
        bytes.splice(packs::TEXTS..=packs::TEXTS + old, [&[value.len() as u8], value].concat());
        let length = start(&plain()) as usize + value.len() - old;
        with(bytes, packs::HEADER_LENGTH, &(length as u16).to_le_bytes())
    };
    let author = written(|pack| pack.metadata.author = "A????Z".into());
    let place = author.windows(6).position(|window| window == b"A????Z").expect("is there");
    let beyond = [&[0; 7][..], &[1]].concat();
    vec![
        file("name-climbs", 114, "`name` must be", text(b"../../etc/passwd")),
        file("name-empty", 114, "`name` must be", text(b"")),
        file("name-too-long", 114, "`name` has 65 bytes", text(&[b'a'; 65])),
        file("name-not-utf8", 116, "`name` is not UTF-8", text(b"a\xff")),
        file("author-clears-the-screen", place as u64 - 1, "U+001B", with(author.clone(), place + 1, b"\x1b[2J")),
        file("author-turns-round", place as u64 - 1, "U+202E", with(author, place + 1, "\u{202e}x".as_bytes())),
        file("texts-overrun", 115, "needs", with(bytes.clone(), packs::TEXTS, &[126])),
        file("pack-version-0", 46, "`version` is 0", with(bytes.clone(), 46, &[0; 4])),
        file("created-after-9999", 46, "after the year 9999", with(bytes, 50, &beyond)),
    ]
}

fn parts() -> Files {
    let bytes = weighted(Precision::Float16, [0.5; 5]);
    let whole = packs::parts(&bytes).expect("whole");
    let damaged = |part: usize| {
        let mut bytes = bytes.clone();
        bytes[whole[part].start] ^= 0x40;
        bytes
    };
    let (layers, factors, end) = (whole[1].start as u64, whole[2].start as u64, bytes.len() as u64);
    let cut = bytes[..bytes.len() - 3].to_vec();
    let huge = with(bytes.clone(), packs::PARTS + 12, &u32::MAX.to_le_bytes());
    vec![
        file("layers-damaged", layers, "layers are damaged", damaged(1)),
        file("factors-damaged", factors, "factors are damaged", damaged(2)),
        file("cut-off", end - 3, "cut off", cut),
        file("layers-longer-than-the-file", end, "cut off", huge),
        file("trailing-bytes", end, "4 trailing bytes", [bytes.clone(), b"junk".to_vec()].concat()),
        file("one-factor-short", 90, "gives the factors 8 bytes", with_part(&bytes, 2, &[0; 8])),
        file("factors-for-a-binary-pack", 90, "gives the factors 8 bytes", with_part(&plain(), 2, &[0; 8])),
    ]
}

fn previews() -> Files {
    let png = include_bytes!("../../../tests/hostile/preview.png").to_vec();
    let bytes = written(|pack| pack.preview = Some(png.clone()));
    let at = start(&bytes);
    let mut wide = png;
    wide[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    let too_long = with(bytes.clone(), packs::PARTS, &65_537u32.to_le_bytes());
    vec![
        file("preview-is-a-script", at, "neither a PNG nor a WebP", with_part(&bytes, 0, b"<svg onload=alert(1)>")),
        file("preview-60000-wide", at, "60000 x 2 pixels", with_part(&bytes, 0, &wide)),
        file("preview-too-long", 66, "gives the preview 65537 bytes", too_long),
    ]
}

fn factors() -> Files {
    let half = |value: f32| f16::from_f32(value).to_le_bytes();
    let quaternary = weighted(Precision::Quaternary, [0.0, 0.5, 0.5, 0.75, 0.0]);
    let codes = &quaternary[quaternary.len() - 2..];
    let at = packs::parts(&quaternary).expect("whole")[2].start as u64;
    let book = |levels: [f32; 4], codes: &[u8]| {
        let part = [levels.map(half).concat().as_slice(), codes].concat();
        with_part(&quaternary, 2, &part)
    };
    let (halves, singles) = (weighted(Precision::Float16, [0.5; 5]), weighted(Precision::Float32, [0.5; 5]));
    let (last_half, last_single) = (halves.len() - 2, singles.len() - 4);
    vec![
        file("codebook-falls", at, "another codebook", book([0.5, 0.0, 0.75, 0.75], codes)),
        file("codebook-level-twice", at, "another codebook", book([0.0, 0.5, 0.5, 0.75], codes)),
        file("codebook-level-unused", at, "another codebook", book([0.0, 0.5, 0.75, 0.8], codes)),
        file("codebook-filled-up-otherwise", at, "another codebook", book([0.0, 0.5, 0.75, 0.0], codes)),
        file("codebook-not-a-number", at + 6, "hold the value NaN", book([0.0, 0.5, 0.75, f32::NAN], codes)),
        file(
            "codes-behind-the-last",
            at + 9,
            "bits set behind",
            book([0.0, 0.5, 0.75, 0.75], &[codes[0], codes[1] | 0x10]),
        ),
        file(
            "factor-infinite",
            last_half as u64,
            "hold the value inf",
            with(halves.clone(), last_half, &half(f32::INFINITY)),
        ),
        file("factor-minus-zero", last_half as u64, "hold the value -0", with(halves, last_half, &half(-0.0))),
        file(
            "factor-not-a-number",
            last_single as u64,
            "hold the value NaN",
            with(singles, last_single, &f32::NAN.to_le_bytes()),
        ),
    ]
}

fn embeddings() -> Files {
    let values = [0.25; 6].map(f16::from_f32);
    let bytes =
        written(|pack| pack.embeddings = Some(TokenEmbeddings { width: 3, values: values.to_vec(), in_place: false }));
    let at = packs::parts(&bytes).expect("whole")[3].start;
    let (first, last) = (at as u64, bytes.len() - 2);
    vec![
        file("embeddings-of-width-0", first, "are 0 wide", with(bytes.clone(), at, &[0; 4])),
        file("embeddings-4-billion-wide", first, "are 4294967295 wide", with(bytes.clone(), at, &[0xff; 4])),
        file("embeddings-not-whole-tokens", first + 4, "tokens of 4", with(bytes.clone(), at, &[4, 0, 0, 0])),
        file("embeddings-without-values", first + 4, "0 bytes of values", with_part(&bytes, 3, &[3, 0, 0, 0])),
        file("embeddings-cut", first, "needs 4 bytes", with_part(&bytes, 3, &[3, 0])),
        file("embedding-not-a-number", last as u64, "hold the value NaN", with(bytes.clone(), last, &[0xff, 0x7f])),
        file(
            "embeddings-too-long",
            102,
            "gives the embeddings 630789 bytes",
            with(bytes, packs::PARTS + 36, &630_789u32.to_le_bytes()),
        ),
    ]
}

fn in_place() -> Files {
    let of = |in_place| {
        written(|pack| {
            let values = [0.25; 6].map(f16::from_f32).to_vec();
            pack.embeddings = Some(TokenEmbeddings { width: 3, values, in_place });
        })
    };
    let (bytes, older) = (of(true), of(false));
    let at = packs::parts(&bytes).expect("whole")[3].start;
    let first = at as u64;
    let most = [&[1, 0, 1, 0][..], &[0, 0x38].repeat(76)].concat();
    vec![
        file("in-place-in-version-1", first, "are 65539 wide", with(bytes.clone(), 8, &[1, 0])),
        file("version-2-without-need", first, "unknown kind 0", with(older, 8, &[2, 0])),
        file("version-2-without-embeddings", first, "are not there", with_part(&bytes, 3, &[])),
        file("in-place-of-another-kind", first, "unknown kind 2", with(bytes.clone(), at + 2, &[2])),
        file("in-place-76-tokens", first + 4, "1 to 75 tokens", with_part(&bytes, 3, &most)),
    ]
}

/// Ranks 2 and 0, so the part is 2 + 4 + 2 · 2 · (10 + 12) + 2 bytes.
fn low_rank() -> Files {
    let manifest = manifest();
    let bytes = packs::low_rank_pack(&manifest, &[2, 0], 3).encode().unwrap_or_else(|error| panic!("{error}"));
    let at = packs::parts(&bytes).expect("whole")[2].start;
    let (first, whole) = (at as u64, &bytes[at..at + 96]);
    vec![
        file("low-rank-of-11", first, "12 x 10 rank 11", with(bytes.clone(), at, &[11, 0])),
        file("low-rank-of-65535", first, "12 x 10 rank 65535", with(bytes.clone(), at, &[0xff, 0xff])),
        file("low-rank-cut", first + 46, "needs 48 bytes", with_part(&bytes, 2, &whole[..90])),
        file("low-rank-too-long", first + 96, "2 bytes too many", with_part(&bytes, 2, &[whole, &[0, 0]].concat())),
        file("low-rank-of-no-layer", first + 4, "change no layer", with_part(&bytes, 2, &[0; 4])),
        file(
            "low-rank-scale-not-a-number",
            first + 2,
            "hold the value NaN",
            with(bytes.clone(), at + 2, &f32::NAN.to_le_bytes()),
        ),
        file("low-rank-value-infinite", first + 6, "hold the value inf", with(bytes.clone(), at + 6, &[0, 0x7c])),
        file("low-rank-value-minus-zero", first + 8, "hold the value -0", with(bytes.clone(), at + 8, &[0, 0x80])),
        file("low-rank-of-a-trigger", 13, "change all words", with(bytes.clone(), 13, &[1])),
        file("low-rank-with-neurons", 58, "5 neurons", with(bytes, 58, &[5])),
    ]
}
