//! Any bytes as a statement of keys that a root key has signed.

use std::sync::LazyLock;

use cones_core::PublicKey;
use cones_core::library::trust::{KeyStatement, TrustedKeys};
use cones_tests::publisher::{CREATED, Publisher};

static ROOT: LazyLock<(Publisher, PublicKey)> = LazyLock::new(|| {
    let root = Publisher::new();
    let key = root.key();
    (root, key)
});

/// Stands in the corpus for the root's key, which is another one each time.
const PLACE: &[u8] = b"THE-ROOT-KEY";

/// Its keys can be asked, none is both good and revoked, and it is written as it was read.
pub fn feed(data: &[u8]) {
    let (root, key) = &*ROOT;
    let data = with_root(data, key.base64().as_bytes());
    let Ok(statement) = KeyStatement::verify("fuzz", &data, &root.sign(&data), key) else { return };
    let _ = statement.check_fresh("fuzz", CREATED);
    let keys = TrustedKeys::stated(key, &statement).expect("was read");
    for delegated in &statement.keys {
        assert!(statement.revocation(&delegated.key).is_none());
        let public = PublicKey::parse(&delegated.key).expect("was read");
        assert!(keys.count(&public) && keys.from_serial(&public) == delegated.from_serial);
    }
    assert!(statement.revoked.iter().all(|revoked| statement.revocation(&revoked.key) == Some(&revoked.reason)));
    let encoded = statement.encode().expect("was read");
    let again = KeyStatement::verify("fuzz", &encoded, &root.sign(&encoded), key).expect("was written so");
    assert_eq!(again.encode().expect("was read"), encoded);
}

fn with_root(data: &[u8], key: &[u8]) -> Vec<u8> {
    match data.windows(PLACE.len()).position(|found| found == PLACE) {
        None => data.to_vec(),
        Some(at) => [&data[..at], key, &data[at + PLACE.len()..]].concat(),
    }
}
