//! A publisher's keys: minisign's, in minisign's own files.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use cones_core::disk::atomic::{self, AtomicFile};
use cones_core::{Error, PublicKey};
use minisign::{KeyPair, SecretKey, SecretKeyBox};

use crate::failure::Failure;

/// Names the variable that holds the password of a secret key.
pub const PASSWORD: &str = "CONES_KEY_PASSWORD";

/// Makes a pair: the secret key in `path`, for its owner only, the public one beside it with `.pub` behind the name.
/// Without a password whoever reads the file can sign.
pub fn generate(path: &Path, password: Option<String>) -> Result<PublicKey, Failure> {
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
    secret.write_all(pair.sk.to_box(Some(comment))?.into_string().as_bytes()).map_err(Error::io("write", path))?;
    secret.finish_new().map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => in_the_way(path),
        other => other.into(),
    })?;
    atomic::write(&public_path, pair.pk.to_box()?.into_string().as_bytes())?;
    Ok(PublicKey::parse(&pair.pk.to_base64())?)
}

/// Refuses a path at which, or beside which, a key stands already, or whose folder is not there.
pub fn check_free(path: &Path) -> Result<(), Failure> {
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

fn in_the_way(path: &Path) -> Failure {
    format!("`{}` is there already; a key is never overwritten: give another --out", path.display()).into()
}

/// A public key given as a file's path or as its base64 line.
pub fn public(given: &str) -> Result<PublicKey, Failure> {
    let path = Path::new(given);
    if !path.is_file() {
        let parsed = PublicKey::parse(given);
        return parsed.map_err(|error| format!("there is no file `{given}`, and as a key it is {error}").into());
    }
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
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
    /// Reads a key file. An encrypted one takes its password from the environment or, at a terminal, asks for it.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let bad = |error: minisign::PError| -> Failure { format!("secret key `{}`: {error}", path.display()).into() };
        let secret = match SecretKeyBox::from_string(&text).and_then(SecretKeyBox::into_unencrypted_secret_key) {
            Ok(secret) => secret,
            Err(error) if !is_encrypted(&text) => return Err(bad(error)),
            Err(_) => {
                let password = password(path)?;
                SecretKeyBox::from_string(&text).and_then(|b| b.into_secret_key(Some(password))).map_err(bad)?
            }
        };
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(bad)?;
        Ok(Self { secret, public })
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> Result<PublicKey, Failure> {
        Ok(PublicKey::parse(&self.public.to_base64())?)
    }

    /// The text of a detached signature, `.minisig`; `name` and the time go into its trusted comment.
    pub fn sign(&self, name: &str, bytes: &[u8], seconds: u64) -> Result<String, Failure> {
        let trusted = format!("timestamp:{seconds}\tfile:{name}\thashed");
        let comment = "signature of a publisher of Cones packs";
        let signed = minisign::sign(Some(&self.public), &self.secret, bytes, Some(&trusted), Some(comment))?;
        Ok(signed.into_string())
    }
}

/// An encrypted key's bytes begin with `Ed` (the signature's kind) and `Sc` (scrypt, for the password); this is their
/// base64. A key without password has two zeros there.
fn is_encrypted(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|line| line.trim().starts_with("RWRTY"))
}

fn password(path: &Path) -> Result<String, Failure> {
    if let Some(password) = password_from_environment() {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        let shown = path.display();
        return Err(format!("secret key `{shown}` is encrypted; set {PASSWORD}, or run this at a terminal").into());
    }
    Ok(rpassword::prompt_password(format!("Password of {}: ", path.display()))?)
}

/// The password that the environment holds; an empty one is none.
pub fn password_from_environment() -> Option<String> {
    std::env::var(PASSWORD).ok().filter(|password| !password.is_empty())
}

/// Asks for a new password, twice.
pub fn new_password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(format!("--password asks at a terminal; elsewhere set {PASSWORD}").into());
    }
    let password = rpassword::prompt_password("Password for the new key: ")?;
    if password.is_empty() {
        return Err("the password is empty; without --password the key is made without one".into());
    }
    if rpassword::prompt_password("The same again: ")? != password {
        return Err("the two are not the same; nothing was written".into());
    }
    Ok(password)
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
        let key = SigningKey::open(&path).expect("the key");
        assert_eq!(key.public().expect("its public key"), public);
        let signature = key.sign("a.txt", b"text", 7).expect("a signature");
        assert!(signature.contains("file:a.txt"), "{signature}");
        public.verify("a.txt", b"text", &signature).expect("it fits");
        assert!(public.verify("a.txt", b"TEXT", &signature).is_err());
        assert!(!is_encrypted(&std::fs::read_to_string(&path).expect("read")));
        assert!(
            !format!("{key:?}").contains(std::fs::read_to_string(&path).expect("read").lines().nth(1).expect("key"))
        );
        let again = generate(&path, None).expect_err("it is there").to_string();
        assert!(again.contains("never overwritten"), "{again}");
    }
}
