//! `memory.json`: what the graphs of a bundle take, measured in bytes of their values; written when it is imported.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::graph_memory::GraphMemory;
use crate::error::{Error, Result};
use crate::model::bundle::Bundle;

/// No profile is larger; what claims to be is not read.
const MAX_BYTES: u64 = 1 << 20;

/// The whole of `memory.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// [`Profile::SCHEMA`].
    pub schema: u32,
    /// What each graph takes, by its file name.
    pub graphs: BTreeMap<String, GraphMemory>,
}

impl Profile {
    /// The schema version this crate reads and writes.
    pub const SCHEMA: u32 = 1;
    /// The file's name in a bundle.
    pub const FILE: &'static str = "memory.json";

    /// The profile of a bundle; `None` for bundles that were imported before there were profiles.
    ///
    /// # Errors
    /// [`Error::BadBundle`] when the file is damaged.
    pub fn read(bundle: &Bundle) -> Result<Option<Self>> {
        let Some(entry) = bundle.manifest().files.get(Self::FILE) else { return Ok(None) };
        let path = bundle.file(Self::FILE)?;
        if entry.bytes > MAX_BYTES {
            return Err(Error::bundle(path, format!("it is longer than {MAX_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| Error::bundle(&path, error.to_string()))?;
        let profile: Self =
            serde_json::from_str(&text).map_err(|error| Error::bundle(&path, format!("no memory profile: {error}")))?;
        if profile.schema != Self::SCHEMA {
            return Err(Error::bundle(
                path,
                format!("it has schema {}; this version reads {}", profile.schema, Self::SCHEMA),
            ));
        }
        Ok(Some(profile))
    }
}
