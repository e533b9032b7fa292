//! What a shared library asks of the system that loads it: the tables that Android's loader reads of a 64-bit ELF file.

use std::collections::BTreeSet;

/// The tables of one library.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Library {
    /// Names it asks other libraries for, without those that may be missing (weak ones).
    pub(crate) asked: BTreeSet<String>,
    /// Names others may ask it for.
    pub(crate) offered: BTreeSet<String>,
    /// The libraries that are loaded with it.
    pub(crate) needed: Vec<String>,
    /// The smallest alignment of a part that is mapped: memory pages may be as large as this.
    pub(crate) page: u64,
}

const LOAD: u32 = 1;
const DYNAMIC: u32 = 6;
const DYNAMIC_SYMBOLS: u32 = 11;
const NEEDED: u64 = 1;
const WEAK: u8 = 2;
const SECTION: usize = 64;
const SYMBOL: usize = 24;

impl Library {
    /// Reads the tables; none where this is no such file or it is cut short.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        // 64 bits, little-endian.
        if file.get(..6)? != b"\x7fELF\x02\x01" {
            return None;
        }
        let mut library = Self { page: smallest_page(file)?, ..Self::default() };
        let sections = table(file, number(file, 40, 8)?, number(file, 60, 2)?, SECTION)?;
        for section in sections.chunks_exact(SECTION) {
            let kind = number(section, 4, 4)? as u32;
            let words = sections.get(number(section, 40, 4)? as usize * SECTION..)?;
            match kind {
                DYNAMIC_SYMBOLS => library.take_symbols(part(file, section)?, part(file, words)?)?,
                DYNAMIC => library.take_needed(part(file, section)?, part(file, words)?)?,
                _ => {}
            }
        }
        Some(library)
    }

    fn take_symbols(&mut self, symbols: &[u8], words: &[u8]) -> Option<()> {
        // The first is none.
        for symbol in symbols.chunks_exact(SYMBOL).skip(1) {
            let name = word(words, number(symbol, 0, 4)?)?;
            let defined = number(symbol, 6, 2)? != 0;
            if defined {
                self.offered.insert(name);
            } else if symbol[4] >> 4 != WEAK {
                self.asked.insert(name);
            }
        }
        Some(())
    }

    fn take_needed(&mut self, entries: &[u8], words: &[u8]) -> Option<()> {
        for entry in entries.chunks_exact(16) {
            if number(entry, 0, 8)? == NEEDED {
                self.needed.push(word(words, number(entry, 8, 8)?)?);
            }
        }
        Some(())
    }
}

fn smallest_page(file: &[u8]) -> Option<u64> {
    const HEADER: usize = 56;
    let headers = table(file, number(file, 32, 8)?, number(file, 56, 2)?, HEADER)?;
    let loaded = headers.chunks_exact(HEADER).filter(|header| number(header, 0, 4) == Some(u64::from(LOAD)));
    loaded.filter_map(|header| number(header, 48, 8)).min()
}

fn table(file: &[u8], start: u64, count: u64, size: usize) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    file.get(start..start.checked_add(count as usize * size)?)
}

/// What a section holds.
fn part<'f>(file: &'f [u8], section: &[u8]) -> Option<&'f [u8]> {
    table(file, number(section, 24, 8)?, number(section, 32, 8)?, 1)
}

fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + size)?;
    Some(bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

fn word(words: &[u8], at: u64) -> Option<String> {
    let rest = words.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(file: &mut Vec<u8>, at: usize, size: usize, value: u64) {
        file.resize(file.len().max(at + size), 0);
        file[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    /// A library with one mapped part, that needs `libc.so`, asks for `open`, may do without `new`, and offers `draw`.
    fn library() -> Vec<u8> {
        const WORDS: &[u8] = b"\0libc.so\0open\0new\0draw\0";
        let mut file = b"\x7fELF\x02\x01".to_vec();
        let f = &mut file;
        for (at, size, value) in [(32, 8, 64), (40, 8, 512), (56, 2, 1), (60, 2, 3), (64, 4, 1), (64 + 48, 8, 0x4000)] {
            put(f, at, size, value);
        }
        // Symbols at 128, what is needed at 256, words at 320; then their sections at 512.
        for (i, (name, binding, defined)) in [(9, 1, 0), (14, 2, 0), (18, 1, 5)].into_iter().enumerate() {
            let at = 128 + (i + 1) * SYMBOL;
            put(f, at, 4, name);
            put(f, at + 4, 1, binding << 4);
            put(f, at + 6, 2, defined);
        }
        put(f, 256, 8, NEEDED);
        put(f, 264, 8, 1);
        f.resize(512, 0);
        f[320..320 + WORDS.len()].copy_from_slice(WORDS);
        for (i, (kind, start, size)) in
            [(11, 128, 4 * 24), (6, 256, 16), (3, 320, WORDS.len() as u64)].into_iter().enumerate()
        {
            let at = 512 + i * SECTION;
            put(f, at + 4, 4, kind);
            put(f, at + 24, 8, start);
            put(f, at + 32, 8, size);
            put(f, at + 40, 4, 2);
            put(f, at + 60, 4, 0);
        }
        file
    }

    #[test]
    fn what_a_library_asks_for_is_read() {
        let read = Library::read(&library()).unwrap();
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        assert_eq!((read.asked, read.offered), (set("open"), set("draw")));
        assert_eq!((read.needed, read.page), (vec!["libc.so".to_owned()], 0x4000));
    }

    #[test]
    fn what_is_cut_short_is_no_library() {
        let whole = library();
        for length in 0..whole.len() {
            assert_eq!(Library::read(&whole[..length]), None, "{length}");
        }
    }
}
