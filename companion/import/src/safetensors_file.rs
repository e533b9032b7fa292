//! One safetensors file, mapped: its header is read, its tensors are looked at one at a time.

use std::path::{Path, PathBuf};

use cones_onnx::element;
use cones_onnx::proto::tensor_proto::DataType;
use prost::bytes::Bytes;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};

use crate::error::{Error, Result};

/// An open safetensors file.
#[derive(Debug)]
pub(super) struct SafetensorsFile {
    path: PathBuf,
    header: Metadata,
    data: Bytes,
}

impl SafetensorsFile {
    /// Opens and checks a file: every tensor's place lies inside it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = Bytes::from_owner(cones_core::model::mapped::MappedFile::open(path)?);
        let (length, header) = SafeTensors::read_metadata(&file)
            .map_err(|error| Error::weights(path, format!("it is no usable safetensors file ({error})")))?;
        // The header is preceded by its length in eight bytes.
        let data = file.slice(length + 8..);
        Ok(Self { path: path.to_path_buf(), header, data })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All tensors' names, in the order of the file.
    pub(super) fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    /// An entry of the file's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// A tensor's shape, if there is such a tensor.
    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.info(name).map(|info| info.shape.as_slice())
    }

    /// A tensor's values, row-major.
    pub(super) fn values(&self, name: &str) -> Result<Vec<f32>> {
        let fault = |reason: String| Error::weights(&self.path, reason);
        let info = self.header.info(name).ok_or_else(|| fault(format!("it has no tensor `{name}`")))?;
        let kind = match info.dtype {
            Dtype::F32 => DataType::Float,
            Dtype::F16 => DataType::Float16,
            Dtype::BF16 => DataType::Bfloat16,
            Dtype::F64 => DataType::Double,
            other => return Err(fault(format!("tensor `{name}` holds {other}, not floating-point numbers"))),
        };
        let (start, end) = info.data_offsets;
        let bytes = self.data.get(start..end).ok_or_else(|| fault(format!("tensor `{name}` is cut off")))?;
        let values = element::to_f32(bytes, kind as i32, usize::MAX);
        values.ok_or_else(|| fault(format!("tensor `{name}` cannot be read")))
    }
}
