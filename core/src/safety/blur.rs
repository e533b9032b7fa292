//! Pictures beyond recognition.

use crate::error::Result;
use crate::picture::{Picture, SOFT};

/// Pixels of the longer side that are left of a picture: colours and where they are, and nothing that they show.
const LEFT: u32 = 8;

/// The picture without anything to recognise: scaled down to a few pixels and up again, softly. Nothing brings the rest back.
pub(crate) fn blurred(picture: &Picture) -> Result<Picture> {
    let longer = picture.width.max(picture.height).max(1);
    let few = |side: u32| (side * LEFT).div_ceil(longer).max(1);
    let small = picture.scaled(few(picture.width), few(picture.height), SOFT)?;
    small.scaled(picture.width, picture.height, SOFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fine_structure_is_gone_and_the_colour_stays() {
        // Stripes of one pixel: grey from afar.
        let rgb: Vec<u8> = (0..64 * 32).flat_map(|i| [if i % 2 == 0 { 0 } else { 255 }; 3]).collect();
        let picture = Picture { width: 64, height: 32, rgb };
        let blurred = blurred(&picture).expect("a picture");
        assert_eq!((blurred.width, blurred.height), (64, 32));
        assert!(blurred.rgb.iter().all(|byte| (120..=135).contains(byte)), "{:?}", &blurred.rgb[..9]);
        for (width, height) in [(1, 1), (8192, 1), (3, 500)] {
            let picture = Picture { width, height, rgb: vec![9; 3 * (width * height) as usize] };
            assert_eq!(super::blurred(&picture).expect("a picture"), picture);
        }
    }
}
