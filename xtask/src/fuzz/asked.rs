//! What is asked for on the command line.

use crate::failure::{Failure, Result};
use crate::fuzz::sanitizer::Sanitizer;

#[derive(Debug)]
pub(super) struct Asked {
    /// For all parsers together.
    pub(super) minutes: f64,
    pub(super) parsers: Vec<String>,
    pub(super) sanitizer: Sanitizer,
    /// Whether the smallest corpus goes into the repository.
    pub(super) keep: bool,
}

impl Asked {
    /// `known` are the parsers there are, which are meant where none is named.
    pub(super) fn parse(arguments: &[String], known: &[String]) -> Result<Self> {
        let mut asked = Self { minutes: 12.0, parsers: Vec::new(), sanitizer: Sanitizer::None, keep: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--keep" => asked.keep = true,
                "--minutes" => {
                    let minutes = arguments.next().and_then(|text| text.parse().ok());
                    asked.minutes = minutes.filter(|m: &f64| m.is_finite() && *m > 0.0).ok_or_else(|| {
                        Failure::new("`--minutes` wants a number above 0", "For example `--minutes 60`.")
                    })?;
                }
                "--sanitizer" => {
                    asked.sanitizer = Sanitizer::parse(arguments.next().map_or("", String::as_str))?;
                }
                name if known.iter().any(|parser| parser == name) => asked.parsers.push(name.to_owned()),
                name => {
                    let hint = format!("There are {}.", known.join(", "));
                    return Err(Failure::new(format!("there is no parser `{name}`"), hint));
                }
            }
        }
        if asked.parsers.is_empty() {
            asked.parsers = known.to_vec();
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsers_are_named_or_all_are_meant() {
        let known = ["a".to_owned(), "b".to_owned()];
        let parse = |words: &[&str]| Asked::parse(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(), &known);
        let asked = parse(&["--minutes", "3", "b", "--sanitizer", "address"]).expect("is right");
        assert_eq!((asked.minutes, asked.parsers, asked.keep), (3.0, vec!["b".to_owned()], false));
        assert_eq!(asked.sanitizer, Sanitizer::Address);
        let asked = parse(&["--keep"]).expect("is right");
        assert_eq!((asked.parsers, asked.sanitizer), (known.to_vec(), Sanitizer::None));
        for wrong in [&["c"][..], &["--minutes"], &["--minutes", "0"], &["--minutes", "inf"], &["--sanitizer", "leak"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
