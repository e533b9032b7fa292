//! What the text encoders of both say, or the embeddings that stand in their place.

use cones_core::model::bundle::{
    CONTEXT, ENCODER_HID_PROJ, PENULTIMATE, TEXT_EMBEDS, TEXT_ENCODER, TEXT_ENCODER_2, TOKENIZER, TOKENIZER_2,
};
use cones_core::sampling::noise::TorchGenerator;
use cones_core::text::tokenizer::Tokenizer;

use super::beside::{Beside, Pair, Stop, finite, loaded};
use crate::projection::TEXT;
use crate::runner::{Given, Runner};
use crate::skipped::HiddenStates;

/// What is drawn.
const PROMPT: &str = "a photo of a red cube on a table";

/// What the text encoders say.
pub(super) struct Text {
    /// What K and V are made from.
    pub(super) embedding: Pair,
    /// Of two text encoders the pooled embedding.
    pub(super) pooled: Option<Pair>,
}

impl Beside<'_> {
    /// What the text encoders make of the prompt.
    pub(super) fn text(&self) -> Result<Text, Stop> {
        let first = self.manifest.text;
        let ids = |file: &str, text| -> Result<[Given; 1], Stop> {
            let tokens = Tokenizer::open(&self.folder.join(file), text)?.encode(PROMPT)?.ids;
            let ids = tokens.iter().map(|id| *id as f32).collect();
            Ok([Given::new("input_ids", &[1, tokens.len()], ids)])
        };
        let own = ids(TOKENIZER, first)?;
        let Some(second) = self.manifest.text_2 else {
            return Ok(Text { embedding: self.pair(self.onnx, TEXT_ENCODER, [&own, &own], 1)?, pooled: None });
        };
        let own = self.state(TEXT_ENCODER, &own, &[])?.swap_remove(0);
        let mut others = self.state(TEXT_ENCODER_2, &ids(TOKENIZER_2, first.of_second(&second))?, &[TEXT_EMBEDS])?;
        let (pooled, hidden) = (others.pop(), others.pop());
        let hidden = hidden.ok_or_else(|| Stop::Export("it gives no hidden state".into()))?;
        let widths = [first.hidden_size as usize, second.hidden_size as usize];
        let joined = |a: &[f32], b: &[f32]| -> Vec<f32> {
            let rows = a.chunks_exact(widths[0].max(1)).zip(b.chunks_exact(widths[1].max(1)));
            rows.flat_map(|(a, b)| a.iter().chain(b)).copied().collect()
        };
        let off = own.off.max(hidden.off).max(pooled.as_ref().map_or(0.0, |pooled| pooled.off));
        let (expected, found) = (joined(&own.expected, &hidden.expected), joined(&own.found, &hidden.found));
        Ok(Text { embedding: Pair { expected, found, off }, pooled })
    }

    /// Embeddings as an app might bring them, and what becomes of them before keys and values are made. There is nothing to compare:
    /// what projects them is inside of the export's U-Net.
    pub(super) fn given_text(&self) -> Result<Text, Stop> {
        let (tokens, width) = (self.manifest.text.max_length as usize, self.manifest.embeds_size() as usize);
        let mut expected = vec![0.0; tokens * width];
        TorchGenerator::new(2).fill_normal(&mut expected);
        let found = if self.manifest.projects_text() {
            let given = [Given::new(TEXT, &[1, tokens, width], expected.clone())];
            Runner::load(&self.folder.join(ENCODER_HID_PROJ))?.run(&given, CONTEXT, 1)?
        } else {
            expected.clone()
        };
        Ok(Text { embedding: Pair { expected, found, off: 0.0 }, pooled: None })
    }

    /// What one of two text encoders gives: its hidden state before the last layer, and `more`.
    fn state(&self, name: &str, ids: &[Given], more: &[&str]) -> Result<Vec<Pair>, Stop> {
        let file = self.graph_file(self.onnx, name)?;
        let mut runner = loaded(&file)?;
        let Some(state) = HiddenStates::before_the_last(runner.outputs()) else {
            return Err(Stop::Export(format!("`{}` gives no `hidden_states` to compare with", file.display())));
        };
        let wanted: Vec<&str> = std::iter::once(state.as_str()).chain(more.iter().copied()).collect();
        let expected = runner.run_to(ids, &wanted, 1).map_err(|error| Stop::Export(error.to_string()))?;
        let mut pairs = Vec::new();
        for (expected, output) in expected.into_iter().zip(std::iter::once(PENULTIMATE).chain(more.iter().copied())) {
            finite(&file, output, &expected)?;
            let (found, off) = self.nearest(name, output, ids, &expected, 1)?;
            pairs.push(Pair { expected, found, off });
        }
        Ok(pairs)
    }
}
