//! Strips around a picture.

/// Pixels that are added to each side of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Margins {
    /// On the left.
    #[uniffi(default)]
    pub left: u32,
    /// Above.
    #[uniffi(default)]
    pub top: u32,
    /// On the right.
    #[uniffi(default)]
    pub right: u32,
    /// Below.
    #[uniffi(default)]
    pub bottom: u32,
}
