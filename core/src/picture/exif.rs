//! The two texts of a recipe inside an EXIF block, for formats that have no chunks of text.
//!
//! `UserComment` holds what people and other tools read, in UTF-16 as AUTOMATIC1111's web UI writes it; `MakerNote`, whose content is
//! the maker's own affair, the same as JSON.

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Field, In, Reader, Tag, Value};

/// What stands before a comment in UTF-16.
const UNICODE: &[u8] = b"UNICODE\0";
/// What stands before a comment in ASCII.
const ASCII: &[u8] = b"ASCII\0\0\0";
/// What stands before our note.
const OURS: &[u8] = b"cones\0";

/// An EXIF block (from its byte order on) with both texts, and with the program's name.
pub(super) fn block(readable: &str, exact: &str, software: &str) -> Result<Vec<u8>, exif::Error> {
    let comment: Vec<u8> = UNICODE.iter().copied().chain(readable.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let note = [OURS, exact.as_bytes()].concat();
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let fields = [
        field(Tag::Software, Value::Ascii(vec![software.bytes().filter(u8::is_ascii).collect()])),
        field(Tag::UserComment, Value::Undefined(comment, 0)),
        field(Tag::MakerNote, Value::Undefined(note, 0)),
    ];
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut bytes = Cursor::new(Vec::new());
    // Big endian, as is the comment.
    writer.write(&mut bytes, false)?;
    Ok(bytes.into_inner())
}

/// The readable and the exact text of a block, where it has them. What is damaged has none.
pub(super) fn texts(block: Vec<u8>) -> (Option<String>, Option<String>) {
    let Ok(exif) = Reader::new().read_raw(block) else { return (None, None) };
    let bytes = |tag| match exif.get_field(tag, In::PRIMARY).map(|field| &field.value) {
        // The standard says undefined; Pillow writes plain bytes.
        Some(Value::Undefined(bytes, _) | Value::Byte(bytes)) => Some(bytes.as_slice()),
        _ => None,
    };
    let readable = bytes(Tag::UserComment).and_then(|comment| comment_text(comment, exif.little_endian()));
    let exact = bytes(Tag::MakerNote).and_then(|note| note.strip_prefix(OURS));
    (readable, exact.and_then(|json| String::from_utf8(json.to_vec()).ok()))
}

/// A comment's text. UTF-16 is in the block's byte order; by others, piexif among them, always in big endian: whichever
/// gives more letters of ASCII is meant.
fn comment_text(comment: &[u8], little_endian: bool) -> Option<String> {
    if let Some(text) = comment.strip_prefix(ASCII) {
        return String::from_utf8(text.to_vec()).ok();
    }
    let text = comment.strip_prefix(UNICODE)?;
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        text.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(from).collect()
    };
    let (little, big) = (units(u16::from_le_bytes), units(u16::from_be_bytes));
    let plain = |units: &[u16]| units.iter().filter(|unit| **unit < 0x80).count();
    let little_is_meant = match plain(&little).cmp(&plain(&big)) {
        std::cmp::Ordering::Equal => little_endian,
        most => most.is_gt(),
    };
    String::from_utf16(if little_is_meant { &little } else { &big }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_come_back() {
        for readable in ["a dog, \"groß\" 🐶\nSteps: 3", ""] {
            let block = block(readable, "{\"a\": \"ü\"}", "cones 0").expect("a block");
            assert_eq!(texts(block), (Some(readable.into()), Some("{\"a\": \"ü\"}".into())));
        }
    }

    #[test]
    fn comments_of_others_are_read_in_either_byte_order() {
        let with = |comment: Vec<u8>, little: bool| {
            let field = Field { tag: Tag::UserComment, ifd_num: In::PRIMARY, value: Value::Undefined(comment, 0) };
            let mut writer = Writer::new();
            writer.push_field(&field);
            let mut bytes = Cursor::new(Vec::new());
            writer.write(&mut bytes, little).expect("a block");
            texts(bytes.into_inner()).0
        };
        let utf16 = |of: fn(u16) -> [u8; 2]| [UNICODE.to_vec(), "a cat".encode_utf16().flat_map(of).collect()].concat();
        for little in [true, false] {
            assert_eq!(with(utf16(u16::to_be_bytes), little).as_deref(), Some("a cat"));
            assert_eq!(with(utf16(u16::to_le_bytes), little).as_deref(), Some("a cat"));
            assert_eq!(with([ASCII, b"a cat"].concat(), little).as_deref(), Some("a cat"));
        }
        assert_eq!(with(b"JIS\0\0\0\0\0abc".to_vec(), true), None);
    }

    proptest::proptest! {
        #[test]
        fn damaged_blocks_give_nothing_and_do_not_panic(place in 0usize..200, value: u8, cut in 0usize..400) {
            let mut block = block("a dog", "{}", "cones 0").expect("a block");
            if let Some(byte) = block.get_mut(place) {
                *byte = value;
            }
            block.truncate(cut);
            let _ = texts(block);
        }

        #[test]
        fn arbitrary_blocks_do_not_panic(bytes: Vec<u8>) {
            let _ = texts([b"MM\0\x2a\0\0\0\x08", &bytes[..]].concat());
        }
    }
}
