//! Tensors: sizes, and data that older exporters spread over typed fields.

use std::path::Path;

use prost::bytes::Bytes;

use crate::element;
use crate::error::{Error, Result};
use crate::proto::TensorProto;
use crate::proto::tensor_proto::{DataLocation, DataType};

/// Number of elements.
///
/// # Errors
/// When a dimension is negative or the product does not fit.
pub fn count(file: &Path, tensor: &TensorProto) -> Result<u64> {
    tensor
        .dims
        .iter()
        .try_fold(1u64, |product, dim| product.checked_mul(u64::try_from(*dim).ok()?))
        .ok_or_else(|| Error::tensor(file, tensor.name(), format!("has the impossible shape {:?}", tensor.dims)))
}

/// Number of bytes its data takes, from type and shape.
///
/// # Errors
/// When the type has no fixed size or the shape is impossible.
pub fn byte_len(file: &Path, tensor: &TensorProto) -> Result<u64> {
    let kind = tensor.data_type.unwrap_or_default();
    let bits = element::bits(kind)
        .ok_or_else(|| Error::tensor(file, tensor.name(), format!("has elements of {}", element::name(kind))))?;
    let total = count(file, tensor)?
        .checked_mul(bits)
        .ok_or_else(|| Error::tensor(file, tensor.name(), format!("has the impossible shape {:?}", tensor.dims)))?;
    Ok(total.div_ceil(8))
}

/// Whether the data lies in another file.
pub fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// The value of a key of `external_data`.
pub fn external_entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    tensor.external_data.iter().find(|entry| entry.key() == key).map(|entry| entry.value())
}

/// The data inside the message, as little-endian bytes.
pub fn inline_bytes(tensor: &TensorProto) -> Bytes {
    if let Some(raw) = &tensor.raw_data {
        return raw.clone();
    }
    let bytes: Vec<u8> = if !tensor.float_data.is_empty() {
        tensor.float_data.iter().flat_map(|v| v.to_le_bytes()).collect()
    } else if !tensor.int64_data.is_empty() {
        tensor.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect()
    } else if !tensor.double_data.is_empty() {
        tensor.double_data.iter().flat_map(|v| v.to_le_bytes()).collect()
    } else if !tensor.uint64_data.is_empty() {
        let wide = tensor.data_type == Some(DataType::Uint64 as i32);
        let narrow = |v: &u64| (*v as u32).to_le_bytes().to_vec();
        tensor.uint64_data.iter().flat_map(|v| if wide { v.to_le_bytes().to_vec() } else { narrow(v) }).collect()
    } else {
        // Every narrower type is written one element (4-bit types: one byte) to a 32-bit integer.
        let width = element::bits(tensor.data_type.unwrap_or_default()).unwrap_or(32).div_ceil(8).min(4) as usize;
        tensor.int32_data.iter().flat_map(|v| v.to_le_bytes().into_iter().take(width)).collect()
    };
    Bytes::from(bytes)
}

/// A small tensor of whole numbers, as shapes and indices are.
pub fn int64s(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    raw(name, DataType::Int64 as i32, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// A tensor of the given element type from its little-endian bytes.
pub fn raw(name: &str, element: i32, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(element),
        raw_data: Some(bytes.into()),
        ..TensorProto::default()
    }
}
