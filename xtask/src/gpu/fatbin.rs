//! A CUDA library without the machine code of other GPUs: a third of the bytes travel.
//!
//! A library holds each kernel once for every kind of GPU, in `.nv_fatbin`, as containers of entries. In each container the entries to
//! keep move to its start, its size is written anew, and zeros fill the rest, which compress to nothing: so every container stays
//! where the library points to, and is well formed. `cuobjdump --list-elf` lists the kept entries and no others.

use std::ops::Range;

use crate::failure::{Failure, Result};

/// First bytes of a container: magic, version, size of its head, size of what follows.
const MAGIC: u32 = 0xba55_ed50;

/// Takes out of the library `bytes` the code for every architecture but `keep` (90 for Hopper); gives how many bytes that was. A
/// container without code for `keep` stays whole: an empty one is more than a driver may expect.
pub(crate) fn prune(bytes: &mut [u8], keep: u32) -> Result<usize> {
    let section = section(bytes, ".nv_fatbin").ok_or_else(|| broken("it has no section .nv_fatbin"))?;
    let (mut at, mut freed, mut found) = (section.start, 0, false);
    while at + 16 <= section.end {
        if read(bytes, at, 4) != Some(u64::from(MAGIC)) {
            // Containers are aligned to eight bytes.
            at += 8;
            continue;
        }
        let (head, size) = (number(bytes, at + 6, 2)?, number(bytes, at + 8, 8)?);
        let start = at + head;
        let end = start.checked_add(size).filter(|end| *end <= section.end);
        let end = end.ok_or_else(|| broken("a container is longer than its section"))?;
        let kept = entries(bytes, start..end, keep)?;
        if !kept.is_empty() {
            found = true;
            freed += size - kept.len();
            bytes[at + 8..at + 16].copy_from_slice(&(kept.len() as u64).to_le_bytes());
            bytes[start..end].fill(0);
            bytes[start..start + kept.len()].copy_from_slice(&kept);
        }
        at = end;
    }
    if found { Ok(freed) } else { Err(broken(&format!("it has no code for architecture {keep}"))) }
}

/// The entries for one architecture in a container, one behind the other.
fn entries(bytes: &[u8], container: Range<usize>, keep: u32) -> Result<Vec<u8>> {
    let (mut at, mut kept) = (container.start, Vec::new());
    while at < container.end {
        let (head, size) = (number(bytes, at + 4, 4)?, number(bytes, at + 8, 8)?);
        let end = at.checked_add(head).and_then(|code| code.checked_add(size));
        let end = end.filter(|end| *end <= container.end && head >= 32);
        let end = end.ok_or_else(|| broken("an entry is longer than its container"))?;
        if number(bytes, at + 28, 4)? == keep as usize {
            kept.extend_from_slice(&bytes[at..end]);
        }
        at = end;
    }
    Ok(kept)
}

/// Where a section of an ELF file of 64 bits lies.
fn section(bytes: &[u8], name: &str) -> Option<Range<usize>> {
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
    fn containers_keep_their_place_and_lose_other_architectures() {
        let (ninety, more) = (entry(90, b"ninety--"), entry(90, b"more----"));
        let before = [
            container(&[entry(80, b"eighty--"), ninety.clone(), entry(120, b"later---"), more.clone()]),
            vec![0; 8],
            container(&[entry(120, b"alone---")]),
            container(std::slice::from_ref(&ninety)),
        ];
        let other = HEAD + 8;
        let mut first = container(&[ninety.clone(), more]);
        first.resize(before[0].len(), 0);
        let after = [&first[..], &before[1][..], &before[2][..], &before[3][..]].concat();
        let mut bytes = library(&before.concat());
        assert_eq!(prune(&mut bytes, 90).unwrap(), 2 * other);
        assert_eq!(bytes, library(&after));
        // Once more finds nothing to take out.
        assert_eq!(prune(&mut bytes, 90).unwrap(), 0);
        assert_eq!(bytes, library(&after));
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
