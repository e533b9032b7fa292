//! Any file as a picture: of a subject, to begin with, or a mask.

use cones_core::Picture;

use crate::scratch;

/// Larger claims are refused by the decoder's own limits; what is decoded is whole.
pub fn feed(data: &[u8]) {
    let file = scratch::file("picture", data);
    for picture in [Picture::open(&file), Picture::open_mask_image(&file)].into_iter().flatten() {
        let (width, height) = (picture.width as usize, picture.height as usize);
        assert!(width > 0 && height > 0 && width * height <= 32_000_000);
        assert_eq!(picture.rgb.len(), width * height * 3);
    }
}
