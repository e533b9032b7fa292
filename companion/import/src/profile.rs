//! What the graphs of a bundle take of memory, for its `memory.json`.
//!
//! ONNX Runtime is given each graph at some sizes, with its weights turned into inputs (so that none is read), and writes back
//! what it makes of it: the nodes that will run, in their order. The most bytes of values that are held at once follow from
//! their shapes. Nothing is run.

mod optimised;
mod values;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use cones_core::memory::{GraphMemory, Point, Profile};
use cones_core::model::manifest::Manifest;
use cones_gradient::shapes::Shapes;
use cones_onnx::{Model, info, node, tensor};
use values::Values;

use crate::error::Result;
use crate::rows;

/// The graphs that drawing loads.
const GRAPHS: [&str; 7] =
    ["text_encoder", "text_encoder_2", "encoder_hid_proj", "unet", "unet.plain", "vae_decoder", "vae_encoder"];

/// Sides of a latent for which values are counted, as multiples of the model's own in halves.
const HALVES: [u64; 3] = [1, 2, 4];

/// The sizes of a bundle's graphs, as its manifest has them.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Rows of the latent that the model was trained with.
    pub height: u64,
    /// Columns of that latent.
    pub width: u64,
    /// Pixels that a cell of the latent covers along one side.
    pub scale: u64,
    /// Cells that the U-Net takes multiples of.
    pub multiple: u64,
    /// Tokens of a prompt.
    pub tokens: u64,
}

impl Sizes {
    /// The sizes of the bundle with this manifest.
    #[must_use]
    pub fn new(manifest: &Manifest) -> Self {
        let scale = u64::from(manifest.latent.scale.max(1));
        Self {
            height: u64::from(manifest.image.height) / scale,
            width: u64::from(manifest.image.width) / scale,
            scale,
            multiple: (u64::from(manifest.latent.multiple) / scale).max(1),
            tokens: u64::from(manifest.text.max_length),
        }
    }

    /// Latents of other sizes, in cells, each a multiple that the U-Net takes.
    fn latents(self) -> Vec<(u64, u64)> {
        let side = |side: u64, halves: u64| ((side * halves / 2) / self.multiple * self.multiple).max(self.multiple);
        let mut all: Vec<_> = HALVES.iter().map(|h| (side(self.height, *h), side(self.width, *h))).collect();
        all.dedup();
        all
    }
}

/// What every graph in the folder of a bundle takes.
///
/// # Errors
/// When a graph is damaged, or ONNX Runtime refuses it at one of the sizes.
pub fn estimate(folder: &Path, sizes: Sizes) -> Result<Profile> {
    let mut profile = Profile { schema: Profile::SCHEMA, ..Profile::default() };
    for graph in GRAPHS {
        let name = format!("{graph}.onnx");
        let file = folder.join(&name);
        if file.is_file() {
            let has_twin = folder.join(cones_core::model::bundle::mapped_twin(&name)).is_file();
            profile.graphs.insert(name, estimate_graph(&file, has_twin, graph, sizes)?);
        }
    }
    Ok(profile)
}

/// What a graph takes whose dimensions are fixed but for the batch, which is one: a classifier's.
///
/// # Errors
/// As [`estimate`].
pub(crate) fn of_one(model: &Model) -> Result<GraphMemory> {
    let (seen, shapes) = optimised::at(model, |_| Some(1))?;
    let weights: HashSet<&str> = seen.weights.iter().map(String::as_str).collect();
    let found = Values::count(seen.model.graph()?, &shapes, &weights);
    let point = Point { batch: 1, cells: 0, mapped: found.peak, fast: found.peak };
    Ok(GraphMemory { mapped: 0, constants: found.constants, folded: found.constants, points: vec![point] })
}

fn estimate_graph(file: &Path, has_twin: bool, graph: &str, sizes: Sizes) -> Result<GraphMemory> {
    let model = Model::open(file)?;
    let mut memory = GraphMemory { mapped: if has_twin { mapped(file)? } else { 0 }, ..GraphMemory::default() };
    let picture = graph == "vae_encoder";
    let unit = if picture { sizes.scale } else { 1 };
    let batches: &[u64] = if graph.starts_with("unet") { &[1, 2] } else { &[1] };
    let is_of_text = graph.starts_with("text_encoder") || graph == "encoder_hid_proj";
    let latents = if is_of_text { vec![(0, 0)] } else { sizes.latents() };
    let Exported { batches, latents } = exported(&model, batches, latents, unit)?;
    for &batch in &batches {
        for &(height, width) in &latents {
            let size = |dimension: &str| {
                let size = match dimension {
                    "batch" => batch,
                    "tokens" => sizes.tokens,
                    "height" => height * unit,
                    "width" => width * unit,
                    _ => return None,
                };
                usize::try_from(size).ok()
            };
            let (seen, shapes) = optimised::at(&model, size)?;
            let weights: HashSet<&str> = seen.weights.iter().map(String::as_str).collect();
            let fast = Values::count(seen.model.graph()?, &shapes, &weights);
            let mut mapped = if has_twin { Values::count(seen.model.graph()?, &shapes, &HashSet::new()) } else { fast };
            if has_twin
                && graph.starts_with("vae")
                && let Some(peak) = in_blocks(file, &model, size)?
            {
                mapped.peak = peak;
            }
            // Weights depend on no size.
            (memory.folded, memory.constants) = (fast.constants, mapped.constants);
            memory.points.push(Point { batch, cells: height * width, mapped: mapped.peak, fast: fast.peak });
        }
    }
    Ok(memory)
}

/// What a graph can be looked at with.
struct Exported {
    batches: Vec<u64>,
    /// Rows and columns of latents.
    latents: Vec<(u64, u64)>,
}

/// These batches and latents, but for what the graph's export has fixed. `unit` is the inputs' share of a cell along one side.
fn exported(model: &Model, batches: &[u64], mut latents: Vec<(u64, u64)>, unit: u64) -> Result<Exported> {
    let graph = model.graph()?;
    let given =
        graph.input.iter().filter(|input| !graph.initializer.iter().any(|weight| weight.name() == input.name()));
    let inputs: Vec<Vec<Option<usize>>> = given.map(info::sizes).collect();
    let pictures = || inputs.iter().filter(|sizes| sizes.len() == 4);
    let side = |at: usize| pictures().find_map(|sizes| sizes[at]).map(|size| size as u64 / unit.max(1));
    let batch = inputs.iter().find_map(|sizes| *sizes.first()?);
    let batches = batch.map_or_else(|| batches.to_vec(), |batch| vec![batch as u64]);
    for (height, width) in &mut latents {
        (*height, *width) = (side(2).unwrap_or(*height), side(3).unwrap_or(*width));
    }
    latents.dedup();
    Ok(Exported { batches, latents })
}

/// The most bytes of values that a VAE's twin holds, which goes in blocks of rows; `None` for one that does not.
fn in_blocks(file: &Path, model: &Model, size: impl Fn(&str) -> Option<usize>) -> Result<Option<u64>> {
    if !twin(file)?.graph()?.node.iter().any(|n| node::has_op(n, "Scan")) {
        return Ok(None);
    }
    let inputs = &model.graph()?.input;
    let dims = |input| info::dims_with(input, &size);
    let inputs: BTreeMap<_, _> =
        inputs.iter().filter_map(|input| Some((input.name().to_owned(), dims(input)?))).collect();
    let shapes = Shapes::infer(model, &inputs)?;
    Ok(rows::peak(model, |value| shapes.get(value))?)
}

fn twin(file: &Path) -> Result<Model> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(Model::open(&file.with_file_name(cones_core::model::bundle::mapped_twin(&name)))?)
}

/// Bytes of the weights that stay in their file: those that the twin of `file` lists as inputs too.
fn mapped(file: &Path) -> Result<u64> {
    let twin = twin(file)?;
    let graph = twin.graph()?;
    let listed: HashSet<&str> = graph.input.iter().map(|input| input.name()).collect();
    let mut bytes = 0;
    for weight in graph.initializer.iter().filter(|weight| listed.contains(weight.name())) {
        bytes += tensor::byte_len(twin.file(), weight)?;
    }
    Ok(bytes)
}
