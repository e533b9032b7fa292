//! The prompts of a sample sheet: `{}` stands for the subject.

use cones_core::Subject;

/// A prompt with `{}` replaced by things, "X and a Y" where there are several. An article before `{}` follows them.
pub fn fill(prompt: &str, things: &[&str]) -> String {
    let same: Vec<(&str, &str)> = things.iter().map(|thing| (*thing, *thing)).collect();
    put(prompt, &same)
}

/// A prompt for [`Request::filled`](cones_core::Request::filled): `{}` replaced by the names of subjects, in braces.
pub fn name(prompt: &str, subjects: &[Subject]) -> String {
    let names: Vec<String> = subjects.iter().map(|subject| format!("{{{}}}", subject.name)).collect();
    let things: Vec<(&str, &str)> = names.iter().zip(subjects).map(|(n, s)| (n.as_str(), s.trigger.as_str())).collect();
    // Other braces are plain ones.
    let plain = prompt.split("{}").map(|text| text.replace('{', "{{").replace('}', "}}")).collect::<Vec<_>>();
    put(&plain.join("{}"), &things)
}

/// Things as they are written, each with the words that the article before it goes by.
fn put(prompt: &str, things: &[(&str, &str)]) -> String {
    let Some((first, others)) = things.split_first() else { return prompt.to_owned() };
    let mut all = first.0.to_owned();
    for (i, (thing, said)) in others.iter().enumerate() {
        let joint = if i + 1 == others.len() { " and" } else { "," };
        all.push_str(&format!("{joint} {} {thing}", article(said)));
    }
    let with_article = format!("{} {all}", article(first.1));
    let mut out = String::new();
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once("{}") {
        let word = before.strip_suffix("an ").or_else(|| before.strip_suffix("a "));
        match word.filter(|head| head.is_empty() || head.ends_with(char::is_whitespace)) {
            Some(head) => out.push_str(&format!("{head}{with_article}")),
            None => out.push_str(&format!("{before}{all}")),
        }
        rest = after;
    }
    out + rest
}

fn article(thing: &str) -> &'static str {
    if thing.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_take_the_place_of_the_braces() {
        assert_eq!(fill("a {} on grass", &["<v1> dog"]), "a <v1> dog on grass");
        assert_eq!(fill("a {} on grass", &["owl"]), "an owl on grass");
        assert_eq!(fill("an {}", &["dog", "owl", "cat"]), "a dog, an owl and a cat");
        assert_eq!(fill("Banana {}!", &["dog", "owl"]), "Banana dog and an owl!");
        assert_eq!(fill("a {} and a {}", &["{}"]), "a {} and a {}");
        assert_eq!(fill("nothing", &["dog"]), "nothing");
        let nothing = cones_core::ConceptMask::empty(&[]);
        let subject = |name: &str, trigger: &str| Subject::new(name, nothing.clone()).on_trigger(trigger);
        let two = [subject("rex", "<v1> dog"), subject("tin", "owl <v1>")];
        assert_eq!(name("a {} on {grass", &two), "a {rex} and an {tin} on {{grass");
        assert_eq!(name("a {}", &two[1..]), "an {tin}");
    }
}
