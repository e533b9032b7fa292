//! What a graph will take, from what its profile says.

use super::arrangement::LoadForm;
use super::graph_memory::GraphMemory;
use super::pages;
use super::plan::StageMemory;

/// What a stage takes that runs `graph` on `batch` pictures of `cells` latent cells; `None` where the profile does not know.
/// `packed`: its constants are whole numbers, which are packed however it is loaded.
pub(super) fn stage(
    graph: &'static str,
    memory: &GraphMemory,
    batch: u64,
    cells: u64,
    form: LoadForm,
    packed: bool,
) -> Option<StageMemory> {
    let (mapped_values, fast_values) = memory.values(batch, cells)?;
    let held = memory.held(form, packed);
    Some(match form {
        LoadForm::Mapped => {
            let values = times(mapped_values, if packed { PACKED_VALUES } else { MAPPED_VALUES });
            let peak = held + LOADING + values;
            StageMemory { graph, peak, mapped: memory.clean(), held }
        }
        LoadForm::Fast => {
            // The arena of a run stays.
            let held = held + times(fast_values, FAST_VALUES);
            let loading = times(memory.folded, FAST_LOADING) + GRAPH;
            StageMemory { graph, peak: LOADING + loading.max(held), mapped: 0, held }
        }
    })
}

impl GraphMemory {
    /// Bytes that stay while the graph is loaded and does not run.
    pub(crate) fn held(&self, form: LoadForm, packed: bool) -> u64 {
        let own = match form {
            LoadForm::Mapped if packed => times(self.constants, PACKED) + self.clean(),
            LoadForm::Mapped => times(self.constants, CONSTANTS) + self.clean(),
            LoadForm::Fast => times(self.folded, FAST_HELD),
        };
        own.saturating_add(GRAPH)
    }

    /// Pages of mapped weights that are there at once.
    fn clean(&self) -> u64 {
        if pages::ARE_LET_GO { self.mapped.min(pages::FEW) } else { self.mapped }
    }
}

fn times(bytes: u64, factor: f64) -> u64 {
    (bytes as f64 * factor) as u64
}

/// A loaded graph beside its weights: nodes and plans.
const GRAPH: u64 = 4_000_000;
/// The graph's message and what is made of it, until it is loaded; later buffers of the nodes.
const LOADING: u64 = 7_000_000;

// What was measured, as a multiple of what the profile says. `core/tests/memory.rs` compares.
/// Constants that do not stay in a file: the file's copy and the computed one.
const CONSTANTS: f64 = 1.5;
/// Whole-number constants, once packed in the place of the file's.
const PACKED: f64 = 0.97;
/// Values between whole-number kernels, with what these kernels hold for themselves.
const PACKED_VALUES: f64 = 1.8;
/// Values without an arena: nearly nothing is lost.
const MAPPED_VALUES: f64 = 1.05;
/// Weights and their packed copies, once loaded.
const FAST_HELD: f64 = 1.2;
/// Weights and their packed copies, while they are packed.
const FAST_LOADING: f64 = 1.58;
/// Values in an arena, which grows by doubling.
const FAST_VALUES: f64 = 1.2;
