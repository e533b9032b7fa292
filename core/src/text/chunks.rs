//! Prompts with weights, of any length: chunks of as many tokens as the text encoder takes, cut where AUTOMATIC1111's web
//! UI cuts them.

use std::ops::Range;

use super::editing::shortened;
use super::emphasis::{self, Part, Weighted};
use super::stand_in::{self, Found, StandIns};
use super::tokenizer::{Tokenizer, Tokens};
use crate::error::{Error, Result};
use crate::model::manifest::Text;

/// Each chunk takes a run of the text encoder, and lengthens K and V.
pub(super) const MOST_CHUNKS: usize = 16;
/// A comma at most so many tokens before the end of a chunk ends it.
const COMMA_BACKTRACK: usize = 20;
/// A comma behind a word, as CLIP's vocabulary writes it.
const COMMA: &str = ",</w>";

impl Tokenizer {
    /// Tokens of a prompt whose brackets weigh words, as [`emphasis::parse`] reads them; in
    /// several chunks where it is longer than one, or has `BREAK` in it. Each chunk has a start, an end and padding of its
    /// own, and nothing is cut.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for what [`emphasis::parse`] refuses, and for more than 16 chunks.
    pub fn encode_weighted(&self, prompt: &str) -> Result<Tokens> {
        self.encode_weighted_with(prompt, &StandIns::default())
    }

    /// The chunks of a prompt with weights, with other tokens in the place of some words; as many as one chunk holds stay together
    /// in one.
    pub(crate) fn encode_weighted_with(&self, prompt: &str, stand_ins: &StandIns) -> Result<Tokens> {
        let parts = emphasis::parse(prompt).map_err(|reason| Error::request("prompt", reason))?;
        let room = (self.text.max_length as usize).saturating_sub(2).max(1);
        let mut chunks = Chunks::new(room, self.id(COMMA));
        let mut found = Vec::new();
        for part in &parts {
            match part {
                Part::Break => chunks.cut(),
                Part::Words(words) => {
                    let tokens = self.tokens(prompt, words, stand_ins, &mut found)?;
                    tokens.into_iter().for_each(|token| chunks.push(token));
                }
            }
        }
        let (chunks, breaks) = chunks.finish();
        if let Some(beyond) = chunks.get(MOST_CHUNKS..).filter(|beyond| !beyond.is_empty()) {
            let first = beyond.iter().flatten().next().map_or(prompt.len(), |token| token.span.start);
            let (rest, count) = (shortened(prompt.get(first..).unwrap_or_default().trim()), chunks.len());
            let reason = format!("takes {count} chunks of {room} tokens; {MOST_CHUNKS} is the most, up to `{rest}`");
            return Err(Error::request("prompt", reason));
        }
        Ok(laid_out(&chunks, breaks, &found, self.text))
    }

    /// The tokens of words of one weight; what they stand in the place of is put behind what was `found` before.
    fn tokens(
        &self,
        prompt: &str,
        words: &Weighted,
        stand_ins: &StandIns,
        found: &mut Vec<Found>,
    ) -> Result<Vec<Token>> {
        let (text, places) = (words.text(prompt), words.places());
        // A token's end is behind its last byte, not before the next one: an escape may lie between.
        let place = |byte: usize| places.get(byte).copied().unwrap_or(0);
        let span = |of: &Range<usize>| if of.start < of.end { place(of.start)..place(of.end - 1) + 1 } else { 0..0 };
        let (own, before) = (stand_ins.find(&text, &place), found.len());
        let mut last = None;
        let mut tokens = Vec::new();
        for piece in self.pieces(&text, &own)? {
            let of = piece.found.and_then(|of| own.get(of)).filter(|_| piece.found != last);
            let together = of.map_or(1, |of| of.ids.len());
            last = piece.found;
            let found = piece.found.map(|of| before + of);
            tokens.push(Token { id: piece.id, span: span(&piece.span), weight: words.weight as f32, found, together });
        }
        found.extend(own);
        Ok(tokens)
    }
}

impl Tokens {
    /// How many chunks there are of `max_length` ids.
    pub(crate) fn chunks(&self, text: Text) -> usize {
        self.ids.len() / (text.max_length as usize).max(1)
    }

    /// Tokens that stand for embeddings made elsewhere: so many, of no text.
    pub(crate) fn unread(count: usize) -> Self {
        let (ids, weights, spans) = (vec![0; count], vec![1.0; count], vec![0..0; count]);
        Self { ids, used: count, spans, weights, own: Vec::new(), placed: Vec::new(), breaks: Vec::new(), cut: None }
    }

    /// As many chunks as another prompt has: the rest are those of an empty prompt.
    pub(crate) fn lengthened(mut self, chunks: usize, text: Text) -> Self {
        let missing = chunks.saturating_sub(self.chunks(text));
        let empty = laid_out(&vec![Vec::new(); missing], Vec::new(), &[], text);
        self.ids.extend(empty.ids);
        self.spans.extend(empty.spans);
        self.weights.extend(empty.weights);
        self.used += empty.used;
        self
    }

    /// What stands in the second chunk and behind, as it was written.
    pub(crate) fn beyond_one_chunk<'p>(&self, prompt: &'p str, text: Text) -> Option<&'p str> {
        let first = self.own.iter().find(|place| **place >= text.max_length as usize)?;
        prompt.get(self.spans.get(*first)?.start..)
    }
}

#[derive(Clone)]
struct Token {
    id: u32,
    /// Bytes of the prompt.
    span: Range<usize>,
    weight: f32,
    /// The number of the find in whose place it stands.
    found: Option<usize>,
    /// How many tokens from this one on are to stay in one chunk.
    together: usize,
}

/// Chunks that are being filled.
struct Chunks {
    room: usize,
    comma: Option<u32>,
    done: Vec<Vec<Token>>,
    current: Vec<Token>,
    /// Where in the current chunk the last comma stands.
    last_comma: Option<usize>,
    count: usize,
    breaks: Vec<usize>,
}

impl Chunks {
    fn new(room: usize, comma: Option<u32>) -> Self {
        let (done, current) = (Vec::new(), Vec::new());
        Self { room, comma, done, current, last_comma: None, count: 0, breaks: Vec::new() }
    }

    fn push(&mut self, token: Token) {
        let full = self.current.len() == self.room;
        if self.comma == Some(token.id) {
            self.last_comma = Some(self.current.len());
        } else if let Some(comma) = self.last_comma.filter(|comma| full && self.room - comma <= COMMA_BACKTRACK) {
            let moved = self.current.split_off(comma + 1);
            self.next();
            self.current = moved;
        }
        if self.current.len() == self.room || self.splits(token.together) {
            self.next();
        }
        self.current.push(token);
        self.count += 1;
    }

    /// Whether so many tokens would not fit into what is left of a chunk, and do into a new one.
    fn splits(&self, together: usize) -> bool {
        let fits_anew = !self.current.is_empty() && together <= self.room;
        fits_anew && self.current.len() + together > self.room
    }

    fn next(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
        self.last_comma = None;
    }

    /// At a `BREAK`.
    fn cut(&mut self) {
        self.breaks.push(self.count);
        self.next();
    }

    fn finish(mut self) -> (Vec<Vec<Token>>, Vec<usize>) {
        if !self.current.is_empty() || self.done.is_empty() {
            self.next();
        }
        (self.done, self.breaks)
    }
}

/// Each chunk with start, end and padding.
fn laid_out(chunks: &[Vec<Token>], breaks: Vec<usize>, found: &[Found], text: Text) -> Tokens {
    let length = text.max_length as usize;
    let (weights, own, placed) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = Tokens { ids: Vec::new(), used: 0, spans: Vec::new(), weights, own, placed, breaks, cut: None };
    for (start, chunk) in (0..).step_by(length.max(1)).zip(chunks) {
        all.ids.push(text.bos_token_id);
        all.ids.extend(chunk.iter().map(|token| token.id));
        all.ids.push(text.eos_token_id);
        all.spans.push(0..0);
        all.spans.extend(chunk.iter().map(|token| token.span.clone()));
        all.weights.push(1.0);
        all.weights.extend(chunk.iter().map(|token| token.weight));
        all.own.extend(start + 1..=start + chunk.len());
        all.used += chunk.len() + 2;
        all.ids.resize(start + length, text.pad_token_id);
        all.spans.resize(start + length, 0..0);
        all.weights.resize(start + length, 1.0);
    }
    let of = chunks.iter().flatten().map(|token| token.found);
    all.placed = stand_in::placed(found, all.own.iter().copied().zip(of));
    all
}
