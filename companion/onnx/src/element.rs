//! Element types of tensors.

use crate::proto::tensor_proto::DataType;

/// Bits of one element; `None` for strings and unknown types.
pub fn bits(data_type: i32) -> Option<u64> {
    use DataType::*;
    Some(match DataType::try_from(data_type).ok()? {
        Undefined | String => return None,
        Uint2 | Int2 => 2,
        Uint4 | Int4 | Float4e2m1 => 4,
        Float6e2m3 | Float6e3m2 => 6,
        Bool | Int8 | Uint8 | Float8e4m3fn | Float8e4m3fnuz | Float8e5m2 | Float8e5m2fnuz | Float8e8m0 => 8,
        Int16 | Uint16 | Float16 | Bfloat16 => 16,
        Int32 | Uint32 | Float => 32,
        Int64 | Uint64 | Double | Complex64 => 64,
        Complex128 => 128,
    })
}

/// The type's name in messages, as `FLOAT16`.
pub fn name(data_type: i32) -> String {
    DataType::try_from(data_type).map_or_else(|_| format!("type {data_type}"), |t| t.as_str_name().to_owned())
}

/// Whether values of this type are real numbers in floating point that [`to_f32`] reads.
pub fn is_float(data_type: i32) -> bool {
    use DataType::*;
    matches!(DataType::try_from(data_type), Ok(Float | Float16 | Bfloat16 | Double))
}

/// Little-endian bytes as numbers; `None` for types that hold no numbers a weight can have. Quantised integers are given
/// as they are, without scale; `count` ends 4-bit values that do not fill their last byte.
pub fn to_f32(bytes: &[u8], data_type: i32, count: usize) -> Option<Vec<f32>> {
    use DataType::*;
    let values = match DataType::try_from(data_type).ok()? {
        Float => read(bytes, f32::from_le_bytes),
        Float16 => read(bytes, |b| half::f16::from_le_bytes(b).to_f32()),
        Bfloat16 => read(bytes, |b| half::bf16::from_le_bytes(b).to_f32()),
        Double => read(bytes, |b| f64::from_le_bytes(b) as f32),
        Int32 => read(bytes, |b| i32::from_le_bytes(b) as f32),
        Int16 => read(bytes, |b| f32::from(i16::from_le_bytes(b))),
        Uint16 => read(bytes, |b| f32::from(u16::from_le_bytes(b))),
        Int8 => read(bytes, |b| f32::from(i8::from_le_bytes(b))),
        Uint8 => read(bytes, |b| f32::from(u8::from_le_bytes(b))),
        // Two to a byte, the first in the low half.
        Uint4 => nibbles(bytes, f32::from),
        Int4 => nibbles(bytes, |n| f32::from(((n << 4) as i8) >> 4)),
        _ => return None,
    };
    Some(values.into_iter().take(count).collect())
}

/// Numbers as little-endian bytes of a floating-point type; float32 for all others.
pub fn from_f64(values: &[f64], data_type: i32) -> Vec<u8> {
    use DataType::*;
    let each = |encode: &dyn Fn(f64) -> Vec<u8>| values.iter().flat_map(|value| encode(*value)).collect();
    match DataType::try_from(data_type) {
        Ok(Double) => each(&|value| value.to_le_bytes().to_vec()),
        Ok(Float16) => each(&|value| half::f16::from_f64(value).to_le_bytes().to_vec()),
        Ok(Bfloat16) => each(&|value| half::bf16::from_f64(value).to_le_bytes().to_vec()),
        _ => each(&|value| (value as f32).to_le_bytes().to_vec()),
    }
}

fn read<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)).collect()
}

fn nibbles(bytes: &[u8], decode: impl Fn(u8) -> f32) -> Vec<f32> {
    bytes.iter().flat_map(|byte| [decode(byte & 15), decode(byte >> 4)]).collect()
}
