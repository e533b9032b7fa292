//! Which words of a prompt stand for which subject.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::subjects::places::Side;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::text::tokenizer::{Tokenizer, Tokens, occurrences};

/// For each subject of a request the tokens of a prompt at which its trigger stands.
///
/// Words that stand where a subject was named with `{NAME}` are its own, and no other subject's whose trigger reads the
/// same. So two packs with one trigger meet in no row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    subjects: Vec<Vec<Rows>>,
}

/// Tokens of one occurrence of a trigger, ascending: side by side, but where it goes on in another chunk.
type Rows = Vec<usize>;

/// What happens where a trigger that nobody named could be that of several subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// An error.
    Refused,
    /// Every subject takes every occurrence of its trigger, named or not.
    Blended,
}

impl Words {
    /// Looks for the triggers of all subjects, those that are off included.
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming the prompt, where words could be several subjects' and `shared` refuses that.
    pub(crate) fn of(
        tokenizer: &Tokenizer,
        tokens: &Tokens,
        subjects: &[Subject],
        side: Side,
        shared: Shared,
    ) -> Result<Self> {
        let mut words = Self::default();
        for subject in subjects {
            let own = tokenizer.ids(&subject.trigger)?;
            let number = words.subjects.len();
            words.subjects.push(words_of(tokens, number, subject.is_in_place(), &own));
        }
        if shared == Shared::Refused && subjects.len() > 1 {
            let named: Vec<_> = subjects.iter().map(|subject| named(tokens, subject, side)).collect();
            words.leave_to_the_named(&named);
            words.check(subjects, side)?;
        }
        Ok(words)
    }

    /// What a request says of embeddings that were made elsewhere: for each subject the tokens of its words.
    pub(crate) fn given(words: impl Iterator<Item = Vec<usize>>) -> Self {
        let rows = |tokens: Vec<usize>| if tokens.is_empty() { Vec::new() } else { vec![tokens] };
        Self { subjects: words.map(rows).collect() }
    }

    /// Occurrences of one subject's trigger, ascending; repetitive triggers may overlap themselves.
    pub(crate) fn of_subject(&self, subject: usize) -> &[Rows] {
        self.subjects.get(subject).map(Vec::as_slice).unwrap_or_default()
    }

    fn leave_to_the_named(&mut self, named: &[Vec<Rows>]) {
        let meets = |places: &[Rows], words: &Rows| places.iter().any(|place| overlap(place, words));
        for (i, (own, found)) in named.iter().zip(&mut self.subjects).enumerate() {
            let others = || named.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, places)| places);
            found.retain(|words| meets(own, words) || !others().any(|places| meets(places, words)));
        }
    }

    fn check(&self, subjects: &[Subject], side: Side) -> Result<()> {
        let on: Vec<(&Subject, &[Rows])> =
            subjects.iter().zip(&self.subjects).filter(|(s, _)| claims(s)).map(|(s, w)| (s, w.as_slice())).collect();
        for (i, (second, theirs)) in on.iter().enumerate() {
            for (first, own) in on.iter().take(i) {
                if own.iter().any(|words| theirs.iter().any(|other| overlap(words, other))) {
                    return Err(shared_words(first, second, side));
                }
            }
        }
        Ok(())
    }
}

/// Tokens at which a subject's words stand: those in the place of them, and those that read as its trigger's.
fn words_of(tokens: &Tokens, subject: usize, in_place: bool, trigger: &[u32]) -> Vec<Rows> {
    let placed = tokens.placed.iter().filter(|placed| placed.subjects.contains(&subject));
    let mut all: Vec<Rows> = placed.map(|placed| placed.rows.clone()).collect();
    if !in_place {
        let taken = |rows: &Rows| tokens.placed.iter().any(|placed| overlap(&placed.rows, rows));
        all.extend(occurrences(tokens, trigger).into_iter().filter(|rows| !taken(rows)));
        all.sort_unstable();
    }
    all
}

/// Whether a subject changes anything at the words of its trigger, and only there.
pub(crate) fn claims(subject: &Subject) -> bool {
    subject.strength > 0.0 && (subject.scope == Scope::Trigger || subject.embeddings.is_some())
}

fn overlap(a: &Rows, b: &Rows) -> bool {
    a.iter().any(|row| b.contains(row))
}

/// The tokens of the words that stand where `{NAME}` stood for a subject.
fn named(tokens: &Tokens, subject: &Subject, side: Side) -> Vec<Rows> {
    let places = subject.places.as_ref().map(|places| places.on(side)).unwrap_or_default();
    let of = |&start: &usize| -> Rows {
        let bytes = start..start.saturating_add(subject.trigger.len());
        let inside = |span: &Range<usize>| span.start < bytes.end && bytes.start < span.end;
        tokens.own.iter().copied().filter(|row| tokens.spans.get(*row).is_some_and(inside)).collect()
    };
    places.iter().map(of).filter(|rows| !rows.is_empty()).collect()
}

fn shared_words(first: &Subject, second: &Subject, side: Side) -> Error {
    let (one, other) = (&first.name, &second.name);
    let (own, theirs) = (&first.trigger, &second.trigger);
    let words = if theirs.len() > own.len() { theirs } else { own };
    let reason = if one == other {
        format!(
            "has the words `{words}`, and two subjects of the name `{one}` stand for them; give one of them another name \
             and write `{{NAME}}` where each is meant"
        )
    } else {
        format!(
            "has the words `{words}`, and both `{one}` (trigger `{own}`) and `{other}` (trigger `{theirs}`) stand for \
             them; write `{{{one}}}` or `{{{other}}}` where each is meant"
        )
    };
    Error::request(side.field(), reason)
}
