//! An export and the bundle that is made of it, run side by side.

use std::path::{Path, PathBuf};

use cones_core::model::bundle::{TEXT_ENCODER, UNET, UNET_PLAIN, VAE_DECODER, VAE_ENCODER, mapped_twin};
use cones_core::model::manifest::Manifest;

use super::halves;
use crate::denoiser::Denoiser;
use crate::distance::distance;
use crate::error::{Error, Result};
use crate::runner::{Given, Runner};
use crate::{interface, layout};

/// Sides are so many times the smallest that the U-Net takes: its deepest level has more than one cell then.
const MULTIPLES: u32 = 2;
/// New graphs that are further off than this compute something else. Rounding of 4-bit weights is a tenth.
const FARTHEST: f64 = 0.3;

/// A bundle in the making, and what it is made of.
pub(crate) struct Beside<'a> {
    pub(crate) onnx: &'a Path,
    pub(crate) plain: Option<&'a Path>,
    pub(crate) folder: &'a Path,
    pub(crate) manifest: &'a Manifest,
    pub(crate) denoiser: Denoiser,
}

/// What ends a comparison.
pub(super) enum Stop {
    /// The export does not run, for this reason.
    Export(String),
    Fault(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

impl From<cones_core::Error> for Stop {
    fn from(error: cones_core::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// What the export says and what the bundle says, and how far they are apart.
pub(super) struct Pair {
    pub(super) expected: Vec<f32>,
    pub(super) found: Vec<f32>,
    pub(super) off: f64,
}

impl Beside<'_> {
    /// Channels, rows and columns of a latent that every graph takes.
    pub(super) fn latent(&self) -> [usize; 3] {
        let (latent, fixed) = (self.manifest.latent, self.manifest.fixed);
        let side = |fixed: Option<u32>| fixed.unwrap_or(latent.multiple * MULTIPLES) / latent.scale.max(1);
        [latent.channels, side(fixed.height), side(fixed.width)].map(|size| size as usize)
    }

    /// An export's graph that `name` of the bundle was made of.
    pub(super) fn graph_file(&self, export: &Path, name: &str) -> Result<PathBuf> {
        let name = match name {
            UNET | UNET_PLAIN => self.denoiser.part(),
            other => other.strip_suffix(".onnx").unwrap_or(other),
        };
        layout::graph_file(export, name)
    }

    /// What the export and the bundle say, and how far they are apart.
    pub(super) fn pair(
        &self,
        export: &Path,
        name: &str,
        [given, own]: [&[Given]; 2],
        samples: usize,
    ) -> Result<Pair, Stop> {
        let file = self.graph_file(export, name)?;
        let mut expected = run(&mut loaded(&file)?, &file, given, output(name), samples)?;
        if self.denoiser.is_side_by_side() && name == UNET {
            expected = halves::left_half(&expected, self.latent()[2]);
        }
        let (found, off) = self.nearest(name, output(name), own, &expected, samples)?;
        Ok(Pair { expected, found, off })
    }

    /// What the bundle's graph says, and how far it, or its mapped twin, is from what the export said.
    pub(super) fn nearest(
        &self,
        name: &str,
        output: &str,
        given: &[Given],
        expected: &[f32],
        samples: usize,
    ) -> Result<(Vec<f32>, f64)> {
        let (mut values, mut farthest) = (None, 0.0f64);
        for file in [self.folder.join(name), self.folder.join(mapped_twin(name))].iter().filter(|file| file.is_file()) {
            let found = Runner::load(file)?.run(given, output, samples)?;
            finite(file, output, &found)?;
            let off = distance(&found, expected);
            if off.is_nan() || off > FARTHEST {
                let reason =
                    format!("the new graph is off by {off:.2} from the export's, so it computes something else");
                return Err(Error::interface(Path::new(&file.file_name().unwrap_or_default()), reason));
            }
            farthest = farthest.max(off);
            values.get_or_insert(found);
        }
        let values = values.ok_or_else(|| Error::interface(&self.folder.join(name), "was not written"))?;
        Ok((values, farthest))
    }
}

/// An export's graph; one that does not load ends the comparison, not the import.
pub(super) fn loaded(file: &Path) -> Result<Runner<'_>, Stop> {
    Runner::load(file).map_err(|error| Stop::Export(error.to_string()))
}

pub(super) fn run(
    runner: &mut Runner<'_>,
    file: &Path,
    given: &[Given],
    output: &str,
    samples: usize,
) -> Result<Vec<f32>, Stop> {
    let values = runner.run(given, output, samples).map_err(|error| Stop::Export(error.to_string()))?;
    finite(file, output, &values)?;
    Ok(values)
}

pub(super) fn finite(file: &Path, output: &str, values: &[f32]) -> Result<()> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(Error::interface(file, format!("its `{output}` holds numbers that are not finite"))),
    }
}

pub(super) fn output(name: &str) -> &'static str {
    match name {
        TEXT_ENCODER => interface::TEXT_ENCODER.output.name,
        VAE_DECODER => interface::VAE_DECODER.output.name,
        VAE_ENCODER => interface::VAE_ENCODER.output.name,
        _ => interface::OUT.name,
    }
}
