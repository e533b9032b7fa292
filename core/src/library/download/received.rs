//! How far a download is.

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// The file's name, for people.
    pub name: &'a str,
    /// Bytes of all files that are there, those of earlier attempts included. It falls when a file begins anew.
    pub bytes: u64,
    /// Bytes of all files together.
    pub total: u64,
}

/// Is told how far a download is, on the caller's thread, at most a few times a second.
pub trait Watch {
    /// More has come.
    fn received(&mut self, received: Received<'_>);
}

impl Watch for () {
    fn received(&mut self, _: Received<'_>) {}
}

/// A closure watches.
impl<F: FnMut(Received<'_>)> Watch for F {
    fn received(&mut self, received: Received<'_>) {
        self(received);
    }
}
