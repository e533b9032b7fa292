//! Files of styles: a list in JSON, or the `styles.csv` of AUTOMATIC1111's web UI.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::style::Style;

/// More than any file of styles that people keep.
const MOST_BYTES: u64 = 16 << 20;
/// The fields of a style, so that a mistyped one is named.
const FIELDS: [&str; 12] = [
    "name",
    "prompt",
    "negative_prompt",
    "steps",
    "guidance",
    "guidance_rescale",
    "scheduler",
    "eta",
    "width",
    "height",
    "prompt_weights",
    "clip_skip",
];

/// The styles in a file: a JSON list of [`Style`]s, or, where its name ends in `.csv`, the web UI's table.
///
/// # Errors
/// [`Error::Io`]; [`Error::BadRequest`] naming `style`, with the file and what is wrong in it.
pub fn open(path: &Path) -> Result<Vec<Style>> {
    let bytes = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
    if bytes > MOST_BYTES {
        return Err(bad(path, format!("it has {bytes} bytes; {MOST_BYTES} are the most")));
    }
    let text = std::fs::read(path).map_err(Error::io("read", path))?;
    let text = String::from_utf8(text).map_err(|_| bad(path, "it is not UTF-8".into()))?;
    let is_table = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let styles = if is_table { of_table(&text) } else { of_json(&text) };
    styles.map_err(|reason| bad(path, reason))
}

/// The style of this name, the first of several.
///
/// # Errors
/// [`Error::BadRequest`] naming `style` and listing the names there are.
pub fn find<'a>(styles: impl IntoIterator<Item = &'a Style>, name: &str) -> Result<&'a Style> {
    let mut names = Vec::new();
    for style in styles {
        if style.name == name {
            return Ok(style);
        }
        names.push(format!("`{}`", style.name));
    }
    let known = if names.is_empty() { "there is none".into() } else { format!("there are {}", names.join(", ")) };
    Err(Error::request("style", format!("`{name}` is not there; {known}")))
}

fn bad(path: &Path, reason: String) -> Error {
    Error::request("style", format!("cannot be read from `{}`: {reason}", path.display()))
}

/// The styles of a JSON list.
fn of_json(text: &str) -> Result<Vec<Style>, String> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| format!("it is no list of styles: {error}"))?;
    list.into_iter()
        .enumerate()
        .map(|(i, style)| of_value(style).map_err(|e| format!("style {}: {e}", i + 1)))
        .collect()
}

fn of_value(style: Value) -> Result<Style, String> {
    let unknown = style.as_object().and_then(|fields| fields.keys().find(|key| !FIELDS.contains(&key.as_str())));
    if let Some(key) = unknown {
        return Err(format!("`{key}` is no field of it; there are {}", FIELDS.join(", ")));
    }
    let style: Style = serde_json::from_value(style).map_err(|error| error.to_string())?;
    named(style)
}

fn named(style: Style) -> Result<Style, String> {
    if style.name.trim().is_empty() { Err("it has no name".into()) } else { Ok(style) }
}

/// The styles of the web UI's table: columns `name`, `prompt` (once `text`) and `negative_prompt`, in any order. Lines without a
/// prompt, with which people part the list, are passed over.
fn of_table(text: &str) -> Result<Vec<Style>, String> {
    let mut rows = rows(text.trim_start_matches('\u{feff}'))?.into_iter();
    let header = rows.next().ok_or("it is empty")?;
    let column = |names: &[&str]| header.iter().position(|title| names.contains(&title.trim()));
    let name = column(&["name"]).ok_or("its first line has no `name`")?;
    let (prompt, negative) = (column(&["prompt", "text"]), column(&["negative_prompt"]));
    let style = |row: Vec<String>| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).cloned().unwrap_or_default();
        Style { prompt: cell(prompt), negative_prompt: cell(negative), ..Style::new(cell(Some(name))) }
    };
    let says_something = |style: &Style| !(style.prompt.is_empty() && style.negative_prompt.is_empty());
    rows.map(style).filter(says_something).map(named).collect()
}

/// Lines of cells (RFC 4180): quoted ones hold commas, ends of lines and doubled quotes.
fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut started) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' | '\r' if !quoted => {
                if started {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                started = false;
                continue;
            }
            other => cell.push(other),
        }
        started = true;
    }
    if quoted {
        return Err("a quote is never closed".into());
    }
    if started {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::scheduler::choice::Scheduler;

    #[test]
    fn the_web_uis_table_is_read() {
        // As its own `StyleDatabase.save_styles` writes it, with the mark of UTF-8 before it.
        let table = "\u{feff}name,prompt,negative_prompt\r\nOil,\"oil painting of {prompt}, \"\"thick\"\"\",\"photo,\nblurry\"\r\n\
                     --- mine ---,,\r\nNight,at night,\r\n";
        let styles = of_table(table).expect("styles");
        assert_eq!(styles.len(), 2);
        assert_eq!(styles[0].prompt_of("a dog"), "oil painting of a dog, \"thick\"");
        assert_eq!(styles[0].negative_prompt, "photo,\nblurry");
        assert_eq!((styles[1].name.as_str(), styles[1].prompt_of("a dog")), ("Night", "a dog, at night".to_owned()));
        assert_eq!(of_table("text,name\nx,Old\n").expect("styles")[0].prompt, "x");
        for (broken, said) in
            [("", "empty"), ("a,b\n1,2", "`name`"), ("name,prompt\nx,\"y", "closed"), ("name,prompt\n,y", "no name")]
        {
            assert!(of_table(broken).expect_err(broken).contains(said), "{broken}");
        }
    }

    #[test]
    fn a_list_is_read_and_what_is_wrong_in_it_named() {
        let list =
            r#"[{"name": "Fast", "steps": 4, "scheduler": "lcm", "guidance": 1}, {"name": "Oil", "prompt": "oil"}]"#;
        let styles = of_json(list).expect("styles");
        assert_eq!((styles[0].steps, styles[0].scheduler), (Some(4), Some(Scheduler::Lcm)));
        assert_eq!(find(&styles, "Oil").expect("a style"), &styles[1]);
        let error = find(&styles, "oil").expect_err("another name").to_string();
        assert!(error.contains("`Fast`, `Oil`"), "{error}");
        for (broken, said) in [
            ("{}", "list"),
            (r#"[{"name": "x", "step": 4}]"#, "`step` is no field"),
            (r#"[{"steps": 4}]"#, "name"),
            (r#"[{"name": "x"}, {"name": " "}]"#, "style 2"),
            (r#"[{"name": "x", "scheduler": "plms"}]"#, "plms"),
        ] {
            assert!(of_json(broken).expect_err(broken).contains(said), "{broken}");
        }
        // Every field that is written is one that is read.
        let written = serde_json::to_value(Style { prompt_weights: true, clip_skip: 1, ..full() }).expect("JSON");
        assert_eq!(written.as_object().map(serde_json::Map::len), Some(FIELDS.len()));
        assert!(of_value(written).is_ok());
    }

    fn full() -> Style {
        Style {
            prompt: "a".into(),
            negative_prompt: "b".into(),
            steps: Some(1),
            guidance: Some(1.0),
            guidance_rescale: Some(0.5),
            scheduler: Some(Scheduler::Tcd),
            eta: Some(0.5),
            width: Some(64),
            height: Some(64),
            ..Style::new("x")
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "[a-z,\"\n\r {}]{0,60}") {
            let _ = (of_table(&text), of_json(&text));
        }
    }
}
