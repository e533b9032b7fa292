//! Where an entry's file is: URLs, absolute or relative to the catalogue.

use url::{ParseError, Url};

use crate::error::{Error, Result};
use crate::library::address::{Address, shown};

use super::listing::{BundleEntry, PackEntry};

/// No URL of a catalogue is longer than this, in bytes.
const MAX_URL_BYTES: usize = 2048;
/// Stands for the catalogue's URL while that is not known.
const SOMEWHERE: &str = "https://catalogue.invalid/folder/catalog.json";

impl PackEntry {
    /// The absolute URL of the pack, given that of the catalogue it stands in.
    ///
    /// # Errors
    /// [`Error::Untrusted`] when it leaves the catalogue's folder without being a URL of its own, is neither HTTPS nor HTTP to
    /// this very device or, in numbers, to its own network, or leads to this device or into its network where the catalogue is
    /// elsewhere.
    pub fn location(&self, catalog_url: &str) -> Result<String> {
        resolve(catalog_url, &self.url).map(String::from)
    }
}

impl BundleEntry {
    /// The absolute URL of the bundle's folder, ending in `/`, given that of the catalogue it stands in.
    ///
    /// # Errors
    /// As [`PackEntry::location`].
    pub fn location(&self, catalog_url: &str) -> Result<String> {
        resolve(catalog_url, &self.url).map(folder)
    }
}

/// An entry's URL made absolute.
///
/// # Errors
/// [`Error::Untrusted`] as [`check`].
pub(crate) fn resolve(catalog_url: &str, url: &str) -> Result<Url> {
    let untrusted = |what: &str, reason: String| Error::Untrusted {
        what: what.into(),
        reason,
        hint: "use an address that begins with https://".into(),
    };
    let base =
        Url::parse(catalog_url).map_err(|error| untrusted(&shown(catalog_url), format!("it is no URL: {error}")))?;
    let from = check_absolute(&base).map_err(|reason| untrusted(&shown(catalog_url), reason))?;
    let joined = join(&base, url).and_then(|joined| stays_away(&from, joined));
    joined.map_err(|reason| Error::Untrusted {
        what: shown(catalog_url),
        reason,
        hint: "ask its publisher for a catalogue that is in order".into(),
    })
}

/// A catalogue that came from elsewhere cannot lead to this device's own services, nor into its network, as redirects cannot.
fn stays_away(from: &Address, url: Url) -> Result<Url, String> {
    let to = check_absolute(&url)?;
    if to.is_loopback() && !from.is_loopback() {
        return Err(format!("its URL `{}` is not allowed: that is this device itself", to.shown()));
    }
    if to.is_nearby() && !to.is_beside(from) {
        let reason = "that is in the local network, and the catalogue is not from there";
        return Err(format!("its URL `{}` is not allowed: {reason}", to.shown()));
    }
    Ok(url)
}

/// What is wrong with an entry's URL wherever the catalogue may be, if anything.
pub(super) fn check(url: &str) -> Result<(), String> {
    let base = Url::parse(SOMEWHERE).map_err(|error| error.to_string())?;
    join(&base, url).map(drop)
}

/// The URL of a folder: with `/` at its end, without query.
pub(super) fn folder(mut url: Url) -> String {
    url.set_query(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url.into()
}

fn join(base: &Url, url: &str) -> Result<Url, String> {
    if url.is_empty() || url.len() > MAX_URL_BYTES {
        return Err(format!("it holds a URL of {} bytes; they have 1 to {MAX_URL_BYTES}", url.len()));
    }
    // A URL parser drops some of these and takes `\` for `/`; what is signed is to be read in one way only.
    if !url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Err(format!("its URL {url:?} holds something else than a URL's characters"));
    }
    match Url::parse(url) {
        Ok(absolute) => match check_absolute(&absolute) {
            Ok(_) => Ok(absolute),
            Err(reason) => Err(format!("its URL `{}` is not allowed: {reason}", shown(url))),
        },
        Err(ParseError::RelativeUrlWithoutBase) => join_relative(base, url),
        Err(error) => Err(format!("its URL `{}` cannot be read: {error}", shown(url))),
    }
}

/// By the rules of the downloader.
fn check_absolute(url: &Url) -> Result<Address, String> {
    match Address::parse(url.as_str()) {
        Ok(address) => Ok(address),
        Err(Error::Network { reason, .. }) => Err(reason),
        Err(other) => Err(other.to_string()),
    }
}

/// Below the catalogue's folder and nowhere else: one who may write a catalogue's entries need not own the whole host.
fn join_relative(base: &Url, url: &str) -> Result<Url, String> {
    let leaves = || format!("its URL `{url}` leaves the catalogue's folder");
    let lower = url.to_ascii_lowercase();
    // Some servers take an encoded slash for a slash.
    if url.starts_with(['/', '?', '#']) || lower.contains("%2f") || lower.contains("%5c") {
        return Err(leaves());
    }
    let joined = base.join(url).map_err(|error| format!("its URL `{}` cannot be read: {error}", shown(url)))?;
    let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = joined.path().strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    if joined.origin() == base.origin() && below.is_some_and(|rest| !rest.is_empty()) {
        Ok(joined)
    } else {
        Err(leaves())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://example.org/a/b/catalog.json?token=1";

    #[test]
    fn resolves_below_the_catalogue_and_absolute() {
        let to = |url: &str| resolve(BASE, url).map(String::from).unwrap_or_else(|error| error.to_string());
        assert_eq!(to("dog-1.cones"), "https://example.org/a/b/dog-1.cones");
        assert_eq!(to("./packs/x/../dog.cones"), "https://example.org/a/b/packs/dog.cones");
        assert_eq!(to("https://cdn.example/x?y=z"), "https://cdn.example/x?y=z");
    }

    #[test]
    fn only_a_catalogue_of_this_device_leads_to_it() -> Result<()> {
        for loopback in ["http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost:1/x", "https://127.0.0.1/x"] {
            assert_eq!(check(loopback), Ok(()), "a catalogue may hold it, wherever that is");
            assert_eq!(resolve("http://127.0.0.1:80/catalog.json", loopback)?.as_str(), loopback);
            let error = resolve(BASE, loopback).map(drop).expect_err("it leads here");
            assert!(matches!(&error, Error::Untrusted { reason, .. } if reason.contains("this device")), "{error}");
        }
        Ok(())
    }

    #[test]
    fn refuses_what_leaves_the_folder_or_https() {
        let hostile = [
            "",
            "../x",
            "a/../../x",
            "%2e%2e/x",
            "%2E./x",
            "..%2fx",
            "..\\x",
            "/x",
            "/a/b/x",
            "//evil.example/x",
            "/\\evil.example/x",
            "?x",
            "#x",
            ".",
            "x y",
            "x\ny",
            "\u{e9}",
            "http://example.org/x",
            "http://127.0.0.1.evil.example/x",
            "http://localhost.evil.example/x",
            "ftp://example.org/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "javascript:x",
            "https://user:word@example.org/x",
            "https://",
            "https://[::1",
        ];
        for url in hostile {
            assert!(matches!(resolve(BASE, url), Err(Error::Untrusted { .. })), "{url:?} was not refused");
            assert!(check(url).is_err(), "{url:?} passed the check");
        }
        assert!(check(&"x".repeat(MAX_URL_BYTES + 1)).is_err());
    }

    #[test]
    fn refuses_a_base_that_is_not_allowed_and_shows_no_secret() {
        for base in ["http://example.org/catalog.json", "file:///catalog.json", "catalog.json", "mailto:x"] {
            assert!(matches!(resolve(base, "x"), Err(Error::Untrusted { .. })), "{base}");
        }
        let error = resolve("https://me:secret@example.org/c?key=secret", "x").map(drop);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn a_catalogue_of_the_local_network_names_its_own_server_alone() {
        let base = "http://192.168.1.5:8778/catalog.json";
        let to = |url: &str| resolve(base, url).map(String::from);
        assert_eq!(to("packs/rex.cones").expect("below it"), "http://192.168.1.5:8778/packs/rex.cones");
        assert!(to("http://192.168.1.5:8778/elsewhere").is_ok() && to("https://example.org/x").is_ok());
        for other in ["http://192.168.1.1/x", "http://192.168.1.5/x", "http://10.0.0.1:8778/x"] {
            assert!(resolve(BASE, other).is_err(), "{other}");
            assert!(to(other).is_err_and(|error| error.to_string().contains("local network")), "{other}");
        }
    }

    #[test]
    fn a_folder_ends_in_a_slash() -> Result<()> {
        assert_eq!(folder(resolve(BASE, "m/toybox?x=1")?), "https://example.org/a/b/m/toybox/");
        assert_eq!(folder(resolve(BASE, "m/toybox/")?), "https://example.org/a/b/m/toybox/");
        Ok(())
    }
}
