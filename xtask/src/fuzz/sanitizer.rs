//! What watches a parser while it is fed.

use std::fmt;

use crate::failure::{Failure, Result};

/// Either way panics, overflows, failed assertions, hangs and too much memory are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sanitizer {
    /// Nothing more. The default: what the parsers are made of is safe Rust, in which there is little else to find.
    None,
    /// The address sanitizer, for what dependencies do in `unsafe`. Several times slower.
    Address,
}

impl Sanitizer {
    pub(super) fn parse(name: &str) -> Result<Self> {
        match name {
            "none" => Ok(Self::None),
            "address" => Ok(Self::Address),
            _ => Err(Failure::new(format!("there is no sanitizer `{name}` here"), "`none` or `address`.")),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Address => "address",
        }
    }
}

impl fmt::Display for Sanitizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
