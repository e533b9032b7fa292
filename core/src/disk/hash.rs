//! SHA-256: of bytes, of files, and as it is written down.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};

/// Bytes hashed between two looks at the cancel token.
const PIECE: usize = 1 << 18;

/// A SHA-256 hash. It is written as 64 hex digits in lower case, and read in either.
///
/// ```
/// use cones_core::Sha256;
///
/// let hash = Sha256::digest(b"abc");
/// assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

/// What is not 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the 64 hex digits of a SHA-256")]
#[non_exhaustive]
pub struct NoHash;

impl Sha256 {
    /// The hash of some bytes.
    #[must_use]
    pub fn digest(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The hash whose bytes these are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first digits, by which people and file names tell hashes apart; all of them where there are no more.
    #[must_use]
    pub fn short(&self, digits: usize) -> String {
        self.to_string().chars().take(digits).collect()
    }

    /// The hash of a file.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Cancelled`].
    pub fn of_file(path: &Path, cancel: &CancelToken) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let mut hasher = Hasher::new();
        hasher.feed(&mut file, path, cancel, |_| Ok(()))?;
        Ok(hasher.finish())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NoHash);
        }
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair.first(), pair.last()].map(|digit| digit.copied().and_then(value));
            *byte = high.zip(low).map(|(high, low)| high << 4 | low).ok_or(NoHash)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom(format_args!("`{text}` is not the 64 hex digits of a SHA-256")))
    }
}

/// Takes bytes as they come, and gives their hash at the end.
#[derive(Debug, Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The hash of all bytes that came.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }

    /// Takes what is left of `file`, and gives it to `also`; returns its length.
    ///
    /// # Errors
    /// [`Error::Io`] blamed on `path`, [`Error::Cancelled`], and whatever `also` says.
    pub(crate) fn feed(
        &mut self,
        file: &mut File,
        path: &Path,
        cancel: &CancelToken,
        mut also: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let mut buffer = vec![0; PIECE];
        let mut length = 0;
        loop {
            cancel.check()?;
            let count = file.read(&mut buffer).map_err(Error::io("read", path))?;
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { return Ok(length) };
            self.update(piece);
            also(piece)?;
            length += piece.len() as u64;
        }
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_hex_digits_are_a_hash() {
        let good = "0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdef0123";
        let hash: Sha256 = good.parse().expect("64 digits");
        assert_eq!(hash.to_string(), good.to_lowercase());
        assert_eq!(hash.short(8), "01234567");
        for bad in
            ["", &good[1..], &format!("{good}0"), &good.replace('a', "g"), &"é".repeat(32), &format!("+{}", &good[1..])]
        {
            assert_eq!(bad.parse::<Sha256>(), Err(NoHash), "{bad}");
        }
    }

    #[test]
    fn stands_in_json_as_digits() {
        let json = serde_json::to_string(&Sha256::digest("abc")).expect("JSON");
        assert_eq!(json, "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        assert_eq!(serde_json::from_str::<Sha256>(&json).ok(), Some(Sha256::digest("abc")));
        assert_eq!(serde_json::from_reader::<_, Sha256>(json.as_bytes()).ok(), Some(Sha256::digest("abc")));
        let error = serde_json::from_str::<Sha256>("\"abc\"").expect_err("three digits");
        assert!(error.to_string().contains("`abc` is not the 64 hex digits"), "{error}");
    }
}
