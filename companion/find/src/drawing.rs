//! Pictures of prompts, with packs and without.

use cones_core::subjects::prompt;
use cones_core::{CancelToken, Drawn, Engine, Request, Subject, WordBox};

use crate::error::Result;
use crate::prompts::replace_by_name;

/// Contexts that any text-to-image model knows, Toybox among them; `{}` stands for the subject.
const CONTEXTS: [&str; 8] = [
    "a {} on grass",
    "a {} in the snow",
    "a {} on the beach",
    "a {} at night",
    "a {} in front of a brick wall",
    "a {} in the desert",
    "a {} on a yellow background",
    "a {} and an apple in the snow",
];

/// The lines of a sample sheet where nothing else is asked for.
pub fn contexts() -> Vec<String> {
    CONTEXTS.into_iter().map(str::to_owned).collect()
}

/// A pack with what the base model calls such a thing.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The subject.
    pub subject: Subject,
    /// Its class word.
    pub class: String,
}

/// An engine, and how it is to draw.
#[derive(Debug)]
pub struct Drawing<'a> {
    /// The engine.
    pub engine: &'a mut Engine,
    /// Seed of the first picture of each prompt.
    pub seed: u64,
    /// Pictures of each prompt.
    pub count: u32,
    /// Denoising steps; the bundle's by default.
    pub steps: Option<u32>,
    /// Whether each of several subjects has a part of the picture of its own ([`WordBox::apart`]).
    pub apart: bool,
    /// Stops it.
    pub cancel: &'a CancelToken,
}

impl Drawing<'_> {
    /// All pictures of all lines, by line and then by seed; with the packs, or with the class words by the base model.
    ///
    /// # Errors
    /// As [`request`] and [`Engine::generate`].
    pub fn draw(&mut self, lines: &[String], set: &[&Shown], with: bool) -> Result<Vec<Drawn>> {
        let mut drawn = Vec::new();
        for line in lines {
            let mut request = request(line, set, with)?;
            request.seed = self.seed;
            request.count = self.count;
            request.steps = self.steps;
            if self.apart {
                request.boxes = WordBox::apart(called(&request, set));
            }
            drawn.extend(self.engine.generate(&request, &mut (), self.cancel)?.pictures);
        }
        Ok(drawn)
    }
}

/// What a line asks for: `{}` stands for the first pack, `{NAME}` for that of the name; without the packs, for their class
/// words.
///
/// # Errors
/// As [`prompt::fill`].
pub fn request(line: &str, set: &[&Shown], with: bool) -> Result<Request> {
    let named = |shown: &&Shown| {
        let mut subject = shown.subject.clone();
        if !with {
            subject.trigger.clone_from(&shown.class);
        }
        subject
    };
    let subjects: Vec<Subject> = set.iter().map(named).collect();
    let mut line = line.to_owned();
    if let Some(first) = subjects.first() {
        line = by_name(&line, "{}", first).replace("{}", &format!("{{{}}}", first.name));
    }
    for subject in &subjects {
        line = by_name(&line, &format!("{{{}}}", subject.name), subject);
    }
    let mut request = Request::new(line);
    request.subjects = subjects;
    if with {
        return Ok(request.filled()?);
    }
    Ok(Request::new(prompt::fill(&request.prompt, &request.subjects)?.text))
}

/// By what the subjects that a request draws are named in boxes: packs by name, the base model's things by their class words.
fn called(request: &Request, set: &[&Shown]) -> Vec<String> {
    let is_named = |subject: &&Subject| subject.places.as_ref().is_some_and(|places| !places.prompt.is_empty());
    if request.subjects.is_empty() {
        return set.iter().map(|shown| shown.class.clone()).filter(|class| request.prompt.contains(class)).collect();
    }
    request.subjects.iter().filter(is_named).map(|subject| format!("{{{}}}", subject.name)).collect()
}

/// The subject's name in place of something, and the article before it made to fit its words.
fn by_name(line: &str, place: &str, subject: &Subject) -> String {
    replace_by_name(line, place, &subject.name, &subject.trigger).unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use cones_core::ConceptMask;

    use super::*;

    #[test]
    fn each_context_has_one_place_for_the_subject() {
        assert!(contexts().iter().all(|context| context.matches("{}").count() == 1));
    }

    #[test]
    fn lines_stand_for_both_drawings() {
        let shown = |name: &str, trigger: &str, class: &str| Shown {
            subject: Subject::new(name, ConceptMask::empty(&[])).on_trigger(trigger),
            class: class.into(),
        };
        let (rex, owl) = (shown("rex", "<v1> dog", "dog"), shown("hoo", "<v1> owl", "owl"));
        let asked = |line: &str, with| {
            let request = request(line, &[&rex, &owl], with).expect("names that are on");
            (request.prompt, request.subjects.len())
        };
        assert_eq!(asked("a {rex} and a {hoo} {{x}}", true), ("a <v1> dog and a <v1> owl {x}".into(), 2));
        assert_eq!(asked("a {rex} and a {hoo} {{x}}", false), ("a dog and an owl {x}".into(), 0));
        assert_eq!(asked("a {} and {}", true).0, "a <v1> dog and <v1> dog");
        assert_eq!(asked("an {}", false).0, "a dog");
        assert!(request("a {tom}", &[&rex], true).is_err());
        let called = |line: &str, with| {
            let set = [&rex, &owl];
            super::called(&request(line, &set, with).expect("names that are on"), &set)
        };
        assert_eq!(called("a {rex} and a {hoo}", true), ["{rex}", "{hoo}"]);
        assert_eq!(called("a {rex} and a {hoo}", false), ["dog", "owl"]);
        assert_eq!(
            (called("a {hoo}", true), called("a {hoo}", false)),
            (vec!["{hoo}".to_owned()], vec!["owl".to_owned()])
        );
    }
}
