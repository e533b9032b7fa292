//! Any file as a picture with a recipe in it, and any text as the recipe in a PNG.

use cones_core::picture::foreign::ForeignRecipe;
use cones_core::picture::recipe::Recipe;

use crate::scratch;

/// A recipe that was read can be written, and says the same when it is read again.
pub fn feed(data: &[u8]) {
    for file in [scratch::file("recipe", data), scratch::file("recipe.png", &png(data))] {
        if let Ok(recipe) = Recipe::read(&file) {
            let json = serde_json::to_string(&recipe).expect("is said as JSON");
            let again: Recipe = serde_json::from_str(&json).expect("was written so");
            assert_eq!(serde_json::to_string(&again).expect("is said as JSON"), json);
            assert!(recipe.parameters().len() >= recipe.typed_prompt().len());
        }
        let _ = ForeignRecipe::read(&file);
    }
}

/// A PNG of one pixel with this text in the place of our recipe.
fn png(text: &[u8]) -> Vec<u8> {
    const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde";
    const PIXEL: &[u8] = b"\0\0\0\x0cIDATx\xdac\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";
    let chunk = [b"iTXtcones\0\0\0\0\0", text].concat();
    let length = u32::try_from(chunk.len() - 4).unwrap_or(u32::MAX).to_be_bytes();
    [HEAD, &length, &chunk, &crc(&chunk).to_be_bytes(), PIXEL].concat()
}

/// PNG's checksum: CRC-32, bit by bit, for the texts are short.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_found_in_the_png() {
        let said = Recipe::read(&scratch::file("a.png", &png(b"{}"))).expect_err("no recipe").to_string();
        assert!(said.contains("its recipe is damaged"), "{said}");
    }
}
