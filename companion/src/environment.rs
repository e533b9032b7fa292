//! Options that a variable of the environment stands for.
//!
//! Read here and not by clap, which would put what the environment gave into its usage lines and its help.

use std::path::PathBuf;

/// The path that was typed, or else what the variable holds; an empty variable is none.
pub fn path_or_variable(typed: Option<&PathBuf>, variable: &str) -> Option<PathBuf> {
    let given = || std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    typed.cloned().or_else(given)
}

/// The words that were typed, or else what the variable holds; an empty variable is none.
pub fn words_or_variable(typed: Option<&String>, variable: &str) -> Option<String> {
    let given = || std::env::var(variable).ok().filter(|value| !value.is_empty());
    typed.cloned().or_else(given)
}
