//! Known instances of classes, as vectors of the embedding.

use std::collections::BTreeMap;
use std::path::Path;

use cones_onnx::element;
use cones_onnx::proto::tensor_proto::DataType;
use safetensors::{Dtype, SafeTensors};

use crate::failure::Failure;

/// Vectors by class and instance: `references.safetensors` has a tensor `dog/fluent`, pictures × width.
#[derive(Debug, Clone, PartialEq)]
pub struct Instances {
    classes: BTreeMap<String, BTreeMap<String, Vec<Vec<f32>>>>,
}

impl Instances {
    /// Reads them.
    ///
    /// # Errors
    /// When there is no such file, or it does not hold float32 vectors named `CLASS/INSTANCE`.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let bad = |reason: String| format!("`{}` holds no reference vectors: {reason}", path.display());
        let bytes = std::fs::read(path).map_err(cones_core::Error::io("read", path))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
        let mut classes: BTreeMap<String, BTreeMap<String, Vec<Vec<f32>>>> = BTreeMap::new();
        for (name, tensor) in file.iter() {
            let named = name.split_once('/').filter(|_| tensor.dtype() == Dtype::F32);
            let width = match tensor.shape() {
                &[_, width] if width > 0 => Some(width),
                _ => None,
            };
            let (Some((class, instance)), Some(width)) = (named, width) else {
                return Err(bad(format!("`{name}` is not CLASS/INSTANCE with float32 vectors")).into());
            };
            let values = element::to_f32(tensor.data(), DataType::Float as i32, usize::MAX).unwrap_or_default();
            let vectors = values.chunks_exact(width).map(<[f32]>::to_vec).collect();
            classes.entry(class.to_owned()).or_default().insert(instance.to_owned(), vectors);
        }
        Ok(Self { classes })
    }

    /// Numbers in a vector; none where nothing is known.
    pub fn width(&self) -> Option<usize> {
        self.classes.values().flat_map(BTreeMap::values).flatten().next().map(Vec::len)
    }

    /// Those of all classes, named `CLASS/INSTANCE`.
    pub fn all(&self) -> BTreeMap<String, Vec<Vec<f32>>> {
        let of = |(class, instances): (&String, &BTreeMap<String, Vec<Vec<f32>>>)| {
            instances.iter().map(|(name, v)| (format!("{class}/{name}"), v.clone())).collect::<Vec<_>>()
        };
        self.classes.iter().flat_map(of).collect()
    }

    /// Some, by their names.
    #[cfg(test)]
    pub(super) fn of<const N: usize>(named: [(&str, Vec<Vec<f32>>); N]) -> Self {
        let mut classes: BTreeMap<String, BTreeMap<String, Vec<Vec<f32>>>> = BTreeMap::new();
        for (name, vectors) in named {
            let (class, instance) = name.split_once('/').unwrap_or_default();
            classes.entry(class.to_owned()).or_default().insert(instance.to_owned(), vectors);
        }
        Self { classes }
    }

    /// The instances of a class with their vectors.
    pub fn of_class(&self, class: &str) -> Option<&BTreeMap<String, Vec<Vec<f32>>>> {
        self.classes.get(class)
    }

    /// The instance that a pack is of: a pack `fluent-dog` of the class `dog` is the instance `fluent`.
    pub fn named(&self, class: &str, pack: &str) -> Option<&str> {
        let named = pack.strip_suffix(&format!("-{class}")).unwrap_or(pack);
        self.of_class(class)?.get_key_value(named).map(|(name, _)| name.as_str())
    }

    /// The name of the instance that a pack is named after.
    ///
    /// # Errors
    /// When the measure knows no such class or instance; says which it knows.
    pub fn find(&self, class: &str, pack: &str) -> Result<String, Failure> {
        let hint = "hint: give the pictures of the subject with --images DIR; without, a pack is taken for the instance it is \
                    named after";
        let Some(known) = self.of_class(class) else {
            let classes: Vec<&str> = self.classes.keys().map(String::as_str).collect();
            return Err(format!("the measure knows no class `{class}`; it knows {}\n{hint}", classes.join(", ")).into());
        };
        if let Some(named) = self.named(class, pack) {
            return Ok(named.to_owned());
        }
        let names: Vec<String> = known.keys().map(|instance| format!("{instance}-{class}")).collect();
        let reason =
            format!("the measure has no pictures of `{pack}`; of the class `{class}` it has {}", names.join(", "));
        Err(format!("{reason}\n{hint}").into())
    }
}
