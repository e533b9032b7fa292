//! Values of a statement that later steps rely on, or that are shown to people.

use std::collections::BTreeSet;

use super::statement::{KeyStatement, MAX_STATEMENT_SECONDS};
use crate::library::catalog::key::PublicKey;
use crate::subjects::pack::metadata::check_text;

const MOST_KEYS: usize = 32;
const MOST_REVOKED: usize = 256;
/// What a double holds exactly: other readers of JSON know no larger whole numbers.
const LARGEST_EXACT: u64 = 1 << 53;

/// What is wrong with the statement's values, if anything.
pub(super) fn check(statement: &KeyStatement) -> Result<(), String> {
    canonical(&statement.root).map_err(|reason| format!("its root key: {reason}"))?;
    if statement.version == 0 {
        return Err("its version is 0; versions count from 1".into());
    }
    most("version", statement.version, LARGEST_EXACT)?;
    most("created", statement.created, LARGEST_EXACT)?;
    if statement.expires < statement.created {
        return Err("it expires before it was made".into());
    }
    most("time from `created` to `expires`", statement.expires - statement.created, MAX_STATEMENT_SECONDS)?;
    most("number of keys", statement.keys.len() as u64, MOST_KEYS as u64)?;
    most("number of revoked keys", statement.revoked.len() as u64, MOST_REVOKED as u64)?;
    let mut seen = BTreeSet::new();
    for (i, signing) in statement.keys.iter().enumerate() {
        canonical(&signing.key).map_err(|reason| format!("key {}: {reason}", i + 1))?;
        most("least serial", signing.from_serial, LARGEST_EXACT)?;
        if !seen.insert(signing.key.as_str()) {
            return Err(format!("it names the key {} twice", signing.key));
        }
    }
    for (i, revoked) in statement.revoked.iter().enumerate() {
        canonical(&revoked.key).map_err(|reason| format!("revoked key {}: {reason}", i + 1))?;
        check_text("reason", &revoked.reason).map_err(|reason| format!("revoked key {}: {reason}", i + 1))?;
        if !seen.insert(revoked.key.as_str()) {
            return Err(format!("it names the key {} twice", revoked.key));
        }
    }
    Ok(())
}

/// A key in the one way of writing it: keys are compared as texts.
fn canonical(text: &str) -> Result<(), String> {
    let key = PublicKey::parse(text).map_err(|error| error.to_string())?;
    if key.base64() == text { Ok(()) } else { Err("it is not written as its 56 characters alone".into()) }
}

fn most(field: &str, value: u64, limit: u64) -> Result<(), String> {
    if value <= limit { Ok(()) } else { Err(format!("its {field} is {value}; at most {limit} is allowed")) }
}
