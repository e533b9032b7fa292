//! The list of subjects: CSV with a header, or a JSON object on each line.

use std::collections::HashMap;

use cones_core::disk::hash::{Hasher, Sha256};

use crate::error::{Error, Result};
use crate::line::Line;
use crate::subject::Subject;

/// The largest manifest: hundreds of thousands of lines.
pub const MOST_BYTES: u64 = 256 << 20;

/// The list of subjects.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its lines, good and bad; empty ones are none.
    pub lines: Vec<Line>,
}

impl Manifest {
    /// Reads a manifest: JSON lines where it starts with `{`, else CSV.
    ///
    /// # Errors
    /// When it is no text, holds no line, or its header lacks what every subject needs: then no line could be good.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::content(name, "is no text in UTF-8"))?;
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = if text.trim_start().starts_with('{') { json(text) } else { csv(name, text)? };
        if lines.is_empty() {
            return Err(Error::content(name, "holds no subject"));
        }
        refuse_twins(&mut lines);
        Ok(Self { lines })
    }

    /// SHA-256 over what its lines say, in any order.
    pub fn digest(&self) -> Sha256 {
        let mut keys: Vec<String> = self.lines.iter().map(Line::key).collect();
        keys.sort();
        let mut digest = Hasher::new();
        keys.iter().for_each(|key| digest.update(format!("{key}\n")));
        digest.finish()
    }
}

fn json(text: &str) -> Vec<Line> {
    let numbered = text.lines().zip(1u64..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, u64)| match serde_json::from_str::<Subject>(line) {
        Ok(subject) => Line::new(number, subject),
        Err(error) => Line::bad(number, line, format!("cannot be read: {}", without_place(&error.to_string()))),
    };
    numbered.map(read).collect()
}

/// JSON's errors tell the place in the one line that was read, which is always the first.
fn without_place(error: &str) -> &str {
    error.rsplit_once(" at line 1").map_or(error, |(reason, _)| reason)
}

fn csv(name: &str, text: &str) -> Result<Vec<Line>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| Error::content(name, format!("cannot be read: {error}")))?.clone();
    for needed in ["name", "class", "pictures"] {
        if !header.iter().any(|field| field == needed) {
            return Err(Error::content(
                name,
                format!("has no column `{needed}`; the first line of CSV names the columns: name,class,pictures,…"),
            ));
        }
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        lines.push(match record {
            Ok(record) => {
                let number = record.position().map_or(0, csv::Position::line);
                match record.deserialize::<Subject>(Some(&header)) {
                    Ok(subject) => Line::new(number, subject),
                    Err(error) => Line::bad(number, &joined(&record), format!("cannot be read: {}", reason(&error))),
                }
            }
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                Line::bad(number, &error.to_string(), format!("cannot be read: {}", reason(&error)))
            }
        });
    }
    Ok(lines)
}

fn joined(record: &csv::StringRecord) -> String {
    record.iter().collect::<Vec<_>>().join(",")
}

/// What is wrong, without the place, which is told apart.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields where the header has {expected_len}")
        }
        _ => error.to_string(),
    }
}

/// Of two lines with one name the second is bad: which pack would the name be?
fn refuse_twins(lines: &mut [Line]) {
    let mut first: HashMap<String, u64> = HashMap::new();
    for line in lines {
        let Ok(subject) = &line.subject else { continue };
        match first.get(&subject.name) {
            Some(other) => line.subject = Err(format!("the name `{}` is that of line {other} already", subject.name)),
            None => {
                first.insert(subject.name.clone(), line.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(text: &str) -> Vec<(u64, Option<String>)> {
        let manifest = Manifest::parse("m", text.as_bytes()).expect("a manifest");
        manifest.lines.into_iter().map(|line| (line.number, line.subject.err())).collect()
    }

    #[test]
    fn the_same_subjects_in_csv_and_json_are_the_same() {
        let csv = "name,class,pictures,steps,flip,share,trigger,only,timesteps\n\
                   rex,dog,s3://b/rex,30,true,,,both,\nmia,cat,a/1.png | b/2.png,,,0.5,<v2> cat,,even\n";
        let json = r#"{"class":"dog","name":"rex","pictures":"s3://b/rex","flip":true,"steps":30,"only":"both"}

            {"name":"mia","class":"cat","pictures":["a/1.png","b/2.png"],"share":0.5,"trigger":"<v2> cat","timesteps":"even"}"#;
        let [csv, json] = [csv, json].map(|text| Manifest::parse("m", text.as_bytes()).expect("a manifest"));
        assert_eq!(csv.lines[0].subject, json.lines[0].subject);
        assert_eq!(csv.lines[1].subject, json.lines[1].subject);
        assert_eq!(csv.digest(), json.digest());
        assert!(csv.lines[0].key().starts_with("rex-"));
        assert_eq!(json.lines[1].number, 3);
    }

    #[test]
    fn bad_lines_are_told_and_the_others_are_read() {
        let csv = "name,class,pictures,steps,colour\nrex,dog,p,,\n";
        assert!(reasons(csv)[0].1.as_ref().is_some_and(|why| why.contains("colour")), "{:?}", reasons(csv));
        let csv = "name,class,pictures,steps\nRex,dog,p,\nrex,,p,\nrex,dog,,\nrex,dog,p,many\nrex,dog,p,0\nrex,dog\nrex,dog,p,3\nrex,cat,p,\n";
        let found = reasons(csv);
        let wrong = |line: usize, part: &str| {
            let (number, why) = &found[line];
            assert_eq!(*number, line as u64 + 2);
            assert!(why.as_ref().is_some_and(|why| why.contains(part)), "{part}: {why:?}");
        };
        wrong(0, "`Rex`");
        wrong(1, "class is empty");
        wrong(2, "no pictures");
        wrong(3, "invalid digit");
        wrong(4, "`steps` is 0");
        wrong(5, "2 fields where the header has 4");
        assert_eq!(found[6], (8, None));
        wrong(7, "line 8 already");
        let found = reasons(
            "{\"name\":\"rex\"\n{\"name\":\"rex\",\"class\":\"dog\",\"pictures\":[],\"scope\":\"all\"}\n{\"name\":\"a\",\"class\":\"dog\",\"pictures\":[]}\n",
        );
        assert!(found.iter().all(|(_, why)| why.is_some()), "{found:?}");
        assert!(!found[0].1.as_ref().is_some_and(|why| why.contains("line 1")), "{found:?}");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for (text, part) in
            [("", "no column `name`"), ("name,class\nrex,dog\n", "`pictures`"), ("name,class,pictures\n", "no subject")]
        {
            let error = Manifest::parse("m.csv", text.as_bytes()).expect_err("none").to_string();
            assert!(error.contains("`m.csv`") && error.contains(part), "{error}");
        }
        assert!(Manifest::parse("m", &[0xff, 0xfe, 0]).is_err());
    }
}
