//! The text in which image tools say how a picture was made: prompt, negative prompt, one line of settings. AUTOMATIC1111's web UI
//! defined it; many others read it.

use crate::sampling::scheduler::choice::Scheduler;

const NEGATIVE: &str = "Negative prompt:";
/// Fewer settings than this in the last line, and it is a line of the prompt: the web UI's own rule.
const LEAST_SETTINGS: usize = 3;
/// How far guidance is brought back to the prompt's own deviation. The web UI itself has no name for it.
pub(super) const RESCALE: &str = "CFG rescale";

/// Words for between quotes: what would end the field is left out.
pub(super) fn unquoted(words: &str) -> String {
    words.chars().filter(|c| !matches!(c, '"' | ',' | '\n')).collect()
}

/// What such a text says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InfoText {
    /// The prompt, as it was typed.
    pub prompt: String,
    /// The negative prompt, as it was typed.
    pub negative_prompt: String,
    /// The settings, in their order; quotes are taken off.
    pub settings: Vec<(String, String)>,
}

impl InfoText {
    /// Takes a text apart. Whatever it is, it has a prompt.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (mut lines, last) = text.rsplit_once('\n').unwrap_or(("", text));
        let mut parsed = settings(last);
        if parsed.len() < LEAST_SETTINGS {
            (lines, parsed) = (text, Vec::new());
        }
        let (mut prompt, mut negative) = (Vec::new(), Vec::new());
        let mut is_negative = false;
        for line in lines.lines().map(str::trim) {
            let line = match line.strip_prefix(NEGATIVE) {
                Some(rest) => {
                    is_negative = true;
                    rest.trim()
                }
                None => line,
            };
            if is_negative { &mut negative } else { &mut prompt }.push(line);
        }
        Self { prompt: prompt.join("\n"), negative_prompt: negative.join("\n"), settings: parsed }
    }

    /// A setting by its name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `Name: value, Name: "value, with comma"`.
fn settings(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((name, behind)) = rest.split_once(':') {
        let name = name.trim();
        let (value, next) = value(behind.trim_start());
        let is_name = |c: char| c.is_alphanumeric() || " _-/".contains(c);
        if !name.is_empty() && name.chars().all(is_name) {
            found.push((name.to_owned(), value));
        }
        rest = next;
    }
    found
}

/// A value and what stands behind its comma.
fn value(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = quoted.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        if let Some((end, _)) = end {
            let (inside, behind) = (&quoted[..end], &quoted[end + 1..]);
            let plain = serde_json::from_str(&text[..end + 2]).unwrap_or_else(|_| inside.to_owned());
            return (plain, behind.split_once(',').map_or("", |(_, next)| next));
        }
    }
    let (value, next) = text.split_once(',').unwrap_or((text, ""));
    (value.trim().to_owned(), next)
}

/// How the web UI names a scheduler: its sampler and, where that leaves it open, its `Schedule type`.
pub(super) fn sampler(scheduler: Scheduler) -> (&'static str, Option<&'static str>) {
    match scheduler {
        Scheduler::Ddim => ("DDIM", None),
        // Without a type it would be drawn on the noise levels of Karras.
        Scheduler::DpmSolverPlusPlus2M => ("DPM++ 2M", Some("Uniform")),
        Scheduler::DpmSolverPlusPlus2MKarras => ("DPM++ 2M", Some("Karras")),
        Scheduler::Euler => ("Euler", None),
        Scheduler::EulerAncestral => ("Euler a", None),
        Scheduler::Lcm => ("LCM", None),
        Scheduler::Tcd => ("TCD", None),
    }
}

/// How the share of fresh noise is named: the web UI has one name for `DDIM`, another for all else.
pub(super) fn eta(scheduler: Scheduler) -> &'static str {
    if scheduler == Scheduler::Ddim { "Eta DDIM" } else { "Eta" }
}

/// The scheduler that a sampler's name and its schedule type mean; none where we have none like it. Older versions of the web UI put the
/// type behind the name; newer ones take the noise levels of Karras for `DPM++ 2M` where it is `Automatic`.
pub(super) fn scheduler(sampler: &str, kind: Option<&str>) -> Option<Scheduler> {
    let sampler = sampler.trim();
    let (name, kind) = match sampler.strip_suffix(" Karras") {
        Some(name) => (name, "Karras"),
        None => (sampler, kind.unwrap_or("")),
    };
    match (name, kind) {
        ("DPM++ 2M", "Karras" | "Automatic") => Some(Scheduler::DpmSolverPlusPlus2MKarras),
        ("DPM++ 2M", "" | "Uniform") => Some(Scheduler::DpmSolverPlusPlus2M),
        ("DDIM", _) => Some(Scheduler::Ddim),
        ("Euler", "" | "Uniform" | "Automatic") => Some(Scheduler::Euler),
        ("Euler a", "" | "Uniform" | "Automatic") => Some(Scheduler::EulerAncestral),
        ("LCM", _) => Some(Scheduler::Lcm),
        ("TCD", _) => Some(Scheduler::Tcd),
        // As this program wrote it once.
        (name, _) => name.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_web_ui_is_taken_apart() {
        // As in its own `modules/infotext_utils.py`.
        let text = "girl with an artist's beret, determined, blue eyes, desert scene\nsecond line\n\
                    Negative prompt: ugly, fat, obese\nchubby, (((deformed)))\n\
                    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x768, Model hash: 45dee52b, \
                    Lora hashes: \"a: 1, b: \\\"2\\\"\", Version: v1.9.0";
        let parsed = InfoText::parse(text);
        assert_eq!(parsed.prompt, "girl with an artist's beret, determined, blue eyes, desert scene\nsecond line");
        assert_eq!(parsed.negative_prompt, "ugly, fat, obese\nchubby, (((deformed)))");
        assert_eq!(parsed.setting("Sampler"), Some("Euler a"));
        assert_eq!(parsed.setting("Size"), Some("512x768"));
        assert_eq!(parsed.setting("Lora hashes"), Some("a: 1, b: \"2\""));
        assert_eq!(parsed.settings.len(), 8);
        assert_eq!(parsed.settings.last(), Some(&("Version".into(), "v1.9.0".into())));
    }

    #[test]
    fn whatever_else_it_is_it_is_a_prompt() {
        for text in ["a dog", "a: b, c", "", "a dog\nwith: two, settings: here", "x: \"never closed, y: 1"] {
            let parsed = InfoText::parse(text);
            assert_eq!((parsed.prompt.as_str(), parsed.settings.len()), (text, 0), "{text}");
        }
        let bare = InfoText::parse("Steps: 1, Sampler: DDIM, Seed: 2");
        assert_eq!((bare.prompt.as_str(), bare.settings.len()), ("", 3));
    }

    #[test]
    fn samplers_names_come_back_and_old_ones_are_known() {
        for &kind in Scheduler::all() {
            let (name, schedule) = sampler(kind);
            assert_eq!(scheduler(name, schedule), Some(kind));
            assert_eq!(scheduler(kind.name(), None), Some(kind));
        }
        assert_eq!(scheduler("DPM++ 2M Karras", None), Some(Scheduler::DpmSolverPlusPlus2MKarras));
        assert_eq!(scheduler("DPM++ 2M", Some("Automatic")), Some(Scheduler::DpmSolverPlusPlus2MKarras));
        for (name, kind) in [("DPM++ SDE Karras", None), ("Euler", Some("Karras")), ("UniPC", None), ("", None)] {
            assert_eq!(scheduler(name, kind), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text: String) {
            let _ = InfoText::parse(&text);
        }
    }
}
