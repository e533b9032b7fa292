//! The publisher's key, and what is wrong with a signature that it does not cover.

use crate::error::{Error, Result};

use super::limits::MAX_SIGNATURE_BYTES;

/// How minisign begins the first line of a key file.
const COMMENT: &str = "untrusted comment:";

/// A publisher's minisign public key, pinned by the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    text: String,
    key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// From minisign's base64 line, or the two-line file that `cones keygen` and `minisign -G` write.
    ///
    /// # Errors
    /// [`Error::Untrusted`] when it is no minisign public key.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = match (lines.next(), lines.next(), lines.next()) {
            (Some(line), None, None) => line,
            (Some(comment), Some(line), None) if comment.starts_with(COMMENT) => line,
            (None, ..) => return Err(no_key("it is empty")),
            _ => return Err(no_key("it is neither minisign's two lines nor the second of them alone")),
        };
        let key = minisign_verify::PublicKey::from_base64(line)
            .map_err(|error| no_key(&format!("it is no minisign public key ({error})")))?;
        Ok(Self { text: line.into(), key })
    }

    /// The key's base64 line.
    pub fn base64(&self) -> &str {
        &self.text
    }

    /// Checks a detached signature over `bytes`: the text of a `.minisig` file, prehashed, as minisign writes it since
    /// its version 0.10 and as the `minisign` crate always does. The older form is refused: nothing here ever wrote it.
    /// `what` is what messages call the signed file.
    ///
    /// # Errors
    /// [`Error::Untrusted`], in different words for another publisher's signature and for a damaged file.
    pub fn verify(&self, what: &str, bytes: &[u8], signature: &str) -> Result<()> {
        self.check(bytes, signature).map_err(|mismatch| mismatch.refused(what))
    }

    /// As [`verify`](Self::verify), for those who ask several keys.
    pub(crate) fn check(&self, bytes: &[u8], signature: &str) -> Result<(), Mismatch> {
        use minisign_verify::Error as E;
        if signature.len() as u64 > MAX_SIGNATURE_BYTES {
            return Err(Mismatch::NoSignature);
        }
        let signature = minisign_verify::Signature::decode(signature).map_err(|_| Mismatch::NoSignature)?;
        self.key.verify(bytes, &signature, false).map_err(|error| match error {
            E::UnexpectedKeyId => Mismatch::OtherKey,
            E::UnexpectedAlgorithm => Mismatch::OldForm,
            _ => Mismatch::Changed,
        })
    }
}

/// Why a key's signature does not cover some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// It is no signature at all.
    NoSignature,
    /// It says that another key made it.
    OtherKey,
    /// It is in minisign's old form.
    OldForm,
    /// The bytes or the signature are not what they were.
    Changed,
}

impl Mismatch {
    /// In words, about the file `what`.
    pub(crate) fn refused(self, what: &str) -> Error {
        let again = "get it and its signature again; if that does not help, ask its publisher";
        let (reason, hint) = match self {
            Self::NoSignature => ("its signature is no minisign signature", again),
            Self::OtherKey => (
                "it is signed by another publisher, not with the key that is pinned",
                "check the address and the key; a publisher who changes keys says so elsewhere",
            ),
            Self::OldForm => {
                ("its signature is in minisign's old form, without prehashing", "sign it with `cones publish`")
            }
            Self::Changed => ("its signature does not fit: it or its signature was changed or damaged", again),
        };
        Error::Untrusted { what: what.into(), reason: reason.into(), hint: hint.into() }
    }
}

fn no_key(reason: &str) -> Error {
    Error::Untrusted {
        what: "public key".into(),
        reason: reason.into(),
        hint: "copy the publisher's key as it is, 56 characters that begin with RW".into(),
    }
}
