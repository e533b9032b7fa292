//! What a publisher signed, once the signature over its bytes was found right: catalogues and statements of keys.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads JSON of `newest` schema. `what` is what messages call it, usually its URL; `kind` is what it is to be, as `catalogue`.
///
/// # Errors
/// [`Error::Untrusted`] for another schema, and for what is of another form.
pub(super) fn read<T: DeserializeOwned>(what: &str, kind: &str, newest: u32, json: &[u8]) -> Result<T> {
    // The version first: a newer file may hold fields that this version does not know.
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let Version { schema } = parse(what, kind, json)?;
    if schema != newest {
        let reason = format!("it has schema {schema}; this version reads schema {newest}");
        let hint = if schema > newest { "update this software" } else { "ask its publisher for a newer one" };
        return Err(Error::Untrusted { what: what.into(), reason, hint: hint.into() });
    }
    parse(what, kind, json)
}

fn parse<T: DeserializeOwned>(what: &str, kind: &str, json: &[u8]) -> Result<T> {
    let shown = |text: String| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    serde_json::from_slice(json).map_err(|e| refused(what, format!("it is no {kind}: {}", shown(e.to_string()))))
}

/// For what a publisher signed and should not have.
pub(super) fn refused(what: &str, reason: String) -> Error {
    Error::Untrusted { what: what.into(), reason, hint: "ask its publisher for one that is in order".into() }
}
