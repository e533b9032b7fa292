//! Numbers as people read them.

/// In millions of bytes, rounded up.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// Whether a manifest or recipe passes over a number.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Whether a manifest or recipe passes over a share.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(crate) fn is_nothing(share: &f32) -> bool {
    *share == 0.0
}
