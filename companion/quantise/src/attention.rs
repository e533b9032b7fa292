//! K/V weights in float16: what the fingerprint is taken of, so that it stays.

use std::path::Path;

use cones_core::Bundle;
use cones_core::model::bundle::ATTENTION;
use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::error::{Error, Result};

/// Writes the bundle's K/V weights to `folder`: the same file where they are float16 already, or have a value that float16
/// does not hold.
pub(super) fn write(bundle: &Bundle, folder: &Path) -> Result<()> {
    let (from, to) = (bundle.file(ATTENTION)?, folder.join(ATTENTION));
    let weights: u64 = bundle.manifest().layers.iter().map(|l| u64::from(l.rows) * u64::from(l.columns)).sum();
    let bytes = std::fs::metadata(&from).map_err(cones_core::Error::io("read", &from))?.len();
    let halved = if bytes >= 4 * weights { halved(bundle) } else { None };
    let Some(halved) = halved else {
        std::fs::copy(&from, &to).map_err(cones_core::Error::io("copy", &from))?;
        return Ok(());
    };
    let fault = |reason: String| Error::graph(&from, reason, "import the base model again");
    let views =
        halved.iter().map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F16, shape.clone(), bytes)?)));
    let views =
        views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(|error| fault(error.to_string()))?;
    let file = safetensors::serialize(views, None).map_err(|error| fault(error.to_string()))?;
    std::fs::write(&to, file).map_err(cones_core::Error::io("write", &to))?;
    Ok(())
}

/// Name, shape and float16 values of a layer.
type Halved = (String, Vec<usize>, Vec<u8>);

/// Every layer in float16; none if a value would become infinite.
fn halved(bundle: &Bundle) -> Option<Vec<Halved>> {
    let mut layers = Vec::new();
    for (at, (name, rows, columns)) in bundle.attention().layers().enumerate() {
        let mut values = vec![0.0; rows * columns];
        bundle.attention().read_rows(at, 0, &mut values);
        let halves: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
        if halves.iter().any(|half| !half.is_finite()) {
            return None;
        }
        let bytes = halves.into_iter().flat_map(f16::to_le_bytes).collect();
        layers.push((name.to_owned(), vec![rows, columns], bytes));
    }
    Some(layers)
}
