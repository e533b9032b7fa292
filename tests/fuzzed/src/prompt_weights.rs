//! Any text as a prompt with weights: refused, or words of it in their order, none weighing more than 1000.

use cones_core::text::emphasis::{self, Part};

/// Words lie in the prompt, one behind the other.
pub fn feed(data: &[u8]) {
    let prompt = String::from_utf8_lossy(data);
    let mut end = 0;
    for part in emphasis::parse(&prompt).unwrap_or_default() {
        let Part::Words(words) = part else { continue };
        assert!(words.weight.abs() <= 1000.0);
        assert_eq!(words.text(&prompt).len(), words.places().len());
        for piece in words.pieces {
            assert!(piece.start >= end && prompt.get(piece.clone()).is_some());
            end = piece.end;
        }
    }
}
