//! Words of a prompt in whose place other tokens stand: a learned word may have more vectors than it has tokens.

use std::ops::Range;

/// Words of a subject, as they are looked for in a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    /// The subject's number in its request.
    pub(crate) subject: usize,
    /// What is looked for, whatever its case and however many spaces are between its words.
    pub(crate) words: String,
    /// The tokens that stand in its place; none for a subject whose words keep their own tokens, and are looked for only
    /// because they could be taken for another's.
    pub(crate) in_place: Option<Vec<u32>>,
}

/// What is looked for in a prompt before it becomes tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StandIns {
    /// The words of subjects.
    pub(crate) watched: Vec<Watched>,
    /// Where in the prompt subjects were named, each with the subject's number. These bytes are its own alone.
    pub(crate) named: Vec<(usize, Range<usize>)>,
}

/// Words that were found, and what stands in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes of the text.
    pub(crate) bytes: Range<usize>,
    /// The tokens in their place.
    pub(crate) ids: Vec<u32>,
    /// Every subject whose words these could be; whose tokens they are first.
    pub(crate) subjects: Vec<usize>,
}

/// Tokens that stand in the place of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// As in [`Found::subjects`].
    pub(crate) subjects: Vec<usize>,
    /// Places in the prompt's tokens, ascending; fewer than there should be where the prompt was cut.
    pub(crate) rows: Vec<usize>,
}

/// One place at which a subject's words stand.
struct Match<'w> {
    watched: &'w Watched,
    bytes: Range<usize>,
}

impl StandIns {
    /// The words of a text in whose place others stand, in order; where several could be, the first, and of these the
    /// longest. `place` tells where in the prompt a byte of the text stands.
    pub(crate) fn find(&self, text: &str, place: &dyn Fn(usize) -> usize) -> Vec<Found> {
        if self.watched.iter().all(|watched| watched.in_place.is_none()) {
            return Vec::new();
        }
        let mut matches: Vec<Match<'_>> = self.watched.iter().flat_map(|w| self.matches(w, text, place)).collect();
        matches.sort_by_key(|found| (found.bytes.start, usize::MAX - found.bytes.len()));
        let mut end = 0;
        let mut all = Vec::new();
        for found in &matches {
            let Some(ids) = found.watched.in_place.clone().filter(|_| found.bytes.start >= end) else { continue };
            end = found.bytes.end;
            let own = found.watched.subject;
            let others = matches.iter().filter(|other| overlap(&other.bytes, &found.bytes));
            let others = others.map(|other| other.watched.subject).filter(|subject| *subject != own);
            all.push(Found { bytes: found.bytes.clone(), ids, subjects: std::iter::once(own).chain(others).collect() });
        }
        all
    }

    fn matches<'w>(&self, watched: &'w Watched, text: &str, place: &dyn Fn(usize) -> usize) -> Vec<Match<'w>> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let step = rest.chars().next().map_or(1, char::len_utf8);
            let length = reads_as(rest, &watched.words);
            let taken = length.filter(|length| self.is_free(watched.subject, text, at..at + length, place));
            if let Some(length) = taken {
                found.push(Match { watched, bytes: at..at + length });
            }
            at += taken.unwrap_or(step);
        }
        found
    }

    /// Whether these bytes of the text are a subject's: it was named there, or nobody was and they are whole words.
    fn is_free(&self, subject: usize, text: &str, bytes: Range<usize>, place: &dyn Fn(usize) -> usize) -> bool {
        let whole = place(bytes.start)..place(bytes.end.saturating_sub(1)) + 1;
        let mut here = self.named.iter().filter(|(_, named)| overlap(named, &whole)).peekable();
        match here.peek() {
            Some(_) => here.any(|(named, _)| *named == subject),
            None => is_whole(text, bytes),
        }
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Whether no letter or digit goes on where the words begin or end with one.
fn is_whole(text: &str, bytes: Range<usize>) -> bool {
    let joined =
        |a: Option<char>, b: Option<char>| a.zip(b).is_some_and(|(a, b)| a.is_alphanumeric() && b.is_alphanumeric());
    let part = |range: Range<usize>| text.get(range).unwrap_or_default().chars();
    let (before, behind) = (part(0..bytes.start).next_back(), part(bytes.end..text.len()).next());
    !joined(before, part(bytes.clone()).next()) && !joined(part(bytes).next_back(), behind)
}

/// How many bytes at the start of a text read as these words.
fn reads_as(text: &str, words: &str) -> Option<usize> {
    let mut end = 0;
    let mut rest = text.char_indices().peekable();
    let mut words = words.trim().chars().peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        if word.is_whitespace() {
            while words.next_if(|next| next.is_whitespace()).is_some() {}
            rest.next_if(|(_, next)| next.is_whitespace())?;
            while rest.next_if(|(_, next)| next.is_whitespace()).is_some() {}
        } else {
            let (at, letter) = rest.next()?;
            if letter != word && !letter.to_lowercase().eq(word.to_lowercase()) {
                return None;
            }
            end = at + letter.len_utf8();
        }
    }
    Some(end)
}

/// Which rows stand in the place of what was found, from the number of the find that each row is part of.
pub(super) fn placed(found: &[Found], rows: impl Iterator<Item = (usize, Option<usize>)>) -> Vec<Placed> {
    let mut all: Vec<Placed> =
        found.iter().map(|found| Placed { subjects: found.subjects.clone(), rows: Vec::new() }).collect();
    for (row, of) in rows {
        if let Some(placed) = of.and_then(|of| all.get_mut(of)) {
            placed.rows.push(row);
        }
    }
    all.retain(|placed| !placed.rows.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(subject: usize, words: &str, ids: Option<&[u32]>) -> Watched {
        Watched { subject, words: words.into(), in_place: ids.map(<[u32]>::to_vec) }
    }

    fn found(watched: Vec<Watched>, named: Vec<(usize, Range<usize>)>, text: &str) -> Vec<(String, Vec<usize>)> {
        let found = StandIns { watched, named }.find(text, &|at| at);
        found.into_iter().map(|f| (text[f.bytes].to_owned(), f.subjects)).collect()
    }

    #[test]
    fn words_are_found_whole_in_any_case_and_beside_marks() {
        let toy = || vec![watched(0, "<cat-toy>", Some(&[7, 7]))];
        assert_eq!(
            found(toy(), vec![], "a <Cat-Toy>, <cat-toy>"),
            [("<Cat-Toy>".into(), vec![0]), ("<cat-toy>".into(), vec![0])]
        );
        let word = || vec![watched(0, "my  Style", Some(&[7]))];
        assert_eq!(
            found(word(), vec![], "(my style),my \t style"),
            [("my style".into(), vec![0]), ("my \t style".into(), vec![0])]
        );
        assert_eq!(found(word(), vec![], "mystyle my styles enmy style my style2"), []);
        assert_eq!(found(vec![watched(0, "é", Some(&[7]))], vec![], "É ée"), [("É".into(), vec![0])]);
        assert_eq!(found(vec![watched(0, " ", Some(&[7]))], vec![], "a b"), []);
    }

    #[test]
    fn words_of_several_name_them_all_and_a_name_decides() {
        let both = || vec![watched(0, "cat", Some(&[7])), watched(1, "cat toy", Some(&[8, 9]))];
        assert_eq!(
            found(both(), vec![], "a cat, a cat toy"),
            [("cat".into(), vec![0]), ("cat toy".into(), vec![1, 0])]
        );
        assert_eq!(
            found(both(), vec![(0, 9..12)], "a cat, a cat toy"),
            [("cat".into(), vec![0]), ("cat".into(), vec![0])]
        );
        let with_plain = || vec![watched(0, "cat", Some(&[7])), watched(1, "cat", None)];
        assert_eq!(found(with_plain(), vec![], "a cat"), [("cat".into(), vec![0, 1])]);
        assert_eq!(found(with_plain(), vec![(1, 2..5)], "a cat"), []);
        assert_eq!(found(with_plain(), vec![], "acat"), []);
        assert_eq!(
            found(with_plain(), vec![(0, 1..4)], "acat"),
            [("cat".into(), vec![0])],
            "named in the middle of a word"
        );
    }
}
