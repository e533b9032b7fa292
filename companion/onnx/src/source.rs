//! Where the data of a graph's tensors lies: inside the file, or in files beside it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::proto::TensorProto;
use crate::{element, tensor};

/// Reads tensors of one graph. Files are mapped, so that gigabytes of weights are looked at one tensor at a time and
/// never held.
#[derive(Debug)]
pub struct Source {
    file: PathBuf,
    mapped: RefCell<HashMap<String, Bytes>>,
}

impl Source {
    /// For tensors of the graph in `file`; their data files lie in its folder.
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_path_buf(), mapped: RefCell::default() }
    }

    /// The graph's file, for messages.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A tensor's data, little endian, exactly as long as its type and shape say.
    ///
    /// # Errors
    /// When the data file is missing or outside the graph's folder, or the place lies beyond its end.
    pub fn bytes(&self, tensor: &TensorProto) -> Result<Bytes> {
        let expected = tensor::byte_len(&self.file, tensor)?;
        let bytes =
            if tensor::is_external(tensor) { self.external(tensor, expected)? } else { tensor::inline_bytes(tensor) };
        if bytes.len() as u64 != expected {
            let reason = format!("holds {} bytes where its type and shape take {expected}", bytes.len());
            return Err(Error::tensor(&self.file, tensor.name(), reason));
        }
        Ok(bytes)
    }

    /// A tensor's values as numbers.
    ///
    /// # Errors
    /// As [`Source::bytes`], and when it does not hold numbers.
    pub fn values(&self, tensor: &TensorProto) -> Result<Vec<f32>> {
        let bytes = self.bytes(tensor)?;
        let count = tensor::count(&self.file, tensor)? as usize;
        let kind = tensor.data_type.unwrap_or_default();
        element::to_f32(&bytes, kind, count).ok_or_else(|| {
            Error::tensor(&self.file, tensor.name(), format!("holds {}, not weights", element::name(kind)))
        })
    }

    fn external(&self, tensor: &TensorProto, expected: u64) -> Result<Bytes> {
        let fault = |reason: String| Error::tensor(&self.file, tensor.name(), reason);
        let location = tensor::external_entry(tensor, "location")
            .ok_or_else(|| fault("is external, without saying where".into()))?;
        let number = |key: &str, default: u64| match tensor::external_entry(tensor, key) {
            Some(text) => text.parse::<u64>().map_err(|_| fault(format!("has the {key} `{text}`"))),
            None => Ok(default),
        };
        let (offset, length) = (number("offset", 0)?, number("length", expected)?);
        let data = self.map(location, &fault)?;
        let end = offset.checked_add(length).filter(|end| *end <= data.len() as u64);
        let end = end.ok_or_else(|| {
            let size = data.len();
            fault(format!("lies at offset {offset}, length {length}, beyond the {size} bytes of `{location}`"))
        })?;
        Ok(data.slice(offset as usize..end as usize))
    }

    fn map(&self, location: &str, fault: &impl Fn(String) -> Error) -> Result<Bytes> {
        if let Some(data) = self.mapped.borrow().get(location) {
            return Ok(data.clone());
        }
        // Only plain downward paths: a graph must not make us read (and copy into a bundle) what lies elsewhere.
        let plain =
            Path::new(location).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if location.is_empty() || !plain {
            return Err(fault(format!("lies in `{location}`, outside the folder of the graph")));
        }
        let path = self.file.parent().unwrap_or(Path::new("")).join(location);
        if !path.is_file() {
            return Err(fault(format!("lies in `{location}`, which is not in the folder of the graph")));
        }
        let data = Bytes::from_owner(cones_core::model::mapped::MappedFile::open(&path)?);
        self.mapped.borrow_mut().insert(location.to_owned(), data.clone());
        Ok(data)
    }
}
