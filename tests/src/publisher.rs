//! Publishers of packs: a key of their own, catalogues signed with it.

use std::io::Cursor;

use cones_core::Pack;
use cones_core::library::catalog::{Catalog, PackEntry, PublicKey};
use cones_core::library::trust::{DelegatedKey, KeyStatement, RevokedKey};
use cones_core::subjects::pack::Header;
use minisign::KeyPair;

/// The moment at which catalogues of tests are made, in seconds since 1970.
pub const CREATED: u64 = 1_750_000_000;
/// How long they are good, in seconds.
pub const GOOD_FOR: u64 = 30 * 86_400;

/// Somebody with a key.
pub struct Publisher(KeyPair);

impl Publisher {
    /// With a fresh key.
    pub fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().expect("a key"))
    }

    /// What minisign writes to the public key's file.
    pub fn key_file(&self) -> String {
        self.0.pk.to_box().expect("a key").to_string()
    }

    /// The key as an app pins it.
    pub fn key(&self) -> PublicKey {
        PublicKey::parse(&self.key_file()).expect("a key")
    }

    /// The text of a `.minisig` file.
    pub fn sign(&self, bytes: &[u8]) -> String {
        let signed = minisign::sign(Some(&self.0.pk), &self.0.sk, Cursor::new(bytes), None, None);
        signed.expect("a signature").into_string()
    }
}

impl Default for Publisher {
    fn default() -> Self {
        Self::new()
    }
}

/// What a root key says: these keys count, those were revoked because of a stolen laptop.
pub fn statement(root: &Publisher, version: u64, keys: &[&Publisher], revoked: &[&Publisher]) -> KeyStatement {
    let mut statement = KeyStatement::new(root.key().base64(), version, CREATED, CREATED + GOOD_FOR);
    statement.keys = keys.iter().map(|key| DelegatedKey::new(key.key().base64(), 0)).collect();
    let stolen = |key: &&Publisher| RevokedKey::new(key.key().base64(), "a stolen laptop");
    statement.revoked = revoked.iter().map(stolen).collect();
    statement
}

/// A catalogue of packs, each beside it as `NAME-VERSION.cones`.
pub fn catalog(serial: u64, packs: &[Pack]) -> Catalog {
    let entry = |pack: &Pack| {
        let bytes = pack.encode().expect("within limits");
        let header = Header::read("test", &bytes).expect("whole");
        let url = format!("{}-{}.cones", pack.metadata.name, pack.metadata.version);
        PackEntry::new(&header, &bytes, url)
    };
    let mut catalog = Catalog::new("Somebody", serial, CREATED, CREATED + GOOD_FOR);
    catalog.packs = packs.iter().map(entry).collect();
    catalog
}
