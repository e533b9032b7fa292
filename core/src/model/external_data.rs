//! Where a graph says that its weights lie: in files of its own folder, or it is not loaded.
//!
//! ONNX Runtime reads what a graph's `external_data` names. Its versions before 1.24 read any file that the process may, and what is
//! read can end up in a picture. So the file is walked before ONNX Runtime is given it: as protobuf, field by field, skipping weights
//! unread. Only the names that lead to a tensor's `external_data` are known here; what else there is makes no difference.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::bundle::is_plain;

/// As deep as protobuf's own readers go.
const DEEPEST: u32 = 100;
/// No key or value of `external_data` is longer.
const LONGEST: u64 = 4096;
/// The key whose value is a path.
const LOCATION: &[u8] = b"location";

/// Checks that each tensor of the graph in a file lies in that file, or in one that a plain name finds beside it.
///
/// # Errors
/// [`Error::BadBundle`] where one lies elsewhere, or the file is no protobuf; [`Error::Io`].
pub fn check(path: &Path) -> Result<()> {
    match walk(path) {
        Ok(()) => Ok(()),
        Err(Fault::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::bundle(path, "the file is missing"))
        }
        Err(Fault::Io(error)) => Err(Error::io("read", path)(error)),
        Err(Fault::Elsewhere(location)) => Err(Error::bad_bundle(
            path,
            format!("its weights are said to lie in `{location}`, outside the bundle's folder"),
            "do not use it; tell its publisher",
        )),
        Err(Fault::Damaged(reason)) => Err(Error::bundle(path, format!("it is no ONNX graph: {reason}"))),
    }
}

/// As [`check`], of a file that may as well be no graph at all: whoever loads it is told.
///
/// # Errors
/// [`Error::BadBundle`], [`Error::Io`].
#[cfg(feature = "network")]
pub(crate) fn check_if_graph(path: &Path) -> Result<()> {
    match walk(path) {
        Err(Fault::Damaged(_)) => Ok(()),
        _ => check(path),
    }
}

/// Why a graph is not to be loaded.
enum Fault {
    Elsewhere(String),
    Damaged(&'static str),
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

/// The messages of `onnx.proto` by way of which a tensor's `external_data` is reached.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Training,
    Function,
    Graph,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
    Entry,
}

impl Message {
    /// What lies in a field, by its number in `onnx.proto`, where that leads further.
    fn child(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) | (Self::Training, 1 | 2) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => Self::Tensor,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::SparseTensor,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Tensor, 13) => Self::Entry,
            _ => return None,
        })
    }
}

fn walk(path: &Path) -> Result<(), Fault> {
    let file = File::open(path)?;
    let end = file.metadata()?.len();
    Walk { reader: BufReader::with_capacity(1 << 16, file), at: 0 }.message(Message::Model, end, 0)
}

/// A place in a file.
struct Walk<R> {
    reader: BufReader<R>,
    at: u64,
}

/// A field's number and what follows it.
struct Field {
    number: u64,
    /// The end of what it holds, where that has a length.
    end: Option<u64>,
}

impl<R: io::Read + Seek> Walk<R> {
    /// A message, up to its end.
    fn message(&mut self, message: Message, end: u64, depth: u32) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(Fault::Damaged("it is nested too deeply"));
        }
        if let Message::Entry = message {
            return self.entry(end);
        }
        while self.at < end {
            let field = self.field(end)?;
            let Some(stop) = field.end else { continue };
            match message.child(field.number) {
                Some(child) => self.message(child, stop, depth + 1)?,
                None => self.skip(stop - self.at)?,
            }
        }
        Ok(())
    }

    /// A key and its value. Of several of either the last one counts to some readers, so all are looked at.
    fn entry(&mut self, end: u64) -> Result<(), Fault> {
        let (mut is_location, mut values) = (false, Vec::new());
        while self.at < end {
            let field = self.field(end)?;
            let Some(stop) = field.end else { continue };
            match field.number {
                1 => is_location |= self.text(stop)? == LOCATION,
                // More than one is nobody's way of writing.
                2 if values.len() < 8 => values.push(self.text(stop)?),
                2 => return Err(Fault::Damaged("an entry has too many values")),
                _ => self.skip(stop - self.at)?,
            }
        }
        let is_elsewhere = |value: &&Vec<u8>| !std::str::from_utf8(value).is_ok_and(is_plain);
        match values.iter().find(is_elsewhere).filter(|_| is_location) {
            None => Ok(()),
            Some(value) => {
                let shown = String::from_utf8_lossy(value);
                let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
                Err(Fault::Elsewhere(shown.chars().take(200).map(clean).collect()))
            }
        }
    }

    /// The next field's number. What has no length of its own is skipped.
    fn field(&mut self, end: u64) -> Result<Field, Fault> {
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

    /// A number of seven bits a byte, which ends before `end`.
    fn number(&mut self, end: u64) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            if self.at >= end {
                return Err(BEYOND);
            }
            let byte = *self.reader.fill_buf()?.first().ok_or(Fault::Damaged("it ends too early"))?;
            self.reader.consume(1);
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

    fn text(&mut self, stop: u64) -> Result<Vec<u8>, Fault> {
        let length = stop - self.at;
        if length > LONGEST {
            return Err(Fault::Damaged("the name of a file is too long"));
        }
        let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
        io::Read::read_exact(&mut self.reader, &mut text)?;
        self.at = stop;
        Ok(text)
    }

    /// What lies within the file is known from its length, so that nothing need be read.
    fn skip(&mut self, length: u64) -> Result<(), Fault> {
        self.reader.seek_relative(i64::try_from(length).map_err(|_| BEYOND)?)?;
        self.at += length;
        Ok(())
    }
}

const BEYOND: Fault = Fault::Damaged("a field goes on behind its end");
