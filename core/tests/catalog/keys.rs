//! Public keys as people copy them.

use cones_core::PublicKey;
use cones_tests::publisher::Publisher;
use proptest::prelude::*;

use crate::reason;

#[test]
fn the_file_and_its_line_alone_are_the_same_key() {
    let file = Publisher::new().key_file();
    let line = file.lines().nth(1).expect("two lines");
    let key = PublicKey::parse(&file).expect("a key");
    for text in [line.to_owned(), format!("  {line}\r\n"), file.replace('\n', "\r\n"), format!("\n{file}\n\n")] {
        assert_eq!(PublicKey::parse(&text).expect("a key"), key, "{text:?}");
    }
    assert_eq!(key.base64(), line);
}

#[test]
fn a_key_made_by_minisign_itself_is_read() {
    // From minisign's own documentation.
    let line = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{line}\n");
    assert_eq!(PublicKey::parse(&file).expect("a key").base64(), line);
}

#[test]
fn nothing_else_is_a_key() {
    let file = Publisher::new().key_file();
    let line = file.lines().nth(1).expect("two lines");
    let others = [
        String::new(),
        " \n\t\n".into(),
        "RWQ".into(),
        line[..55].into(),
        format!("{line}A"),
        format!("{line}\n{line}"),
        format!("a comment\n{line}"),
        format!("{file}{line}"),
        "untrusted comment: alone".into(),
        line.replace(&line[..2], "AA"),
        "R".repeat(1 << 20),
        "RWQ\0".into(),
    ];
    for text in others {
        let shown: String = text.chars().take(80).collect();
        assert!(reason(PublicKey::parse(&text)).starts_with("it is"), "{shown:?}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_key_or_an_error(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = PublicKey::parse(&text);
        let _ = PublicKey::parse(&String::from_utf8_lossy(&bytes));
    }
}
