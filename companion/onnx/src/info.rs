//! Types and shapes as a graph declares them for inputs, outputs and inner values.

use crate::element;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::type_proto::{self, Tensor};
use crate::proto::{TensorShapeProto, TypeProto, ValueInfoProto};

/// Type and shape of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Element type, as in `TensorProto`.
    pub element: i32,
    /// Dimensions.
    pub dims: Vec<usize>,
}

impl Shape {
    /// Number of elements; saturates.
    pub fn count(&self) -> usize {
        self.dims.iter().fold(1, |product, dim| product.saturating_mul(*dim))
    }

    /// Bytes its elements take; saturates.
    pub fn bytes(&self) -> usize {
        let bits = element::bits(self.element).unwrap_or(32) as usize;
        self.count().saturating_mul(bits).div_ceil(8)
    }
}

/// The declaration of a tensor of fixed shape.
pub fn tensor(name: &str, shape: &Shape) -> ValueInfoProto {
    let shape_proto = TensorShapeProto { dim: shape.dims.iter().map(|size| fixed(*size)).collect() };
    let tensor = Tensor { elem_type: Some(shape.element), shape: Some(shape_proto) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(kind), ..ValueInfoProto::default() }
}

/// The declaration of a tensor some of whose dimensions are free.
pub fn tensor_of(name: &str, element: i32, sizes: &[Option<usize>]) -> ValueInfoProto {
    let dim = sizes.iter().map(|size| size.map_or_else(Dimension::default, fixed)).collect();
    let tensor = Tensor { elem_type: Some(element), shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(kind), ..ValueInfoProto::default() }
}

/// The declaration of a value whose type and shape are to be inferred.
pub fn untyped(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), ..ValueInfoProto::default() }
}

/// Type and shape, if it is a tensor and every dimension is fixed.
pub fn shape(value: &ValueInfoProto) -> Option<Shape> {
    let tensor = declared(value)?;
    let dims = tensor.shape.as_ref()?.dim.iter().map(size).collect::<Option<Vec<usize>>>()?;
    Some(Shape { element: tensor.elem_type?, dims })
}

/// Number of dimensions, where they are declared.
pub fn rank(value: &ValueInfoProto) -> Option<usize> {
    Some(declared(value)?.shape.as_ref()?.dim.len())
}

/// Gives a declared tensor fixed dimensions; `false`, and nothing is changed, if the declared ones contradict.
pub fn fix(value: &mut ValueInfoProto, dims: &[usize]) -> bool {
    let Some(tensor) = declared_mut(value) else { return false };
    let declared = tensor.shape.as_ref().map(|shape| shape.dim.as_slice());
    let agrees = |(declared, wanted): (&Dimension, &usize)| size(declared).is_none_or(|size| size == *wanted);
    if declared.is_some_and(|declared| declared.len() != dims.len() || !declared.iter().zip(dims).all(agrees)) {
        return false;
    }
    tensor.shape = Some(TensorShapeProto { dim: dims.iter().map(|size| fixed(*size)).collect() });
    true
}

/// Gives a declared tensor another element type.
pub fn retype(value: &mut ValueInfoProto, element: i32) {
    if let Some(tensor) = declared_mut(value) {
        tensor.elem_type = Some(element);
    }
}

/// Fixed sizes of the declared dimensions, and `None` for each that is free; empty where no shape is declared.
pub fn sizes(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let shape = declared(value).and_then(|tensor| tensor.shape.as_ref());
    shape.map_or_else(Vec::new, |shape| shape.dim.iter().map(size).collect())
}

/// Gives one dimension of a declared tensor a fixed size; one that is not there stays away.
pub fn fix_at(value: &mut ValueInfoProto, at: usize, size: usize) {
    let shape = declared_mut(value).and_then(|tensor| tensor.shape.as_mut());
    if let Some(dim) = shape.and_then(|shape| shape.dim.get_mut(at)) {
        *dim = fixed(size);
    }
}

/// The declared dimensions, with `size` asked for those that are free by their names (empty where they have none).
pub fn dims_with(value: &ValueInfoProto, size_of: impl Fn(&str) -> Option<usize>) -> Option<Vec<usize>> {
    let of = |dim: &Dimension| match &dim.value {
        Some(dimension::Value::DimParam(name)) => size_of(name),
        Some(dimension::Value::DimValue(_)) => size(dim),
        None => size_of(""),
    };
    declared(value)?.shape.as_ref()?.dim.iter().map(of).collect()
}

/// The declared shape in words, as `[batch, 4, ?]`.
pub fn describe(value: &ValueInfoProto) -> String {
    let Some(dims) = declared(value).and_then(|tensor| tensor.shape.as_ref()) else { return "[…]".into() };
    let words: Vec<String> = dims
        .dim
        .iter()
        .map(|dim| match &dim.value {
            Some(dimension::Value::DimValue(size)) => size.to_string(),
            Some(dimension::Value::DimParam(name)) if !name.is_empty() => name.clone(),
            _ => "?".into(),
        })
        .collect();
    format!("[{}]", words.join(", "))
}

fn declared(value: &ValueInfoProto) -> Option<&Tensor> {
    match value.r#type.as_ref()?.value.as_ref()? {
        type_proto::Value::TensorType(tensor) => Some(tensor),
        _ => None,
    }
}

fn declared_mut(value: &mut ValueInfoProto) -> Option<&mut Tensor> {
    match value.r#type.as_mut()?.value.as_mut()? {
        type_proto::Value::TensorType(tensor) => Some(tensor),
        _ => None,
    }
}

fn size(dim: &Dimension) -> Option<usize> {
    match dim.value {
        Some(dimension::Value::DimValue(size)) => usize::try_from(size).ok(),
        _ => None,
    }
}

fn fixed(size: usize) -> Dimension {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    Dimension { value: Some(dimension::Value::DimValue(size)), ..Dimension::default() }
}
