//! The prompts of a subject's pictures, of its class and of other things.

/// Places that any text-to-image model knows.
const CONTEXTS: [&str; 8] = [
    "on grass",
    "in the snow",
    "on the beach",
    "at night",
    "in front of a brick wall",
    "on a white background",
    "in the desert",
    "in the water",
];

/// Things that any text-to-image model knows.
const THINGS: [&str; 16] = [
    "apple", "banana", "car", "tree", "cat", "dog", "house", "umbrella", "guitar", "pizza", "frog", "balloon", "key",
    "crown", "camera", "bus",
];

/// `count` prompts with something of the class.
pub fn of_class(class: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{} {}", with_article(class), CONTEXTS[i % CONTEXTS.len()])).collect()
}

/// `count` prompts without anything of the class.
pub fn of_others(class: &str, count: usize) -> Vec<String> {
    let things = things_but(class);
    // 5 and the number of contexts have no common divisor: things and places meet in many ways.
    (0..count)
        .map(|i| format!("{} {}", with_article(things[i % things.len()]), CONTEXTS[(5 * i) % CONTEXTS.len()]))
        .collect()
}

/// Things that no word of `class` names.
pub(crate) fn things_but(class: &str) -> Vec<&'static str> {
    THINGS.into_iter().filter(|thing| !class.split(' ').any(|word| word == *thing)).collect()
}

/// A caption with the trigger in the class word's place: `an owl at night` becomes `a <v1> owl at night`. Where the
/// class word does not occur, the trigger goes in front.
pub fn with_trigger(caption: &str, class: &str, trigger: &str) -> String {
    if holds(caption, trigger) {
        return caption.to_owned();
    }
    replace_words(caption, class, trigger).unwrap_or_else(|| format!("{} {caption}", with_article(trigger)))
}

/// The caption with other words in the place where `class` first stands, and the article before it made to fit; none where
/// it does not occur.
pub fn replace_words(caption: &str, class: &str, words_for_it: &str) -> Option<String> {
    put(caption, class, words_for_it, words_for_it)
}

/// The caption with `{NAME}` in place of `class`, where it first stands, and the article before it made to fit the words that
/// `{NAME}` stands for; none where it does not occur.
pub fn replace_by_name(caption: &str, class: &str, name: &str, words_for_it: &str) -> Option<String> {
    put(caption, class, &format!("{{{name}}}"), words_for_it)
}

/// Puts `written` in the place of `class`, with the article that `said` takes.
fn put(caption: &str, class: &str, written: &str, said: &str) -> Option<String> {
    let words: Vec<&str> = caption.split(' ').collect();
    let class: Vec<&str> = class.split(' ').collect();
    let place = words.windows(class.len()).position(|window| window == class)?;
    let mut out: Vec<String> = words[..place].iter().map(|w| (*w).to_owned()).collect();
    if let Some(article) = out.last_mut().filter(|w| matches!(w.as_str(), "a" | "an")) {
        *article = article_of(said).to_owned();
    }
    out.push(written.to_owned());
    out.extend(words[place + class.len()..].iter().map(|w| (*w).to_owned()));
    Some(out.join(" "))
}

/// What a picture without a caption is called.
pub fn plain(trigger: &str) -> String {
    with_article(trigger)
}

fn holds(caption: &str, trigger: &str) -> bool {
    !trigger.is_empty() && caption.contains(trigger)
}

fn with_article(thing: &str) -> String {
    format!("{} {thing}", article_of(thing))
}

fn article_of(thing: &str) -> &'static str {
    if thing.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trigger_takes_the_place_of_the_class_word() {
        assert_eq!(with_trigger("an owl at night", "owl", "<v1> owl"), "a <v1> owl at night");
        assert_eq!(with_trigger("a red car", "red car", "<v2> car"), "a <v2> car");
        assert_eq!(with_trigger("a portrait", "owl", "<v1> owl"), "a <v1> owl a portrait");
        assert_eq!(with_trigger("a <v1> owl", "owl", "<v1> owl"), "a <v1> owl");
        assert_eq!(with_trigger("", "owl", "<v1> owl"), "a <v1> owl ");
    }

    #[test]
    fn words_are_put_where_a_name_stands_though_the_name_holds_them() {
        assert_eq!(replace_words("a {fluent-owl} at night", "{fluent-owl}", "owl").as_deref(), Some("an owl at night"));
        assert_eq!(replace_words("a dog", "{}", "owl"), None);
    }

    #[test]
    fn others_are_never_of_the_class() {
        let others = of_others("dog", 64);
        assert_eq!(others.len(), 64);
        assert!(others.iter().all(|prompt| !prompt.contains("dog")), "{others:?}");
        assert!(of_class("octopus", 9).iter().all(|prompt| prompt.starts_with("an octopus ")));
    }
}
