//! Who vouched for what was read.

/// Whose signature was right.
///
/// It is known of an entry and no part of what the entry says: two entries that say the same are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignedBy {
    /// The key that the app pins, in base64: the publisher, whichever key signs. None of what was not read from a signed file.
    pub(crate) publisher: Option<String>,
    /// The key that signed, where it is another one.
    pub(crate) key: Option<String>,
}

impl SignedBy {
    /// Of a publisher, by this key.
    pub(crate) fn new(publisher: &str, key: &str) -> Self {
        Self { publisher: Some(publisher.to_owned()), key: (key != publisher).then(|| key.to_owned()) }
    }

    /// The key that signed, in base64.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.publisher.as_deref())
    }
}

impl PartialEq for SignedBy {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
