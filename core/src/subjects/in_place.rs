//! Learned words that stand in the place of their trigger, as the tokenizer looks for them.

use crate::error::Result;
use crate::subjects::places::Side;
use crate::subjects::subject::Subject;
use crate::subjects::words::claims;
use crate::text::stand_in::{StandIns, Watched};
use crate::text::tokenizer::Tokenizer;

/// What to look for in one of the prompts of a request, if anything: tokens for each vector that stands in a trigger's place.
///
/// They are the trigger's own, of which the last is repeated or the rest are left out: the vectors are kept as differences to
/// their embeddings.
pub(crate) fn stand_ins(tokenizer: &Tokenizer, subjects: &[Subject], side: Side) -> Result<StandIns> {
    let mut found = StandIns::default();
    if !subjects.iter().any(Subject::is_in_place) {
        return Ok(found);
    }
    for (number, subject) in subjects.iter().enumerate() {
        let places = subject.places.as_ref().map(|places| places.on(side)).unwrap_or_default();
        let bytes = places.iter().map(|start| *start..start.saturating_add(subject.trigger.len()));
        found.named.extend(bytes.map(|bytes| (number, bytes)));
        if !claims(subject) {
            continue;
        }
        let in_place = match &subject.embeddings {
            Some(embeddings) if subject.is_in_place() => {
                let rows = embeddings.values.len().checked_div(embeddings.width as usize).unwrap_or(0);
                Some(tokens_in_place(&tokenizer.ids(&subject.trigger)?, rows)).filter(|ids| !ids.is_empty())
            }
            _ => None,
        };
        found.watched.push(Watched { subject: number, words: subject.trigger.clone(), in_place });
    }
    Ok(found)
}

/// So many tokens in the place of these. None where there are none to take them from.
pub fn tokens_in_place(trigger: &[u32], rows: usize) -> Vec<u32> {
    let Some(last) = trigger.last() else { return Vec::new() };
    (0..rows).map(|row| trigger.get(row).copied().unwrap_or(*last)).collect()
}

#[cfg(test)]
mod tests {
    use super::tokens_in_place;

    #[test]
    fn the_last_token_is_repeated_and_the_rest_left_out() {
        assert_eq!(tokens_in_place(&[4, 5], 4), [4, 5, 5, 5]);
        assert_eq!(tokens_in_place(&[4, 5, 6], 1), [4]);
        assert_eq!(tokens_in_place(&[4, 5], 2), [4, 5]);
        assert!(tokens_in_place(&[], 3).is_empty() && tokens_in_place(&[4], 0).is_empty());
    }
}
