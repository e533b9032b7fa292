//! A pack's bytes, cut into its parts.

use super::bytes::{Reader, bad};
use super::header::{Head, Kind};
use super::{checksum, preview};
use crate::error::Result;

/// A pack whose header is right and whose length is what the header says.
pub(super) struct File<'a> {
    name: &'a str,
    bytes: &'a [u8],
    pub(super) head: Head,
    /// Where each part begins, and where the last one ends.
    bounds: [usize; 5],
}

impl<'a> File<'a> {
    pub(super) fn open(name: &'a str, bytes: &'a [u8]) -> Result<Self> {
        let (head, length) = Head::read(name, bytes)?;
        let mut end = length as u64;
        let mut bounds = [length; 5];
        for ((bound, part), kind) in bounds.iter_mut().skip(1).zip(&head.parts).zip(Kind::ALL) {
            end += u64::from(part.bytes);
            if end > bytes.len() as u64 {
                let reason = format!("end at byte {end} and the file at {}: it is cut off", bytes.len());
                return Err(bad(name, kind.name(), bytes.len() as u64, reason));
            }
            *bound = end as usize;
        }
        if end < bytes.len() as u64 {
            return Err(bad(
                name,
                "last part",
                end,
                format!("is followed by {} trailing bytes", bytes.len() as u64 - end),
            ));
        }
        Ok(Self { name, bytes, head, bounds })
    }

    /// Compares the checksum of every part.
    pub(super) fn check_parts(&self) -> Result<()> {
        for (kind, part) in Kind::ALL.into_iter().zip(&self.head.parts) {
            let (start, bytes) = self.slice(kind);
            if checksum::checksum(bytes) != part.sum {
                let last = (start + bytes.len()).max(start + 1) - 1;
                return Err(bad(
                    self.name,
                    kind.name(),
                    start as u64,
                    format!("{} damaged (bytes {start} to {last})", kind.verb()),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn part(&self, kind: Kind) -> Reader<'a> {
        let (start, bytes) = self.slice(kind);
        Reader::new(self.name, kind.name(), bytes, start)
    }

    pub(super) fn preview(&self) -> Result<Option<Vec<u8>>> {
        let (start, bytes) = self.slice(Kind::Preview);
        if bytes.is_empty() {
            return Ok(None);
        }
        preview::check(bytes).map_err(|reason| bad(self.name, "preview", start as u64, reason))?;
        Ok(Some(bytes.to_vec()))
    }

    fn slice(&self, kind: Kind) -> (usize, &'a [u8]) {
        let (start, end) = (self.bounds[kind as usize], self.bounds[kind as usize + 1]);
        (start, self.bytes.get(start..end).unwrap_or_default())
    }
}

/// The preview, of which the file's first bytes are enough.
pub(super) fn preview_at_start(name: &str, start: &[u8]) -> Result<Option<Vec<u8>>> {
    let (head, length) = Head::read(name, start)?;
    let [part, ..] = head.parts;
    let mut reader = Reader::new(name, Kind::Preview.name(), start.get(length..).unwrap_or_default(), length);
    let bytes = reader.take(part.bytes as usize)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if checksum::checksum(bytes) != part.sum {
        return Err(bad(name, Kind::Preview.name(), length as u64, "is damaged"));
    }
    preview::check(bytes).map_err(|reason| bad(name, Kind::Preview.name(), length as u64, reason))?;
    Ok(Some(bytes.to_vec()))
}
