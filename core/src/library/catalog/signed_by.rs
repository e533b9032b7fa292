//! Who vouched for what was read.

/// The base64 text of the key whose signature was right, or none.
///
/// It is known of an entry and no part of what the entry says: two entries that say the same are equal.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignedBy(pub(crate) Option<String>);

impl PartialEq for SignedBy {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
