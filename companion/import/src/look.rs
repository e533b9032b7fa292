//! Telling what a file or folder is by what is in it.

mod folder;
mod pickle;
mod tensors;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::kind::Kind;

impl Kind {
    /// Looks at a file or folder. What cannot be read is [`Kind::Unknown`]: whoever opens it next says why.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        if path.is_dir() { folder::kind(path) } else { file(path).unwrap_or(Self::Unknown) }
    }
}

/// How much of a file is looked at where its beginning does not decide.
const LOOKED_AT: u64 = 4 << 20;

/// What files begin with.
const BEGINNINGS: [(&[u8], Kind); 9] = [
    (b"\x89CONES\r\n", Kind::Pack),
    (b"\x89PNG", Kind::Picture),
    (b"\xff\xd8\xff", Kind::Picture),
    (b"GIF8", Kind::Picture),
    (b"GGUF", Kind::Gguf),
    (b"version https://git-lfs", Kind::LfsPointer),
    (b"<!DOCTYPE", Kind::WebPage),
    (b"<!doctype", Kind::WebPage),
    (b"<html", Kind::WebPage),
];

fn file(path: &Path) -> std::io::Result<Kind> {
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    (&mut file).take(64).read_to_end(&mut start)?;
    if start.is_empty() {
        return Ok(Kind::Empty);
    }
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| start.starts_with(beginning)) {
        return Ok(*kind);
    }
    if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP") {
        return Ok(Kind::Picture);
    }
    if pickle::begins(&start) {
        file.take(LOOKED_AT).read_to_end(&mut start)?;
        return Ok(pickle::kind(&start));
    }
    let has_ending = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    if has_ending("onnx") || is_graph(&start) {
        return Ok(Kind::OnnxGraph);
    }
    if has_ending("safetensors") || start.get(8) == Some(&b'{') {
        return Ok(tensors::kind(path));
    }
    let text = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(if text.is_some_and(|byte| b"{[".contains(byte)) { Kind::Json } else { Kind::Unknown })
}

/// ONNX begins with the version of its format, and what wrote it.
fn is_graph(start: &[u8]) -> bool {
    matches!(start, [0x08, 1..=20, 0x12, ..])
}
