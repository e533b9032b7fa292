//! The preview picture: its kind and size are checked, it is not decoded.

/// The most bytes of a preview.
pub(super) const LIMIT: usize = 64 * 1024;
/// The most pixels along a side, so that a small file does not unpack into a huge picture.
pub(super) const SIDE: u32 = 1024;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// What is wrong with the picture, if anything.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() || bytes.len() > LIMIT {
        return Err(format!("has {} bytes; it may have 1 to {LIMIT}", bytes.len()));
    }
    let (width, height) = size(bytes).ok_or("is neither a PNG nor a WebP")?;
    if (1..=SIDE).contains(&width) && (1..=SIDE).contains(&height) {
        Ok(())
    } else {
        Err(format!("has {width} x {height} pixels; each side may have 1 to {SIDE}"))
    }
}

/// Width and height as the picture's own header gives them.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.starts_with(PNG) {
        return Some((big(bytes.get(16..20)?), big(bytes.get(20..24)?)));
    }
    // RIFF, length, WEBP, then the first chunk: name, length, contents.
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WEBP" {
        return None;
    }
    let chunk = bytes.get(20..)?;
    match bytes.get(12..16)? {
        b"VP8X" => Some((1 + little(chunk.get(4..7)?), 1 + little(chunk.get(7..10)?))),
        b"VP8L" => {
            let sizes = little(chunk.get(1..5)?);
            (chunk.first() == Some(&0x2f)).then_some((1 + (sizes & 0x3fff), 1 + (sizes >> 14 & 0x3fff)))
        }
        b"VP8 " => {
            let side = |range| chunk.get(range).map(|side| little(side) & 0x3fff);
            (chunk.get(3..6)? == [0x9d, 0x01, 0x2a]).then_some((side(6..8)?, side(8..10)?))
        }
        _ => None,
    }
}

fn big(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat};
    use std::io::Cursor;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, format).expect("can be encoded");
        bytes.into_inner()
    }

    #[test]
    fn pictures_of_both_kinds_pass_up_to_their_limit() {
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            assert_eq!(check(&picture(64, 48, format)), Ok(()));
            assert_eq!(size(&picture(64, 48, format)), Some((64, 48)));
            assert_eq!(check(&picture(1024, 1, format)), Ok(()));
            assert!(check(&picture(1025, 1, format)).is_err_and(|e| e.contains("1025 x 1")));
        }
    }

    #[test]
    fn sizes_of_lossy_and_extended_webp_are_found() {
        let lossy = b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0\0\0\0\x9d\x01\x2a\x20\0\x10\0";
        assert_eq!(size(lossy), Some((32, 16)));
        let extended = b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x1f\0\0\x0f\0\0";
        assert_eq!(size(extended), Some((32, 16)));
    }

    #[test]
    fn nothing_else_passes() {
        let png = picture(8, 8, ImageFormat::Png);
        for end in 0..24 {
            assert!(check(&png[..end]).is_err(), "{end}");
        }
        assert!(check(b"GIF89a").is_err());
        assert!(check(b"RIFF\0\0\0\0WAVEfmt ").is_err());
        assert!(check(&[png, vec![0; LIMIT]].concat()).is_err_and(|e| e.contains("65536")));
    }
}
