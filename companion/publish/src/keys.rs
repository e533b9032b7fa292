//! A publisher's keys: minisign's, in minisign's own files.

use std::io::Write;
use std::path::{Path, PathBuf};

use cones_core::PublicKey;
use cones_core::disk::atomic::{self, AtomicFile};
use minisign::{KeyPair, SecretKey, SecretKeyBox};

use crate::error::{Error, Result};

/// Makes a pair: the secret key in `path`, for its owner only, the public one beside it with `.pub` behind the name.
/// Without a password whoever reads the file can sign.
pub fn generate(path: &Path, password: Option<String>) -> Result<PublicKey> {
    check_free(path)?;
    let public_path = public_path(path);
    let comment = match password {
        Some(_) => "minisign encrypted secret key of a publisher of Cones packs",
        None => "minisign secret key of a publisher of Cones packs, not encrypted",
    };
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    }?;
    let mut secret = AtomicFile::create_private(path)?;
    secret
        .write_all(pair.sk.to_box(Some(comment))?.into_string().as_bytes())
        .map_err(cones_core::Error::io("write", path))?;
    secret.finish_new().map_err(|error| match error {
        cones_core::Error::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => in_the_way(path),
        other => other.into(),
    })?;
    atomic::write(&public_path, pair.pk.to_box()?.into_string().as_bytes())?;
    Ok(PublicKey::parse(&pair.pk.to_base64())?)
}

/// Refuses a path at which, or beside which, a key stands already, or whose folder is not there.
pub fn check_free(path: &Path) -> Result<()> {
    for path in [path, &public_path(path)] {
        // A link that leads nowhere is in the way, too.
        if path.symlink_metadata().is_ok() {
            return Err(in_the_way(path));
        }
    }
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(format!("there is no folder `{}` to write the keys to", folder.display()).into()),
        None => Ok(()),
    }
}

/// Where the public key of a secret key's file is.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn in_the_way(path: &Path) -> Error {
    format!("`{}` is there already; a key is never overwritten: take another place", path.display()).into()
}

/// A public key given as a file's path or as its base64 line.
pub fn public(given: &str) -> Result<PublicKey> {
    let path = Path::new(given);
    if !path.is_file() {
        let parsed = PublicKey::parse(given);
        return parsed.map_err(|error| format!("there is no file `{given}`, and as a key it is {error}").into());
    }
    let text = std::fs::read_to_string(path).map_err(cones_core::Error::io("read", path))?;
    if text.lines().next().is_some_and(|comment| comment.contains("secret key")) {
        return Err(format!("`{given}` is a secret key; give the public one, `{given}.pub`").into());
    }
    Ok(PublicKey::parse(&text).map_err(|error| format!("`{given}`: {error}"))?)
}

/// A secret key, ready to sign.
pub struct SigningKey {
    secret: SecretKey,
    public: minisign::PublicKey,
}

impl SigningKey {
    /// Reads a key file; where it is encrypted, `password` is asked for what opens it.
    ///
    /// # Errors
    /// When it cannot be read, is no secret key, or the password is another one.
    pub fn open<E: From<Error>>(path: &Path, password: impl FnOnce() -> Result<String, E>) -> Result<Self, E> {
        let text = std::fs::read_to_string(path).map_err(cones_core::Error::io("read", path)).map_err(Error::from)?;
        Ok(Self::parse(path, &text, if has_password(&text) { Some(password()?) } else { None })?)
    }

    fn parse(path: &Path, text: &str, password: Option<String>) -> Result<Self> {
        let bad = |error: minisign::PError| -> Error { format!("secret key `{}`: {error}", path.display()).into() };
        let boxed = SecretKeyBox::from_string(text).map_err(bad)?;
        let secret = match password {
            Some(password) => boxed.into_secret_key(Some(password)),
            None => boxed.into_unencrypted_secret_key(),
        };
        let secret = secret.map_err(bad)?;
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(bad)?;
        Ok(Self { secret, public })
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> Result<PublicKey> {
        Ok(PublicKey::parse(&self.public.to_base64())?)
    }

    /// The text of a detached signature, `.minisig`; `name` and the time go into its trusted comment.
    pub fn sign(&self, name: &str, bytes: &[u8], seconds: u64) -> Result<String> {
        let trusted = format!("timestamp:{seconds}\tfile:{name}\thashed");
        let comment = "signature of a publisher of Cones packs";
        let signed = minisign::sign(Some(&self.public), &self.secret, bytes, Some(&trusted), Some(comment))?;
        Ok(signed.into_string())
    }
}

/// Whether a password opens the key in a file.
pub fn is_encrypted(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| has_password(&text))
}

/// An encrypted key's bytes begin with `Ed` (the signature's kind) and `Sc` (scrypt, for the password); this is their
/// base64. A key without password has two zeros there.
fn has_password(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|line| line.trim().starts_with("RWRTY"))
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the secret: minisign's own would print it.
        f.debug_struct("SigningKey").field("public", &self.public.to_base64()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_and_without_password_sign_what_the_core_verifies() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("plain.key");
        let public = generate(&path, None).expect("a pair");
        let key = SigningKey::open(&path, || Err::<String, Error>("none".to_owned().into())).expect("the key");
        assert_eq!(key.public().expect("its public key"), public);
        let signature = key.sign("a.txt", b"text", 7).expect("a signature");
        assert!(signature.contains("file:a.txt"), "{signature}");
        public.verify("a.txt", b"text", &signature).expect("it fits");
        assert!(public.verify("a.txt", b"TEXT", &signature).is_err());
        assert!(!is_encrypted(&path));
        assert!(
            !format!("{key:?}").contains(std::fs::read_to_string(&path).expect("read").lines().nth(1).expect("key"))
        );
        let again = generate(&path, None).expect_err("it is there").to_string();
        assert!(again.contains("never overwritten"), "{again}");
    }
}
