//! Protobuf read field by field: as much of it as two readers of ONNX graphs need.
//!
//! A field that holds bytes is told by where it ends, and read or skipped by whoever asked; all others are skipped.

use std::io::{self, BufRead, Seek};

/// Why bytes are no protobuf.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What is wrong with them.
    Damaged(&'static str),
    /// They could not be read.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early"),
            _ => Self::Io(error),
        }
    }
}

/// A place in a source of bytes.
pub(crate) struct Reader<R> {
    source: R,
    at: u64,
}

/// A field's number and what follows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) number: u64,
    /// The end of what it holds, where that has a length.
    pub(crate) end: Option<u64>,
}

impl<R: BufRead + Seek> Reader<R> {
    /// At the beginning of `source`.
    pub(crate) fn new(source: R) -> Self {
        Self { source, at: 0 }
    }

    /// How far it has come, in bytes.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next field, which lies before `end`. What has no length of its own is skipped.
    pub(crate) fn field(&mut self, end: u64) -> Result<Field, Fault> {
        let tag = self.number(end)?;
        // Readers differ in what they make of tags of more than 32 bits, and of groups: nobody writes either.
        if tag > u64::from(u32::MAX) || tag >> 3 == 0 {
            return Err(Fault::Damaged("a field has no number"));
        }
        let fixed = |length: u64| if length <= end - self.at { Ok(length) } else { Err(BEYOND) };
        let skipped = match tag & 7 {
            0 => {
                self.number(end)?;
                0
            }
            1 => fixed(8)?,
            5 => fixed(4)?,
            2 => {
                let length = self.number(end)?;
                let stop = self.at.checked_add(length).filter(|stop| *stop <= end).ok_or(BEYOND)?;
                return Ok(Field { number: tag >> 3, end: Some(stop) });
            }
            _ => return Err(Fault::Damaged("a field is of an unknown kind")),
        };
        self.skip(skipped)?;
        Ok(Field { number: tag >> 3, end: None })
    }

    /// The bytes up to `stop`, where they are `longest` at most.
    pub(crate) fn bytes(&mut self, stop: u64, longest: u64) -> Result<Vec<u8>, Fault> {
        let length = stop - self.at;
        if length > longest {
            return Err(Fault::Damaged("a name in it is too long"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.source.read_exact(&mut bytes)?;
        self.at = stop;
        Ok(bytes)
    }

    /// Goes on to `stop`: what lies within a file is known from its length, so that nothing need be read.
    pub(crate) fn skip_to(&mut self, stop: u64) -> Result<(), Fault> {
        self.skip(stop - self.at)
    }

    fn skip(&mut self, length: u64) -> Result<(), Fault> {
        self.source.seek_relative(i64::try_from(length).map_err(|_| BEYOND)?)?;
        self.at += length;
        Ok(())
    }

    /// A number of seven bits a byte, which ends before `end`.
    fn number(&mut self, end: u64) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            if self.at >= end {
                return Err(BEYOND);
            }
            let byte = *self.source.fill_buf()?.first().ok_or(Fault::Damaged("it ends too early"))?;
            self.source.consume(1);
            self.at += 1;
            // The tenth byte has room for one bit.
            if shift == 63 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Fault::Damaged("a number does not end"))
    }
}

/// Appends a field that holds bytes.
pub(crate) fn write_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    write_number(out, field << 3 | 2);
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a field that holds a number.
pub(crate) fn write_varint(out: &mut Vec<u8>, field: u64, number: u64) {
    write_number(out, field << 3);
    write_number(out, number);
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

const BEYOND: Fault = Fault::Damaged("a field goes on behind its end");

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn reads_what_was_written() -> Result<(), Fault> {
        let mut out = Vec::new();
        write_varint(&mut out, 3, 300);
        write_bytes(&mut out, 20, &[7; 200]);
        write_bytes(&mut out, 1, b"");
        let end = out.len() as u64;
        let mut reader = Reader::new(Cursor::new(out));
        assert_eq!((reader.field(end)?.number, reader.at()), (3, 3));
        let field = reader.field(end)?;
        assert_eq!(field.number, 20);
        assert_eq!(reader.bytes(field.end.unwrap_or(0), 200)?, [7; 200]);
        assert_eq!(reader.field(end)?.end, Some(end));
        assert!(matches!(reader.field(end), Err(Fault::Damaged(_))));
        Ok(())
    }
}
