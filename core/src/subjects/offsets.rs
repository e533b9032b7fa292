//! Learned words: what subjects add to the embeddings of a prompt's tokens.

use crate::error::{Error, Result};
use crate::subjects::subject::Subject;
use crate::subjects::words::Words;
use crate::text::tokenizer::{Tokenizer, Tokens};

/// What is added to the embeddings of a prompt's tokens. Nothing where no subject with learned embeddings is named.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Offsets {
    /// `tokens × width`, row-major; empty for nothing.
    pub(crate) values: Vec<f32>,
    /// Numbers in the embedding of one token.
    pub(crate) width: usize,
    /// The first subject with a part in it, for messages.
    pub(crate) subject: String,
}

impl Offsets {
    /// Those of all subjects that are on: each one's embeddings at the places of its own trigger, as strong as the subject.
    /// Where words are both of two subjects, the sum.
    ///
    /// # Errors
    /// [`Error::WrongModel`] when embeddings do not fit their trigger, whether it is in the prompt or not.
    pub(crate) fn of(tokenizer: &Tokenizer, tokens: &Tokens, words: &Words, subjects: &[Subject]) -> Result<Self> {
        let mut offsets = Self::default();
        for (i, subject) in subjects.iter().enumerate().filter(|(_, s)| s.strength > 0.0) {
            offsets.add(tokenizer, tokens, words.of_subject(i), subject)?;
        }
        Ok(offsets)
    }

    fn add(&mut self, tokenizer: &Tokenizer, tokens: &Tokens, words: &[Vec<usize>], subject: &Subject) -> Result<()> {
        let Some(embeddings) = &subject.embeddings else { return Ok(()) };
        let trigger = tokenizer.ids(&subject.trigger)?;
        let (width, count) = (embeddings.width as usize, embeddings.values.len());
        let wrong = |reason: String| Error::WrongModel { subject: subject.name.clone(), reason };
        let fits = if embeddings.in_place {
            count > 0 && count.checked_rem(width) == Some(0)
        } else {
            count == trigger.len() * width
        };
        if width == 0 || !fits || trigger.is_empty() {
            let (rows, text) = (count.checked_div(width).unwrap_or(0), &subject.trigger);
            let reason = format!("this one makes {} tokens of its trigger `{text}`", trigger.len());
            return Err(wrong(format!("it holds learned embeddings of {rows} tokens, and {reason}")));
        }
        if embeddings.values.iter().any(|value| !value.is_finite()) {
            return Err(wrong("its learned embeddings hold a value that is no number".into()));
        }
        if self.width != 0 && self.width != width {
            let reason = format!("its learned embeddings are {width} wide, those of `{}` {}", self.subject, self.width);
            return Err(wrong(reason));
        }
        let mut end = 0;
        for rows in words {
            // Where a repetitive trigger overlaps itself, the first occurrence counts.
            if rows.first().is_none_or(|first| *first < end) {
                continue;
            }
            end = rows.last().map_or(end, |last| last + 1);
            if self.values.is_empty() {
                *self = Self { values: vec![0.0; tokens.ids.len() * width], width, subject: subject.name.clone() };
            }
            for (row, embedding) in rows.iter().zip(embeddings.values.chunks_exact(width)) {
                for (to, from) in self.values.iter_mut().skip(row * width).zip(embedding) {
                    *to += subject.strength * from.to_f32();
                }
            }
        }
        Ok(())
    }
}
