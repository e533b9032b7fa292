//! What the text encoders make of a prompt.

/// What the text encoders make of a prompt; diffusers' names.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PromptEmbeds {
    /// `tokens × width`, row-major; of two text encoders each token's two hidden states one behind the other.
    pub prompt_embeds: Vec<f32>,
    /// The second text encoder's embedding of the prompt as a whole; empty where there is one encoder.
    pub pooled_prompt_embeds: Vec<f32>,
}

impl PromptEmbeds {
    /// Of numbers made elsewhere: `tokens × width`, row-major, and the pooled embedding, empty for a base model of one text encoder.
    #[must_use]
    pub fn new(prompt_embeds: Vec<f32>, pooled_prompt_embeds: Vec<f32>) -> Self {
        Self { prompt_embeds, pooled_prompt_embeds }
    }

    /// Of one text encoder.
    pub(crate) fn of_one(prompt_embeds: Vec<f32>) -> Self {
        Self { prompt_embeds, pooled_prompt_embeds: Vec::new() }
    }

    /// Of two: hidden states of each, of these widths, and the pooled embedding.
    pub(crate) fn of_two(
        [first, second]: [&[f32]; 2],
        [width, width_2]: [u32; 2],
        pooled_prompt_embeds: Vec<f32>,
    ) -> Self {
        let rows = first.chunks_exact((width as usize).max(1)).zip(second.chunks_exact((width_2 as usize).max(1)));
        let prompt_embeds = rows.flat_map(|(first, second)| first.iter().chain(second)).copied().collect();
        Self { prompt_embeds, pooled_prompt_embeds }
    }
}

#[cfg(test)]
mod tests {
    use super::PromptEmbeds;

    #[test]
    fn each_token_has_what_both_encoders_say_of_it() {
        let both = PromptEmbeds::of_two([&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0]], [2, 1], vec![7.0]);
        assert_eq!(both.prompt_embeds, [1.0, 2.0, 5.0, 3.0, 4.0, 6.0]);
        assert_eq!(both.pooled_prompt_embeds, [7.0]);
    }
}
