//! What AUTOMATIC1111's web UI has in prompts beside weights, and this project does not draw: several prompts in one, and
//! words that change between steps.

/// What is wrong with a prompt for that reason, as a predicate; `None` where it is drawn the same in every step. Brackets
/// more than `deepest` in one another are refused too.
pub(super) fn refuses(prompt: &str, deepest: usize) -> Option<String> {
    if whole_words(prompt, "AND").next().is_some() {
        return Some("has `AND`, by which the web UI joins several prompts, and there is one here; write `and`".into());
    }
    if let Some(weight) = weight_of_all(prompt) {
        let reason = "which the web UI takes for the weight of the whole; write a word behind it";
        return Some(format!("ends with `{weight}`, {reason}"));
    }
    changes(prompt, deepest)
}

/// Where a word stands alone, letters, digits and `_` making words.
pub(super) fn whole_words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let (before, behind) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_word) && !behind.starts_with(is_word)
    })
}

/// A text of which a message shows so much.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

pub(super) fn too_deep(deepest: usize) -> String {
    format!("has more than {deepest} brackets in one another")
}

/// `:1.2` at the end of a prompt.
fn weight_of_all(prompt: &str) -> Option<&str> {
    let text = prompt.trim_end();
    let (_, number) = text.rsplit_once(':')?;
    let digits = number.trim_start();
    let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    is_decimal(digits).then(|| &text[text.len() - number.len() - 1..])
}

/// `1`, `1.`, `1.5` or `.5`.
fn is_decimal(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c == '.')
        && text.matches('.').count() <= 1
        && text.contains(|c: char| c.is_ascii_digit())
}

/// A bracket that is open.
struct Open {
    at: usize,
    square: bool,
    /// The last `:` in it and in no bracket within.
    colon: Option<usize>,
    /// Whether there is a `|` in it and in no bracket within.
    bar: bool,
}

/// `[from:to:0.5]` and `[one|other]`.
fn changes(prompt: &str, deepest: usize) -> Option<String> {
    let mut open: Vec<Open> = Vec::new();
    let mut escaped = false;
    for (at, c) in prompt.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match c {
            '\\' => escaped = true,
            '(' | '[' if open.len() >= 2 * deepest => return Some(too_deep(deepest)),
            '(' | '[' => open.push(Open { at, square: c == '[', colon: None, bar: false }),
            ')' | ']' => {
                let Some(place) = open.iter().rposition(|open| open.square == (c == ']')) else { continue };
                let Some(closed) = open.drain(place..).next().filter(|closed| closed.square) else { continue };
                let number = closed.colon.and_then(|colon| prompt.get(colon + 1..at));
                if closed.bar || number.is_some_and(is_step) {
                    let text = shortened(prompt.get(closed.at..=at).unwrap_or_default());
                    let reason = "words that change between steps, and here all steps draw the same ones";
                    return Some(format!("has `{text}`, {reason}"));
                }
            }
            ':' => open.iter_mut().last().into_iter().for_each(|inner| inner.colon = Some(at)),
            '|' => open.iter_mut().last().into_iter().for_each(|inner| inner.bar = true),
            _ => {}
        }
    }
    None
}

/// Whether it says in which step, or at which share of them, words change.
fn is_step(text: &str) -> bool {
    let number = text.trim();
    number.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && number.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_drawn_is_named() {
        for (prompt, named) in [
            ("a dog AND a cat", "`AND`"),
            ("(dog AND cat)", "`AND`"),
            ("a [dog:cat:0.5] b", "`[dog:cat:0.5]`"),
            ("[[dog]:cat: 3 ]", "`[[dog]:cat: 3 ]`"),
            ("[dog::.5]", "`[dog::.5]`"),
            ("[fe|]male", "`[fe|]`"),
            ("a dog : 1.2 ", "`: 1.2`"),
            ("at 12:30.", "`:30.`"),
        ] {
            let reason = refuses(prompt, 64).expect(prompt);
            assert!(reason.contains(named), "{prompt}: {reason}");
        }
        for plain in
            ["ANDROID BAND", "a [dog:cat]", r"\[dog:0.5\]", "a | b (c|d)", "12:30 h", "", "[a (b:0.5]", r"[a\|b]"]
        {
            assert_eq!(refuses(plain, 64), None, "{plain}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text: String, brackets in "[a:|0.5()\\[\\]\\\\ ]{0,60}") {
            let _ = (refuses(&text, 4), refuses(&brackets, 4), shortened(&text).len());
        }
    }
}
