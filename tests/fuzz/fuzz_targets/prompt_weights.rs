//! Any text as a prompt with weights: refused, or words of it in their order, none weighing more than 1000.
#![no_main]

use cones_core::text::emphasis::{self, Part};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|prompt: &str| {
    let Ok(parts) = emphasis::parse(prompt) else { return };
    let mut end = 0;
    for part in parts {
        let Part::Words(words) = part else { continue };
        assert!(words.weight.abs() <= 1000.0);
        let text = words.text(prompt);
        assert_eq!(text.len(), words.places().len());
        for piece in &words.pieces {
            assert!(piece.start >= end && prompt.is_char_boundary(piece.start) && prompt.is_char_boundary(piece.end));
            end = piece.end;
        }
    }
});
