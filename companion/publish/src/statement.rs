//! Statements of keys: a root key says in a published folder which keys sign its catalogues now, and which no longer.

use std::path::Path;

use cones_core::PublicKey;
use cones_core::library::trust::{DelegatedKey, KeyStatement, RevokedKey, STATEMENT, TrustedKeys};

use crate::error::Result;
use crate::keys::SigningKey;
use crate::publish::folder::Folder;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What a new statement says otherwise than the one before; with no change it is the same anew, for longer.
#[derive(Debug, Default)]
pub struct KeyChange {
    /// Keys that count from now on, or whose first serial changes.
    pub add: Vec<DelegatedKey>,
    /// Keys that were lost or stolen. What devices installed on their word counts as withdrawn until another key vouches for it.
    pub revoke: Vec<RevokedKey>,
    /// Keys that sign no more, without anything being wrong with what they signed.
    pub retire: Vec<PublicKey>,
    /// For how many days devices take the statement.
    pub days: u64,
    /// Seconds since 1970 (UTC).
    pub now: u64,
}

/// Signs a new statement in the folder `path` with the root key, and gives it.
///
/// # Errors
/// Where another root's statement is there, a key is not known, or the one that signed the catalogue there is to be retired.
pub fn state(path: &Path, change: &KeyChange, root: &SigningKey) -> Result<KeyStatement> {
    let folder = Folder::open(path)?;
    let public = root.public()?;
    let mut statement = match folder.statement()? {
        Some(statement) if statement.root == public.base64() => statement,
        Some(other) => {
            let shown = path.display();
            return Err(format!("`{shown}` has a statement of another root key, {}; take that key", other.root).into());
        }
        None => KeyStatement::new(public.base64(), 0, 0, 0),
    };
    let before = keys_that_signed(&statement)?;
    for added in &change.add {
        statement.keys.retain(|known| known.key != added.key);
        statement.revoked.retain(|known| known.key != added.key);
        statement.keys.push(added.clone());
    }
    for revoked in &change.revoke {
        statement.keys.retain(|known| known.key != revoked.key);
        statement.revoked.retain(|known| known.key != revoked.key);
        statement.revoked.push(revoked.clone());
    }
    for retired in &change.retire {
        retire(&folder, &mut statement, retired, &before)?;
    }
    statement.version = statement.version.saturating_add(1);
    statement.created = change.now;
    statement.expires = change.now.saturating_add(change.days.saturating_mul(DAY));
    let json = statement.encode()?;
    folder.replace(STATEMENT, &json, &root.sign(STATEMENT, &json, change.now)?)?;
    Ok(statement)
}

/// The statement in a published folder; none where there is none. It has to be signed by the root key that it names.
///
/// # Errors
/// Where it is damaged or somebody publishes there just now.
pub fn stated(path: &Path) -> Result<Option<KeyStatement>> {
    if !path.is_dir() {
        return Err(format!("there is no folder `{}`", path.display()).into());
    }
    Folder::open(path)?.statement()
}

/// Whether the catalogue in a folder is signed with a key that counts by the statement; none where there is no catalogue.
///
/// # Errors
/// As [`stated`].
pub fn catalog_counts(path: &Path, statement: &KeyStatement) -> Result<Option<bool>> {
    let keys = TrustedKeys::stated(&PublicKey::parse(&statement.root)?, statement)?;
    Folder::open(path)?.counts(&keys)
}

/// The keys that may have signed what lies in a folder: those that count, those that were revoked, and the root's own from before there
/// was a statement.
pub(crate) fn keys_that_signed(statement: &KeyStatement) -> Result<TrustedKeys> {
    let mut all = statement.clone();
    all.keys.iter_mut().for_each(|known| known.from_serial = 0);
    all.keys.extend(all.revoked.drain(..).map(|revoked| DelegatedKey::new(revoked.key, 0)));
    if !all.keys.iter().any(|known| known.key == all.root) {
        all.keys.push(DelegatedKey::new(all.root.clone(), 0));
    }
    Ok(TrustedKeys::stated(&PublicKey::parse(&all.root)?, &all)?)
}

/// Takes a key out, unless the catalogue that devices get now would count no longer and nobody could add to it.
fn retire(folder: &Folder, statement: &mut KeyStatement, retired: &PublicKey, before: &TrustedKeys) -> Result<()> {
    let known = statement.keys.len();
    statement.keys.retain(|key| key.key != retired.base64());
    if statement.keys.len() == known {
        return Err(format!("the key {} does not count, so it cannot be retired", retired.base64()).into());
    }
    if folder.signer(before)?.is_some_and(|signer| signer == *retired) {
        return Err(format!(
            "the catalogue there is signed with the key {}; publish with another one first, then retire it",
            retired.base64()
        )
        .into());
    }
    Ok(())
}
