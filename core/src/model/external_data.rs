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
use crate::model::protobuf::{self, Reader};

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

impl From<protobuf::Fault> for Fault {
    fn from(fault: protobuf::Fault) -> Self {
        match fault {
            protobuf::Fault::Damaged(reason) => Self::Damaged(reason),
            protobuf::Fault::Io(error) => Self::Io(error),
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
    let file = File::open(path).map_err(Fault::Io)?;
    let end = file.metadata().map_err(Fault::Io)?.len();
    message(&mut Reader::new(BufReader::with_capacity(1 << 16, file)), Message::Model, end, 0)
}

/// A message, up to its end.
fn message<R: BufRead + Seek>(reader: &mut Reader<R>, is: Message, end: u64, depth: u32) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::Damaged("it is nested too deeply"));
    }
    if let Message::Entry = is {
        return entry(reader, end);
    }
    while reader.at() < end {
        let field = reader.field(end)?;
        let Some(stop) = field.end else { continue };
        match is.child(field.number) {
            Some(child) => message(reader, child, stop, depth + 1)?,
            None => reader.skip_to(stop)?,
        }
    }
    Ok(())
}

/// A key and its value. Of several of either the last one counts to some readers, so all are looked at.
fn entry<R: BufRead + Seek>(reader: &mut Reader<R>, end: u64) -> Result<(), Fault> {
    let (mut is_location, mut values) = (false, Vec::new());
    while reader.at() < end {
        let field = reader.field(end)?;
        let Some(stop) = field.end else { continue };
        match field.number {
            1 => is_location |= reader.bytes(stop, LONGEST)? == LOCATION,
            // More than one is nobody's way of writing.
            2 if values.len() < 8 => values.push(reader.bytes(stop, LONGEST)?),
            2 => return Err(Fault::Damaged("an entry has too many values")),
            _ => reader.skip_to(stop)?,
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
