//! What numbers on the command line may be: whatever is outside is refused before any work, as other wrong usage is.

use std::fmt::Display;
use std::str::FromStr;

use cones_core::runtime::most_threads;

/// Steps of finding and tuning. More than a month's work on any machine.
const MOST_STEPS: usize = 10_000_000;

/// A number in a range; `least_too` says whether the least one is.
fn within<T: FromStr + PartialOrd + Display>(text: &str, least: T, least_too: bool, most: T) -> Result<T, String> {
    match text.parse::<T>() {
        Ok(number) if number <= most && (number > least || least_too && number >= least) => Ok(number),
        Ok(_) if least_too => Err(format!("must be {least} to {most}")),
        Ok(_) => Err(format!("must be above {least}, and {most} at most")),
        Err(_) if least_too => Err(format!("must be a number, {least} to {most}")),
        Err(_) => Err(format!("must be a number above {least}, and {most} at most")),
    }
}

/// Threads inside one node.
pub fn threads(text: &str) -> Result<usize, String> {
    within(text, 1, true, most_threads()).map_err(|error| format!("{error}, 16 for each of this device's cores"))
}

/// Steps of finding or tuning.
pub fn steps(text: &str) -> Result<usize, String> {
    within(text, 1, true, MOST_STEPS)
}

/// Steps that may be left out.
pub fn steps_or_none(text: &str) -> Result<usize, String> {
    within(text, 0, true, MOST_STEPS)
}

/// Noisy pictures that are measured on.
pub fn measured(text: &str) -> Result<usize, String> {
    within(text, 1, true, 100_000)
}

/// A share of weights, in percent.
pub fn percent(text: &str) -> Result<f64, String> {
    within(text.trim_end_matches('%').trim(), 0.0, false, 100.0)
}

/// Adam's learning rate: each value goes that far in a step, about.
pub fn rate(text: &str) -> Result<f64, String> {
    within(text, 0.0, false, 10.0)
}

/// How far weights go along their scores, which are tiny.
pub fn distance(text: &str) -> Result<f64, String> {
    within(text, 0.0, false, 1e6)
}

/// How much one part of a loss counts against another.
pub fn weight(text: &str) -> Result<f32, String> {
    within(text, 0.0, true, 1000.0)
}

/// What something costs, in units of the loss.
pub fn cost(text: &str) -> Result<f64, String> {
    within(text, 0.0, true, 1000.0)
}

/// From nothing to all of it.
pub fn part(text: &str) -> Result<f32, String> {
    within(text, 0.0, true, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_is_refused_and_so_are_numbers_that_are_none() {
        assert_eq!(threads("1"), Ok(1));
        for text in ["0", "40000000", "-1", "many", "1.5"] {
            assert!(threads(text).is_err(), "{text}");
        }
        assert_eq!([percent("1"), percent("100"), percent("0.05%")], [Ok(1.0), Ok(100.0), Ok(0.05)]);
        for text in ["0", "150", "-1", "NaN", "inf", ""] {
            assert!(percent(text).is_err(), "{text}");
        }
        assert_eq!(percent("150"), Err("must be above 0, and 100 at most".into()));
        assert_eq!((steps("300"), steps_or_none("0"), measured("48")), (Ok(300), Ok(0), Ok(48)));
        assert!(steps("0").is_err() && steps("99999999999").is_err() && measured("0").is_err());
        assert_eq!((rate("0.2"), distance("100"), weight("0"), cost("0.02")), (Ok(0.2), Ok(100.0), Ok(0.0), Ok(0.02)));
        for text in ["NaN", "inf", "-0.1", "1e9", "x"] {
            assert!(rate(text).is_err() && distance(text).is_err() && weight(text).is_err() && cost(text).is_err());
        }
        assert_eq!([part("0"), part("1")], [Ok(0.0), Ok(1.0)]);
        assert!(part("1.01").is_err() && part("NaN").is_err());
    }
}
