//! Prompts that name subjects: `a {dog} on grass`.

use crate::error::{Error, Result};
use crate::subjects::subject::Subject;

/// A prompt with the triggers in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// What the text encoder gets.
    pub text: String,
    /// For each subject, in their order, the bytes of `text` at which its trigger begins where it was named; ascending.
    pub starts: Vec<Vec<usize>>,
}

/// Replaces each `{NAME}` by the trigger of the subject of that name; `{{` and `}}` stand for braces.
///
/// Names are exact. A subject that is off (strength 0) may be named too, so that a slider does not change the words.
/// [`Request::filled`](crate::Request::filled) does it with both prompts of a request, and keeps in mind which subject
/// was named where.
///
/// # Errors
/// [`Error::BadRequest`] when a name belongs to none of the subjects, which are then listed, or to several of them, when
/// its subject has no trigger, and for a brace without its other half.
pub fn fill(prompt: &str, subjects: &[Subject]) -> Result<Filled> {
    let mut starts = vec![Vec::new(); subjects.len()];
    let mut filled = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        rest = if let Some(after) = from.strip_prefix("{{") {
            filled.push('{');
            after
        } else if let Some(after) = from.strip_prefix("}}") {
            filled.push('}');
            after
        } else if let Some((name, after)) = from.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            let (subject, trigger) = named(name, subjects)?;
            starts.get_mut(subject).into_iter().for_each(|own| own.push(filled.len()));
            filled.push_str(trigger);
            after
        } else {
            let brace = from.chars().next().unwrap_or('{');
            let reason = format!("has a `{brace}` without its other half; write `{brace}{brace}` for a plain one");
            return Err(Error::request("prompt", reason));
        };
    }
    filled.push_str(rest);
    Ok(Filled { text: filled, starts })
}

/// Which subject it is, and its trigger.
fn named<'a>(name: &str, subjects: &'a [Subject]) -> Result<(usize, &'a str)> {
    let mut of_name = subjects.iter().enumerate().filter(|(_, s)| s.name == name);
    let (place, subject) = of_name.next().ok_or_else(|| unknown(name, subjects))?;
    let others = of_name.count();
    if others > 0 {
        let count = others + 1;
        let reason =
            format!("names `{{{name}}}`, and {count} subjects of that name are given; give each a name of its own");
        return Err(Error::request("prompt", reason));
    }
    if subject.trigger.trim().is_empty() {
        return Err(Error::request("prompt", format!("names `{{{name}}}`, a subject without trigger words")));
    }
    Ok((place, &subject.trigger))
}

fn unknown(name: &str, subjects: &[Subject]) -> Error {
    let names: Vec<String> = subjects.iter().map(|s| format!("`{{{}}}`", s.name)).collect();
    let on = if names.is_empty() { "none is on".into() } else { format!("on are {}", names.join(", ")) };
    Error::request(
        "prompt",
        format!("names the subject `{{{name}}}`, but {on}; for plain braces write `{{{{` and `}}}}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subjects::mask::ConceptMask;

    fn subjects() -> Vec<Subject> {
        let subject = |name: &str, trigger: &str| Subject::new(name, ConceptMask::empty(&[])).on_trigger(trigger);
        vec![subject("rex", "<v1> dog"), subject("tin-1.5", "<v1> {robot}"), subject("nameless", " ")]
    }

    #[test]
    fn names_become_triggers() {
        let fill = |prompt| fill(prompt, &subjects()).expect("names that are on").text;
        assert_eq!(fill("a {rex} and a {tin-1.5} 🐶, {rex}"), "a <v1> dog and a <v1> {robot} 🐶, <v1> dog");
        assert_eq!(fill("{rex}"), "<v1> dog");
        assert_eq!(fill(""), "");
        assert_eq!(fill("no names"), "no names");
    }

    #[test]
    fn who_was_named_where_is_told() {
        let filled = fill("ä {rex}, {{rex}} {tin-1.5} and {rex}", &subjects()).expect("names that are on");
        let at = |start: usize, trigger: &str| filled.text[start..].starts_with(trigger);
        assert_eq!(filled.starts, [vec![3, 36], vec![19], vec![]], "{}", filled.text);
        assert!(at(3, "<v1> dog") && at(36, "<v1> dog") && at(19, "<v1> {robot}"), "{}", filled.text);
    }

    #[test]
    fn a_name_of_two_subjects_is_never_the_first_one_s() {
        let mut twice = subjects();
        twice[1].name = "rex".into();
        let error = fill("a {rex}", &twice).expect_err("two of them").to_string();
        assert!(error.contains("`{rex}`") && error.contains("2 subjects of that name"), "{error}");
        assert!(fill("a dog", &twice).is_ok(), "nobody is named");
    }

    #[test]
    fn doubled_braces_are_plain_ones() {
        let fill = |prompt| fill(prompt, &subjects()).expect("balanced").text;
        assert_eq!(fill("{{rex}}"), "{rex}");
        assert_eq!(fill("{{{rex}}}"), "{<v1> dog}");
        assert_eq!(fill("a {{ or }} alone"), "a { or } alone");
    }

    #[test]
    fn unknown_names_list_those_that_are_on() {
        let error = fill("a {dog}", &subjects()).expect_err("no such subject").to_string();
        assert!(error.contains("`{dog}`") && error.contains("`{rex}`, `{tin-1.5}`"), "{error}");
        let error = fill("a {dog}", &[]).expect_err("no subjects at all").to_string();
        assert!(error.contains("none is on") && error.contains("`{{`"), "{error}");
        for prompt in ["{}", "{ rex}", "{Rex}", "{nameless}"] {
            assert!(matches!(fill(prompt, &subjects()), Err(Error::BadRequest { field: "prompt", .. })), "{prompt}");
        }
    }

    #[test]
    fn lone_braces_are_errors() {
        for prompt in ["{", "a {rex", "}", "rex}", "{{{", "}}}", "ä{"] {
            let error = fill(prompt, &subjects()).expect_err(prompt).to_string();
            assert!(error.contains("other half"), "{prompt}: {error}");
        }
    }
}
