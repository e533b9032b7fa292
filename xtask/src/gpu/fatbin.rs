//! A CUDA library without the machine code of other GPUs: a third of the bytes travel.
//!
//! A library holds each kernel once for every kind of GPU, in `.nv_fatbin`, as containers of entries. The driver takes the entry for
//! its own kind and passes over the others, so their bytes may be anything: they are set to zero, which compresses to nothing, and
//! everything stays where it was.

use crate::failure::{Failure, Result};

/// First bytes of a container: magic, version, size of its head, size of what follows.
const MAGIC: u32 = 0xba55_ed50;

/// Sets to zero, in the library `bytes`, the code for every architecture but `keep` (90 for Hopper); gives how many bytes that was.
pub(crate) fn prune(bytes: &mut [u8], keep: u32) -> Result<usize> {
    let section = section(bytes, ".nv_fatbin").ok_or_else(|| broken("it has no section .nv_fatbin"))?;
    let (mut at, mut zeroed, mut kept) = (section.start, 0, 0);
    while at + 16 <= section.end {
        if read(bytes, at, 4) != Some(u64::from(MAGIC)) {
            // Containers are aligned to eight bytes.
            at += 8;
            continue;
        }
        let (head, size) = (number(bytes, at + 6, 2)?, number(bytes, at + 8, 8)?);
        let mut entry = at + head;
        let end = entry.checked_add(size).filter(|end| *end <= section.end);
        at = end.ok_or_else(|| broken("a container is longer than its section"))?;
        while entry < at {
            let (head, size) = (number(bytes, entry + 4, 4)?, number(bytes, entry + 8, 8)?);
            let architecture = number(bytes, entry + 28, 4)?;
            let code = entry.checked_add(head).and_then(|start| Some(start..start.checked_add(size)?));
            let code = code.filter(|code| code.end <= at && head > 0);
            let code = code.ok_or_else(|| broken("an entry is longer than its container"))?;
            entry = code.end;
            if architecture == keep as usize {
                kept += 1;
            } else {
                zeroed += size;
                bytes[code].fill(0);
            }
        }
    }
    if kept == 0 {
        return Err(broken(&format!("it has no code for architecture {keep}")));
    }
    Ok(zeroed)
}

/// Where a section of an ELF file of 64 bits lies.
fn section(bytes: &[u8], name: &str) -> Option<std::ops::Range<usize>> {
    bytes.starts_with(b"\x7fELF\x02\x01").then_some(())?;
    let at = |offset: usize, len| read(bytes, offset, len).and_then(|n| usize::try_from(n).ok());
    let (table, size, count, names) = (at(0x28, 8)?, at(0x3a, 2)?, at(0x3c, 2)?, at(0x3e, 2)?);
    let names = at(table.checked_add(names * size)?.checked_add(24)?, 8)?;
    (0..count).find_map(|index| {
        let head = table.checked_add(index * size)?;
        let start = names.checked_add(at(head, 4)?)?;
        let found = bytes.get(start..)?.split(|byte| *byte == 0).next()?;
        let (offset, size) = (at(head.checked_add(24)?, 8)?, at(head.checked_add(32)?, 8)?);
        let range = offset..offset.checked_add(size)?;
        (found == name.as_bytes() && range.end <= bytes.len()).then_some(range)
    })
}

fn number(bytes: &[u8], at: usize, len: usize) -> Result<usize> {
    read(bytes, at, len).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| broken("it is cut off"))
}

/// A little-endian number.
fn read(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(len)?)?;
    Some(part.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}

fn broken(what: &str) -> Failure {
    Failure::new(
        format!("the CUDA library is not as expected: {what}"),
        "Another version may be laid out differently: mend xtask/src/gpu/fatbin.rs, or send the library whole.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: usize = 64;

    fn entry(architecture: u32, code: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        bytes[0] = 2;
        bytes[4..8].copy_from_slice(&(HEAD as u32).to_le_bytes());
        bytes[8..16].copy_from_slice(&(code.len() as u64).to_le_bytes());
        bytes[28..32].copy_from_slice(&architecture.to_le_bytes());
        bytes.extend_from_slice(code);
        bytes
    }

    fn container(entries: &[Vec<u8>]) -> Vec<u8> {
        let all = entries.concat();
        let mut bytes = MAGIC.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[1, 0, 16, 0]);
        bytes.extend_from_slice(&(all.len() as u64).to_le_bytes());
        bytes.extend(all);
        bytes
    }

    /// An ELF file with nothing but a table of names and the section.
    fn library(section: &[u8]) -> Vec<u8> {
        let names = b"\0.shstrtab\0.nv_fatbin\0\0\0\0";
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(64, 0);
        let names_at = bytes.len();
        bytes.extend_from_slice(names);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let section_at = bytes.len();
        bytes.extend_from_slice(section);
        let table = bytes.len();
        for (name, at, size) in [(1_u32, names_at, names.len()), (11, section_at, section.len())] {
            let mut head = vec![0; 64];
            head[..4].copy_from_slice(&name.to_le_bytes());
            head[24..32].copy_from_slice(&(at as u64).to_le_bytes());
            head[32..40].copy_from_slice(&(size as u64).to_le_bytes());
            bytes.extend(head);
        }
        bytes[0x28..0x30].copy_from_slice(&(table as u64).to_le_bytes());
        bytes[0x3a..0x40].copy_from_slice(&[64, 0, 2, 0, 0, 0]);
        bytes
    }

    #[test]
    fn only_other_architectures_become_zero() {
        let first = container(&[entry(80, b"eighty--"), entry(90, b"ninety--"), entry(120, b"later---")]);
        let section = [first, vec![0; 8], container(&[entry(90, b"more----"), entry(75, b"old-----")])].concat();
        let before = library(&section);
        let mut bytes = before.clone();
        assert_eq!(prune(&mut bytes, 90).unwrap(), 24);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains("ninety--") && text.contains("more----"));
        for gone in ["eighty--", "later---", "old-----"] {
            assert!(!text.contains(gone), "{gone}");
        }
        let changed = before.iter().zip(&bytes).filter(|(one, other)| one != other).count();
        assert_eq!((changed, bytes.len()), (24, before.len()));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let refused = |bytes: &[u8]| prune(&mut bytes.to_vec(), 90).unwrap_err().to_string();
        assert!(refused(b"").contains(".nv_fatbin") && refused(b"#!/bin/sh").contains(".nv_fatbin"));
        assert!(refused(&library(&container(&[entry(80, b"eighty--")]))).contains("no code for architecture 90"));
        let mut long = container(&[entry(90, b"ninety--")]);
        long[8] += 8;
        assert!(refused(&library(&long)).contains("longer than its section"));
        let mut long = container(&[entry(90, b"ninety--")]);
        long[16 + 8] += 8;
        assert!(refused(&library(&long)).contains("longer than its container"));
        // Every cut and every odd byte of a head ends in a value, never in a panic.
        let whole = library(&container(&[entry(90, b"ninety--"), entry(80, b"eighty--")]));
        for at in 0..whole.len() {
            let _ = prune(&mut whole[..at].to_vec(), 90);
            let mut odd = whole.clone();
            odd[at] = 0xff;
            let _ = prune(&mut odd, 90);
        }
    }
}
