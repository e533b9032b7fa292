//! Any bytes as a catalogue that its publisher has signed.

use std::sync::LazyLock;

use cones_core::Catalog;
use cones_core::library::catalog::PublicKey;
use cones_tests::publisher::{CREATED, Publisher};

static PUBLISHER: LazyLock<(Publisher, PublicKey)> = LazyLock::new(|| {
    let publisher = Publisher::new();
    let key = publisher.key();
    (publisher, key)
});

/// What it lists can be asked for, lies at an address that can be said, and is written as it was read.
pub fn feed(data: &[u8]) {
    let (publisher, key) = &*PUBLISHER;
    let Ok(catalog) = Catalog::verify("fuzz", data, &publisher.sign(data), key) else { return };
    let _ = catalog.check_fresh("fuzz", CREATED, Some(1));
    for pack in &catalog.packs {
        assert!(catalog.pack(&pack.name, Some(pack.fingerprint)).is_some_and(|found| found.version >= pack.version));
        let _ = pack.location("https://example.org/a/catalog.json");
    }
    for bundle in &catalog.bundles {
        assert!(catalog.bundle(&bundle.name).is_some());
        let _ = bundle.location("https://example.org/a/catalog.json");
    }
    let encoded = catalog.encode().expect("was read");
    let again = Catalog::verify("fuzz", &encoded, &publisher.sign(&encoded), key).expect("was written so");
    assert_eq!(again.encode().expect("was read"), encoded);
}
