//! Weights of words as AUTOMATIC1111's web UI has them in prompts.
//!
//! `(words)` weigh 1.1 times as much, `[words]` less by the same, `(words:1.3)` 1.3 times; brackets in one another multiply. `\(`, `\)`,
//! `\[`, `\]` and `\\` are the characters themselves. Brackets that nobody closes hold the rest of the prompt, and those
//! that nobody opened are text. `BREAK` begins another chunk.

use std::ops::Range;

use super::editing;

/// Brackets in one another: more make weights that no picture survives.
const DEEPEST: usize = 64;
/// The most that words weigh, either way.
const HEAVIEST: f64 = 1000.0;
/// What `(` multiplies by, and `[` divides by.
const STEP: f64 = 1.1;
const BREAK: &str = "BREAK";

/// A piece of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words of one weight.
    Words(Weighted),
    /// Here another chunk begins.
    Break,
}

/// Words of one weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// The bytes of the prompt that they are made of, in order, without brackets and the backslashes of escapes.
    pub pieces: Vec<Range<usize>>,
    /// How much they weigh; 1 where nothing is said.
    pub weight: f64,
}

/// Takes a prompt apart. Neighbours differ in weight; there is at least one part.
///
/// # Errors
/// With what is wrong, as a predicate of the prompt: for what the web UI draws otherwise than all at once (`AND`,
/// `[from:to:0.5]`, `[one|other]`, `:1.2` at the very end), for `BREAK` in brackets, which it takes for a word, and for
/// weights that are no numbers or beyond ±1000, and brackets more than 64 deep.
pub fn parse(prompt: &str) -> Result<Vec<Part>, String> {
    if let Some(reason) = editing::refuses(prompt, DEEPEST) {
        return Err(reason);
    }
    let mut parser = Parser::default();
    let mut at = 0;
    while let Some(rest) = prompt.get(at..).filter(|rest| !rest.is_empty()) {
        at += parser.take(prompt, at, rest)?;
    }
    for start in std::mem::take(&mut parser.round) {
        parser.weigh(start, STEP);
    }
    for start in std::mem::take(&mut parser.square) {
        parser.weigh(start, 1.0 / STEP);
    }
    parser.merged(prompt)
}

impl Weighted {
    /// The words.
    #[must_use]
    pub fn text(&self, prompt: &str) -> String {
        self.pieces.iter().filter_map(|piece| prompt.get(piece.clone())).collect()
    }

    /// Where in the prompt each byte of the words stands.
    #[must_use]
    pub fn places(&self) -> Vec<usize> {
        self.pieces.iter().cloned().flatten().collect()
    }
}

/// What is read so far: pieces with their weights, and for each open bracket the first piece in it.
#[derive(Default)]
struct Parser {
    pieces: Vec<(Piece, f64)>,
    round: Vec<usize>,
    square: Vec<usize>,
}

#[derive(Clone, PartialEq)]
enum Piece {
    Text(Range<usize>),
    Break,
}

impl Parser {
    /// Takes what stands at `at`, where `rest` begins, and says how many bytes that is.
    fn take(&mut self, prompt: &str, at: usize, rest: &str) -> Result<usize, String> {
        let first = rest.chars().next().unwrap_or_default();
        match first {
            '\\' => {
                // A backslash before anything else goes, and what is behind it is read as ever.
                let escaped = rest[1..].starts_with(['(', ')', '[', ']', '\\']);
                let length = if escaped { 2 } else { 1 };
                self.push(at + 1..at + length);
                Ok(length)
            }
            '(' => open(&mut self.round, self.pieces.len()),
            '[' => open(&mut self.square, self.pieces.len()),
            ')' if !self.round.is_empty() => Ok(self.close(STEP)),
            ']' if !self.square.is_empty() => {
                let start = self.square.pop().unwrap_or_default();
                self.weigh(start, 1.0 / STEP);
                Ok(1)
            }
            ':' => match number(rest) {
                Some((digits, length)) if !self.round.is_empty() => {
                    let weight =
                        digits.parse().map_err(|_| format!("has the weight `{digits}`, which is no number"))?;
                    self.close(weight);
                    Ok(length)
                }
                Some((_, length)) => {
                    self.push(at..at + length);
                    Ok(length)
                }
                None => {
                    self.push(at..at + 1);
                    Ok(1)
                }
            },
            ')' | ']' => {
                self.push(at..at + 1);
                Ok(1)
            }
            _ => {
                let length = rest.find(['\\', '(', ')', '[', ']', ':']).unwrap_or(rest.len());
                self.words(prompt, at..at + length);
                Ok(length)
            }
        }
    }

    fn push(&mut self, bytes: Range<usize>) {
        self.pieces.push((Piece::Text(bytes), 1.0));
    }

    /// Text without brackets, which each `BREAK` cuts, the space around it included.
    fn words(&mut self, prompt: &str, bytes: Range<usize>) {
        let text = prompt.get(bytes.clone()).unwrap_or_default();
        let mut start = 0;
        for at in editing::whole_words(text, BREAK) {
            let behind = at + BREAK.len();
            let before = text[start..at].trim_end();
            self.push(bytes.start + start..bytes.start + start + before.len());
            self.pieces.push((Piece::Break, 1.0));
            start = behind + (text.len() - behind - text[behind..].trim_start().len());
        }
        self.push(bytes.start + start..bytes.end);
    }

    /// Closes a round bracket.
    fn close(&mut self, weight: f64) -> usize {
        let start = self.round.pop().unwrap_or_default();
        self.weigh(start, weight);
        1
    }

    fn weigh(&mut self, start: usize, by: f64) {
        self.pieces.iter_mut().skip(start).for_each(|(_, weight)| *weight *= by);
    }

    /// The parts, neighbours of one weight together.
    fn merged(self, prompt: &str) -> Result<Vec<Part>, String> {
        let mut parts: Vec<Part> = Vec::new();
        for (piece, weight) in self.pieces {
            match (piece, parts.last_mut()) {
                (Piece::Break, _) if weight == 1.0 => parts.push(Part::Break),
                (Piece::Break, _) => {
                    return Err("has `BREAK` in brackets, where the web UI takes it for a word; put it outside".into());
                }
                (Piece::Text(bytes), Some(Part::Words(words))) if words.weight == weight => words.pieces.push(bytes),
                (Piece::Text(bytes), _) => parts.push(Part::Words(Weighted { pieces: vec![bytes], weight })),
            }
        }
        if parts.is_empty() {
            parts.push(Part::Words(Weighted { pieces: Vec::new(), weight: 1.0 }));
        }
        match parts.iter().find_map(too_heavy) {
            Some(words) => {
                let (text, weight) = (editing::shortened(&words.text(prompt)), words.weight);
                Err(format!("weighs `{text}` {weight:e} times; {HEAVIEST} is the most, either way"))
            }
            None => Ok(parts),
        }
    }
}

fn open(brackets: &mut Vec<usize>, start: usize) -> Result<usize, String> {
    if brackets.len() >= DEEPEST {
        return Err(editing::too_deep(DEEPEST));
    }
    brackets.push(start);
    Ok(1)
}

/// The number of `:1.3)`, which a text begins with, and the length of all that.
fn number(text: &str) -> Option<(&str, usize)> {
    let digits = text.strip_prefix(':')?.trim_start();
    let signless = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let behind = signless.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let closed = behind.trim_start().strip_prefix(')')?;
    let digits = &digits[..digits.len() - behind.len()];
    (behind.len() < signless.len()).then_some((digits, text.len() - closed.len()))
}

fn too_heavy(part: &Part) -> Option<&Weighted> {
    match part {
        Part::Words(words) if words.weight.is_nan() || words.weight.abs() > HEAVIEST => Some(words),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(prompt: &str) -> Vec<(String, f64)> {
        let words = |part: Part| match part {
            Part::Words(words) => (words.text(prompt), words.weight),
            Part::Break => (BREAK.into(), -1.0),
        };
        parse(prompt).expect("a prompt").into_iter().map(words).collect()
    }

    #[test]
    fn words_weigh_what_their_brackets_say() {
        // `tests/golden/emphasis` has hundreds from the web UI's own code.
        let is = |prompt: &str, parts: &[(&str, f64)]| {
            let parts: Vec<_> = parts.iter().map(|(text, weight)| ((*text).to_owned(), *weight)).collect();
            assert_eq!(weighed(prompt), parts, "{prompt}");
        };
        is("an (important) word", &[("an ", 1.0), ("important", 1.1), (" word", 1.0)]);
        is("[(a: 1.5 ) b] c", &[("a", 1.5 / 1.1), (" b", 1.0 / 1.1), (" c", 1.0)]);
        is("(unbalanced", &[("unbalanced", 1.1)]);
        is(r"\(literal\]", &[("(literal]", 1.0)]);
        is("a BREAK b", &[("a", 1.0), (BREAK, -1.0), ("b", 1.0)]);
        is("", &[("", 1.0)]);
    }

    #[test]
    fn where_words_stand_in_the_prompt_is_known_behind_escapes() {
        let prompt = r"\(a\) (dög:1.2)";
        let parts = parse(prompt).expect("a prompt");
        let [Part::Words(plain), Part::Words(heavy)] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(plain.text(prompt), "(a) ");
        assert_eq!(plain.places(), [1, 2, 4, 5]);
        assert_eq!(heavy.places(), [7, 8, 9, 10]);
    }

    #[test]
    fn what_no_picture_survives_is_refused() {
        let refused = |prompt: &str| parse(prompt).expect_err(prompt);
        assert!(refused(&"(".repeat(100_000)).contains("64"));
        assert!(refused(&"([".repeat(100_000)).contains("64"));
        assert!(refused(&format!("{}a{}", "(".repeat(70), ")".repeat(70))).contains("64"));
        assert!(refused(&format!("(word:{})", "9".repeat(400))).contains("`word`"));
        assert!(refused("(word:-1001)").contains("1000"));
        // Infinity times nothing is no number.
        assert!(refused(&format!("((word:{}):0)", "9".repeat(400))).contains("`word`"));
        assert!(refused("(word:1.2.3)").contains("`1.2.3`"));
        assert!(refused("(dog BREAK cat:1.2)").contains("BREAK"));
        assert!(parse(&"(a) ".repeat(50_000)).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn anything_is_taken_apart_or_refused(prompt in "[ a:.0-9()\\[\\]\\\\|üBREAKND+-]{0,80}") {
            if let Ok(parts) = parse(&prompt) {
                proptest::prop_assert!(!parts.is_empty());
                let mut end = 0;
                for part in &parts {
                    let Part::Words(words) = part else { continue };
                    proptest::prop_assert!(words.weight.abs() <= HEAVIEST);
                    for piece in &words.pieces {
                        proptest::prop_assert!(piece.start >= end && prompt.get(piece.clone()).is_some());
                        end = piece.end;
                    }
                }
            }
        }

        #[test]
        fn text_without_any_of_it_is_itself(prompt in "[a-z ,.{}<>!ü\n]{0,60}") {
            proptest::prop_assert_eq!(weighed(&prompt), [(prompt.clone(), 1.0)]);
        }
    }
}
