//! Same request, same names: each field of what is asked for stands in the command, in the bindings, in Kotlin and in Swift by the name
//! that it has in core, or in the list of those that do not, with the reason.
//!
//! Read from the sources: what is compared are names, in four languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where a struct of core stands elsewhere, as (file, struct); none where it is spelt out in another one.
struct Struct {
    core: (&'static str, &'static str),
    bindings: (&'static str, &'static str),
    kotlin: (&'static str, &'static str),
    swift: (&'static str, &'static str),
}

const KOTLIN: &str = "android/lib/src/main/kotlin/dev/cones";
const SWIFT: &str = "ios/Sources/Cones";
/// Where Swift takes a struct from the generated code as it is.
const AS_GENERATED: &str = "Values.swift";

const STRUCTS: [Struct; 11] = [
    Struct {
        core: ("engine/request.rs", "Request"),
        bindings: ("request.rs", "Request"),
        kotlin: ("Request.kt", "Request"),
        swift: ("Request.swift", "Request"),
    },
    Struct {
        core: ("engine/request.rs", "Init"),
        bindings: ("request.rs", "InitPicture"),
        kotlin: ("Request.kt", "InitPicture"),
        swift: ("Request.swift", "StartPicture"),
    },
    Struct {
        core: ("picture/inpaint.rs", "Inpaint"),
        bindings: ("inpaint.rs", "Inpaint"),
        kotlin: ("Inpaint.kt", "Inpaint"),
        swift: ("InpaintRegion.swift", "InpaintRegion"),
    },
    Struct {
        core: ("picture/inpaint.rs", "Margins"),
        bindings: ("margins.rs", "Margins"),
        kotlin: ("Inpaint.kt", "Margins"),
        swift: ("InpaintRegion.swift", "Margins"),
    },
    Struct {
        core: ("sampling/variation.rs", "Variation"),
        bindings: ("variation.rs", "Variation"),
        kotlin: ("Variation.kt", "Variation"),
        swift: (AS_GENERATED, "Variation"),
    },
    Struct {
        core: ("engine/hires.rs", "Hires"),
        bindings: ("variation.rs", "Hires"),
        kotlin: ("Variation.kt", "Hires"),
        swift: (AS_GENERATED, "Hires"),
    },
    Struct {
        core: ("engine/micro_conditions.rs", "MicroConditions"),
        bindings: ("micro_conditions.rs", "MicroConditions"),
        kotlin: ("MicroConditions.kt", "MicroConditions"),
        swift: (AS_GENERATED, "MicroConditions"),
    },
    Struct {
        core: ("engine/word_box.rs", "WordBox"),
        bindings: ("word_box.rs", "WordBox"),
        kotlin: ("WordBox.kt", "WordBox"),
        swift: (AS_GENERATED, "WordBox"),
    },
    Struct {
        core: ("text/given_embeds.rs", "GivenEmbeds"),
        bindings: ("given_embeds.rs", "GivenEmbeds"),
        kotlin: ("GivenEmbeds.kt", "GivenEmbeds"),
        swift: (AS_GENERATED, "GivenEmbeds"),
    },
    Struct {
        core: ("engine/options.rs", "EngineOptions"),
        bindings: ("engine.rs", "EngineOptions"),
        kotlin: ("Engine.kt", "EngineOptions"),
        swift: ("Engine.swift", "Options"),
    },
    Struct {
        core: ("queue/options.rs", "QueueOptions"),
        bindings: ("queue.rs", "QueueOptions"),
        kotlin: ("Queue.kt", "QueueOptions"),
        swift: ("Queue.swift", "Options"),
    },
];

/// Files whose arguments `cones generate` has.
const ARGUMENTS: [&str; 10] = [
    "generate.rs",
    "image_args.rs",
    "box_args.rs",
    "init_args.rs",
    "variation_args.rs",
    "micro_args.rs",
    "embeds_args.rs",
    "style_args.rs",
    "safety_args.rs",
    "engine_args.rs",
];

/// Fields with another name in the command, or with none; and why.
const COMMAND: [(&str, &str, &str); 34] = [
    ("Request.subjects", "subject", "it is given once for each"),
    ("Request.blend", "", "old pictures alone were drawn so, and --from takes it from their recipe"),
    ("Request.variation", "variation-seed", "a struct: its fields are options"),
    ("Request.micro_conditions", "original-size", "a struct: its fields are options"),
    ("MicroConditions.crop_top", "crops-coords-top-left", "diffusers' name; two numbers of one option"),
    ("MicroConditions.crop_left", "crops-coords-top-left", "diffusers' name; two numbers of one option"),
    ("GivenEmbeds.prompt", "prompt-embeds", "the option is a file with both"),
    ("GivenEmbeds.negative", "prompt-embeds", "the option is a file with both"),
    ("Request.boxes", "box", "it is given once for each"),
    ("WordBox.words", "box", "words and four numbers of one option"),
    ("WordBox.left", "box", "words and four numbers of one option"),
    ("WordBox.top", "box", "words and four numbers of one option"),
    ("WordBox.right", "box", "words and four numbers of one option"),
    ("WordBox.bottom", "box", "words and four numbers of one option"),
    ("Init.picture", "init", "the option is the picture"),
    ("Init.inpaint", "mask", "a struct: its fields are options"),
    ("Inpaint.mask_image", "mask", "the option is a file's name"),
    ("Inpaint.grow", "mask-grow", "an option stands alone"),
    ("Inpaint.feather", "mask-feather", "an option stands alone"),
    ("Inpaint.padding_mask_crop", "only-masked", "as AUTOMATIC1111's web UI has it; the padding is its value"),
    ("Margins.left", "outpaint", "four numbers of one option"),
    ("Margins.top", "outpaint", "four numbers of one option"),
    ("Margins.right", "outpaint", "four numbers of one option"),
    ("Margins.bottom", "outpaint", "four numbers of one option"),
    ("Variation.seed", "variation-seed", "an option stands alone"),
    ("Variation.strength", "variation-strength", "an option stands alone"),
    ("Hires.scale", "hires", "the option is the scale"),
    ("Hires.strength", "hires-strength", "an option stands alone"),
    ("Hires.steps", "hires-steps", "an option stands alone"),
    ("EngineOptions.memory", "low-memory", "the two modes that a desk needs are on and off of one option"),
    ("EngineOptions.budget", "memory-budget", "an option stands alone"),
    ("QueueOptions.most_entries", "", "the command draws at once"),
    ("QueueOptions.most_bytes", "", "the command draws at once"),
    ("QueueOptions.preview_every", "preview", "the command shows each step in a file"),
];

/// Fields with another name in the bindings, and with them in all three languages, or with none; and why.
const BINDINGS: [(&str, &str, &str); 2] = [
    ("Request.blend", "", "it draws old pictures again, which the command does"),
    ("QueueOptions.preview_every", "", "each request says it, as for `generate`"),
];

/// Fields with another name in Swift, by their names in the bindings; and why.
const IN_SWIFT: [(&str, &str, &str); 1] = [("Request.init", "start", "`init` is a word of Swift's")];

/// Fields of core that are not the command's own to say, as a queue's.
const NOT_TYPED: [&str; 1] = ["QueueOptions.paused"];

#[test]
fn every_field_has_its_name_everywhere() {
    let options = options();
    let mut wrong = Vec::new();
    for one in &STRUCTS {
        let core = rust(&format!("core/src/{}", one.core.0), one.core.1);
        let bound = rust(&format!("bindings/src/{}", one.bindings.0), one.bindings.1);
        for field in &core {
            let place = format!("{}.{field}", one.core.1);
            if !NOT_TYPED.contains(&place.as_str()) {
                check(&place, &field.replace('_', "-"), &options, &COMMAND, "`cones generate --help`", &mut wrong);
            }
            check(&place, field, &bound, &BINDINGS, "the bindings", &mut wrong);
        }
        let kotlin = kotlin(&format!("{KOTLIN}/{}", one.kotlin.0), one.kotlin.1);
        let swift = if one.swift.0 == AS_GENERATED {
            let line = format!("@_exported import struct ConesGenerated.{}\n", one.swift.1);
            let passed_on = text(&format!("{SWIFT}/{AS_GENERATED}")).contains(&line);
            if passed_on { bound.iter().map(|field| camel(field)).collect() } else { BTreeSet::new() }
        } else {
            swift(&format!("{SWIFT}/{}", one.swift.0), one.swift.1)
        };
        for field in &bound {
            let place = format!("{}.{field}", one.core.1);
            check(&place, &camel(field), &kotlin, &[], "Kotlin", &mut wrong);
            check(&place, &camel(field), &swift, &IN_SWIFT, "Swift", &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a field is there by its name, or by the one in the list; a list must not say what is not so.
fn check(
    place: &str,
    name: &str,
    there: &BTreeSet<String>,
    list: &[(&str, &str, &str)],
    whose: &str,
    wrong: &mut Vec<String>,
) {
    let listed = list.iter().find(|(field, ..)| *field == place);
    match listed {
        None if !there.contains(name) => wrong.push(format!("`{place}` is not in {whose} as `{name}`")),
        Some((_, other, _)) if !other.is_empty() && !there.contains(*other) => {
            wrong.push(format!("`{place}` is not in {whose} as `{other}`, as the list of this test says"));
        }
        Some((_, other, _)) if there.contains(name) && *other != name && !is_of_another(place) => {
            wrong.push(format!("`{place}` is in {whose} as `{name}`: take it out of the list of this test"));
        }
        _ => {}
    }
}

/// Fields whose name is also that of another field where options of all structs stand side by side.
fn is_of_another(place: &str) -> bool {
    let others =
        ["Variation.seed", "Variation.strength", "Hires.strength", "Hires.steps", "Hires.scale", "GivenEmbeds.prompt"];
    others.contains(&place) || place == "WordBox.words"
}

#[test]
fn the_sources_are_read_as_they_are_written() {
    let request = rust("core/src/engine/request.rs", "Request");
    assert!(
        request.contains("prompt") && request.contains("clip_skip") && !request.contains("strength"),
        "{request:?}"
    );
    assert_eq!(kotlin(&format!("{KOTLIN}/Variation.kt"), "Variation"), ["seed", "strength"].map(String::from).into());
    let options = swift(&format!("{SWIFT}/Queue.swift"), "Options");
    assert_eq!(options, ["mostBytes", "mostEntries", "paused"].map(String::from).into());
    assert!(self::options().is_superset(&["prompt", "subject", "only-masked", "low-memory"].map(String::from).into()));
}

/// Public fields of a struct in Rust.
fn rust(file: &str, name: &str) -> BTreeSet<String> {
    let text = text(file);
    let body = body(&text, &format!("pub struct {name} {{"), ('{', '}'), file);
    words_behind(&body, "    pub ", ':')
}

/// Properties in the constructor of a class in Kotlin.
fn kotlin(file: &str, name: &str) -> BTreeSet<String> {
    let text = text(file);
    words_behind(&body(&text, &format!("public data class {name}("), ('(', ')'), file), "val ", ':')
}

/// Properties of a struct in Swift.
fn swift(file: &str, name: &str) -> BTreeSet<String> {
    let text = text(file);
    words_behind(&body(&text, &format!("public struct {name}:"), ('{', '}'), file), "public var ", ':')
}

/// The long options of `cones generate`.
fn options() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in ARGUMENTS {
        let file = format!("companion/src/commands/{file}");
        let text = text(&file);
        let at = text.find("#[derive(Debug, Args)]").unwrap_or_else(|| panic!("{file} has no arguments"));
        let body = body(&text[at..], "Args {", ('{', '}'), &file);
        let mut named = None;
        let mut long = false;
        for line in body.lines().map(str::trim) {
            if line.starts_with("#[") || line.starts_with("short") || line.starts_with("long") {
                long |= line.contains("long");
                let given = line.split_once("long = \"").and_then(|(_, rest)| rest.split_once('"'));
                named = given.map(|(name, _)| name.to_owned()).or(named);
            } else if let Some((field, _)) = line.split_once(": ").filter(|_| !line.starts_with("//")) {
                let field = field.trim_start_matches("pub(super) ");
                if field.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    let name = named.take().unwrap_or_else(|| field.replace('_', "-"));
                    found.extend(std::mem::take(&mut long).then_some(name));
                }
            }
        }
    }
    found
}

/// What stands between the brackets that open at or behind `head`.
fn body(text: &str, head: &str, (open, close): (char, char), file: &str) -> String {
    let at = text.find(head).unwrap_or_else(|| panic!("`{head}` is not in {file}"));
    let rest = &text[at..];
    let from = rest.find(open).unwrap_or_else(|| panic!("`{head}` opens nothing in {file}"));
    let mut depth = 0_i32;
    for (index, c) in rest[from..].char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return rest[from + 1..from + index].to_owned();
        }
    }
    panic!("`{head}` does not end in {file}")
}

/// The words between `before` and `end`.
fn words_behind(text: &str, before: &str, end: char) -> BTreeSet<String> {
    let words = text.split(before).skip(1).filter_map(|rest| rest.split_once(end));
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    words.map(|(word, _)| word.to_owned()).filter(|word| is_word(word)).collect()
}

/// `clip_skip` as `clipSkip`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let mut letters = part.chars();
        name + &letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    })
}

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
