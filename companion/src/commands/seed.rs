//! Seeds as they are typed.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::str::FromStr;

/// A seed, or that one is to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seed {
    /// This one.
    Number(u64),
    /// Any; other programs write -1 for it.
    Random,
}

impl Seed {
    /// The seed; one that is drawn is said on standard error.
    pub(super) fn number(self) -> std::io::Result<u64> {
        match self {
            Self::Number(seed) => Ok(seed),
            Self::Random => {
                // 32 bits, as other programs show them.
                let seed = RandomState::new().build_hasher().finish() >> 32;
                writeln!(std::io::stderr(), "seed {seed}")?;
                Ok(seed)
            }
        }
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "random" | "-1" => Ok(Self::Random),
            _ => text.parse().map(Self::Number).map_err(|_| "must be a whole number from 0 on, or `random`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_itself_and_random_is_another_each_time() {
        assert_eq!("7".parse(), Ok(Seed::Number(7)));
        assert_eq!("18446744073709551615".parse(), Ok(Seed::Number(u64::MAX)));
        for random in ["random", "-1"] {
            assert_eq!(random.parse(), Ok(Seed::Random));
        }
        for bad in ["-2", "1.5", "", "Random", "18446744073709551616"] {
            assert!(bad.parse::<Seed>().is_err(), "{bad}");
        }
        let drawn = || Seed::Random.number().expect("a seed");
        assert!(drawn() != drawn() || drawn() != drawn());
    }
}
