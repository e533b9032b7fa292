//! A network that looks at pictures.

use std::collections::BTreeMap;
use std::path::Path;

use cones_core::{CancelToken, ExecutionProvider, Picture, runtime};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use crate::failure::Failure;

/// Pictures that go through it at once.
const BATCH: usize = 32;
/// Name of its one input: `pictures × 3 × height × width`, -1 to 1.
const INPUT: &str = "image";

/// One output for all pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// Numbers for one picture.
    pub width: usize,
    /// The network's output, picture after picture.
    pub values: Vec<f32>,
}

impl Output {
    /// The numbers of one picture.
    pub fn of_picture(&self, picture: usize) -> &[f32] {
        self.values.get(picture * self.width..(picture + 1) * self.width).unwrap_or_default()
    }
}

/// An ONNX network with the input `image`.
pub struct Network {
    session: Session,
    file: String,
    /// Height and width that it takes.
    size: (u32, u32),
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("file", &self.file).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Network {
    /// Loads it on the CPU.
    ///
    /// # Errors
    /// When there is no such file, or it is no network with an input `image` of a fixed size.
    pub fn open(path: &Path, threads: Option<usize>) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let bad = |reason: String| format!("`{file}` is no network that looks at pictures: {reason}");
        let bytes = std::fs::read(path).map_err(cones_core::Error::io("read", path))?;
        let environment = runtime::raw::environment()?;
        let mut builder = Session::builder(&environment)
            .map_err(|error| bad(error.message().to_owned()))?
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(|error| bad(error.message().to_owned()))?;
        if let Some(threads) = threads {
            builder = builder.with_intra_threads(threads).map_err(|error| bad(error.message().to_owned()))?;
        }
        let mut builder = runtime::raw::register(ExecutionProvider::Cpu, threads, builder)?;
        let session = builder.commit_from_memory(&bytes).map_err(|error| bad(error.message().to_owned()))?;
        let input = session.inputs().iter().find(|input| input.name() == INPUT);
        let shape = input.and_then(|input| input.dtype().tensor_shape()).map(|shape| shape.to_vec());
        let size = match shape.as_deref() {
            Some(&[_, 3, height, width]) => u32::try_from(height).ok().zip(u32::try_from(width).ok()),
            _ => None,
        };
        let size = size.ok_or_else(|| bad(format!("it has no input `{INPUT}` of pictures × 3 × height × width")))?;
        Ok(Self { session, file, size })
    }

    /// All outputs by name; pictures of another size are scaled.
    ///
    /// # Errors
    /// What ONNX Runtime reports; being cancelled.
    pub fn run(&mut self, pictures: &[Picture], cancel: &CancelToken) -> Result<BTreeMap<String, Output>, Failure> {
        let mut outputs: BTreeMap<String, Output> = BTreeMap::new();
        for batch in pictures.chunks(BATCH) {
            cancel.check()?;
            let (height, width) = self.size;
            let mut planes = Vec::with_capacity(batch.len() * 3 * (height * width) as usize);
            for picture in batch {
                planes.extend(as_input(&picture.resized(width, height)?));
            }
            let shape = [batch.len(), 3, height as usize, width as usize];
            let run = |error: ort::Error| format!("running `{}`: {}", self.file, error.message());
            let input = Tensor::from_array((shape, planes)).map_err(run)?;
            let found = self.session.run(ort::inputs![INPUT => input]).map_err(run)?;
            for (name, value) in found.iter() {
                let (_, values) = value.try_extract_tensor::<f32>().map_err(run)?;
                let output = outputs.entry(name.to_owned()).or_default();
                output.width = values.len() / batch.len();
                output.values.extend_from_slice(values);
            }
        }
        Ok(outputs)
    }
}

/// Planes of a picture, -1 to 1.
fn as_input(picture: &Picture) -> Vec<f32> {
    let channel = |c: usize| picture.rgb.iter().skip(c).step_by(3).map(|&byte| f32::from(byte) / 127.5 - 1.0);
    (0..3).flat_map(channel).collect()
}
