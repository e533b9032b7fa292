//! What a WebP file says of its own length. The decoder takes memory for a chunk before it reads it, so a few bytes could ask for 4 GB.

use std::io::{Read, Seek, SeekFrom};

/// Refuses a file in which a chunk is said to go on behind the file's end. The file is left at its beginning.
///
/// # Errors
/// The chunk at fault, or why the file cannot be read.
pub(super) fn check(mut file: impl Read + Seek) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    let end = file.seek(SeekFrom::End(0)).map_err(said)?;
    // Behind `RIFF`, a length that other programs get wrong, and `WEBP`.
    let mut at = 12;
    while at + 8 <= end {
        let mut head = [0; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut head)).map_err(said)?;
        let [a, b, c, d, length @ ..] = head;
        let length = u64::from(u32::from_le_bytes(length));
        at += 8;
        if at + length > end {
            let name: String = [a, b, c, d].iter().flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
            return Err(format!("its part `{name}` is cut off: {length} bytes long, and {} are there", end - at));
        }
        at += length + length % 2;
    }
    file.rewind().map_err(said)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn webp(chunks: &[(&[u8; 4], u32, &[u8])]) -> Vec<u8> {
        let mut bytes = b"RIFF\xff\xff\0\0WEBP".to_vec();
        for (name, length, data) in chunks {
            bytes.extend_from_slice(*name);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(data);
        }
        bytes
    }

    #[test]
    fn a_chunk_that_is_not_there_is_named() {
        let whole = webp(&[(b"VP8X", 3, &[0; 4]), (b"EXIF", 2, &[0; 2])]);
        assert_eq!(check(Cursor::new(&whole)), Ok(()));
        // Padding that is left out at the very end.
        assert_eq!(check(Cursor::new(webp(&[(b"EXIF", 3, &[0; 3])]))), Ok(()));
        let huge = webp(&[(b"VP8X", 10, &[0; 10]), (b"EX\0F", u32::MAX - 1, &[0; 6])]);
        let said = check(Cursor::new(&huge)).expect_err("4 GB");
        assert_eq!(said, "its part `EX\\x00F` is cut off: 4294967294 bytes long, and 6 are there");
        for length in 0..whole.len() {
            let _ = check(Cursor::new(&whole[..length]));
        }
    }

    #[test]
    fn what_was_written_is_whole() {
        let picture = crate::Picture { width: 3, height: 2, rgb: vec![9; 18] };
        let bytes = crate::picture::writing::encode(&picture, None, crate::picture::format::PictureFormat::WebP);
        assert_eq!(check(Cursor::new(bytes.expect("a file"))), Ok(()));
    }
}
