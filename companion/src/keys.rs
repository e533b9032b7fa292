//! Passwords of a publisher's keys, from the environment or a terminal. The keys themselves are in `cones-publish`.

use std::io::IsTerminal;
use std::path::Path;

use cones_publish::SigningKey;

use crate::failure::Failure;

/// Names the variable that holds the password of a secret key.
pub const PASSWORD: &str = "CONES_KEY_PASSWORD";

/// Reads a key file. An encrypted one takes its password from the environment or, at a terminal, asks for it.
///
/// # Errors
/// As [`SigningKey::open`], and where nobody can be asked.
pub fn open(path: &Path) -> Result<SigningKey, Failure> {
    SigningKey::open(path, || password(path))
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
