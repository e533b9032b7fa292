//! Numbers that are none: a graph that gives them gives a black picture, without a word.

use crate::error::{Error, Result};

/// What to do where a graph itself gives them.
const GRAPH: &str =
    "float16 overflows in some graphs: take provider `cpu`, another form of this base model, or import it in float32";
/// What to do where it is what is made of them.
const GUIDANCE: &str = "take a lower guidance";

/// Above this no picture comes of guidance, and what the next step is given may be too large for the graph.
const WILD: f32 = 100.0;

/// Refuses values of a graph that are not finite.
///
/// # Errors
/// [`Error::NotFinite`] naming the graph.
pub(crate) fn check(graph: &'static str, values: &[f32]) -> Result<()> {
    refuse(graph, None, values, GRAPH)
}

/// Refuses what a step of the U-Net gave, or what was made of it, where it is not finite.
///
/// # Errors
/// [`Error::NotFinite`] naming the graph and the step.
pub(crate) fn check_step(graph: &'static str, step: u32, guidance: f32, values: &[f32]) -> Result<()> {
    refuse(graph, Some(step), values, if guidance > WILD { GUIDANCE } else { GRAPH })
}

fn refuse(graph: &'static str, step: Option<u32>, values: &[f32], hint: &str) -> Result<()> {
    // A sum of magnitudes is finite if all are, but for an overflow that no picture's values come near; and it is added up eight at
    // a time, where a search for the first would look at one.
    let sums = values.chunks(8).fold([0.0f32; 8], |mut sums, chunk| {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value.abs());
        sums
    });
    if sums.iter().all(|sum| sum.is_finite()) || values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::NotFinite { graph, step, hint: hint.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_among_many_is_found_wherever_it_is() {
        let mut values = vec![1e30f32; 1001];
        assert!(check_step("unet.onnx", 1, 7.5, &values).is_ok());
        // Large enough for the sums to overflow: each is looked at.
        values[3] = f32::MAX;
        values[11] = f32::MAX;
        assert!(check_step("unet.onnx", 1, 7.5, &values).is_ok());
        for (at, bad) in [(0, f32::NAN), (7, f32::INFINITY), (1000, f32::NEG_INFINITY), (500, -f32::NAN)] {
            let mut values = vec![0.5; 1001];
            values[at] = bad;
            let error = check_step("unet.onnx", 7, 7.5, &values).expect_err("not finite");
            assert_eq!(error.to_string(), "`unet.onnx` gave numbers that are not finite in step 7");
            assert!(error.hint().is_some_and(|hint| hint.contains("float16")));
        }
        assert!(check("vae_decoder.onnx", &[]).is_ok());
    }
}
