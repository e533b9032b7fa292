//! Which URLs may be asked, and how they are shown.
//!
//! HTTPS only, with two exceptions. To this device itself: what stands at `127.0.0.0/8`, `::1` or `localhost` crosses no network. And to
//! an address, written in numbers, of the network that the device is in (RFC 1918, RFC 4193, link-local): a desk there has no name that
//! a certificate could be for. What comes from it is seen by others in that network, but is what its publisher signed or it is refused.

use std::net::{IpAddr, ToSocketAddrs};

use url::{Host, Url};

use crate::error::{Error, Result};

/// Longer URLs are cut in messages.
const SHOWN: usize = 300;

/// A URL that may be asked.
#[derive(Clone)]
pub(crate) struct Address(Url);

impl Address {
    /// Checks a URL that the caller or a signed list gave.
    ///
    /// # Errors
    /// [`Error::Network`] when it is none or may not be asked.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|error| refused(shown(text), format!("it is not a URL: {error}")))?;
        Self::checked(url)
    }

    /// Where an answer's `Location` leads from here. A server elsewhere cannot lead to this device's own services, nor
    /// from HTTPS to HTTP.
    ///
    /// # Errors
    /// [`Error::Network`].
    pub(crate) fn redirect(&self, location: &str) -> Result<Self> {
        let lost = |reason: String| refused(self.shown(), format!("it redirects to `{}`: {reason}", shown(location)));
        let url = self.0.join(location).map_err(|error| lost(format!("that is not a URL: {error}")))?;
        let next = Self::checked(url).map_err(|error| match error {
            Error::Network { reason, .. } => lost(reason),
            other => other,
        })?;
        if self.0.scheme() == "https" && next.0.scheme() != "https" {
            return Err(lost("that leaves HTTPS".into()));
        }
        if next.is_loopback() && !self.is_loopback() {
            return Err(lost("that is this device itself".into()));
        }
        if next.is_nearby() && !next.is_beside(self) {
            return Err(lost("that is another device of the local network".into()));
        }
        Ok(next)
    }

    /// A file beside this one, or of this folder if the path ends with `/`.
    ///
    /// # Errors
    /// [`Error::Network`].
    pub(crate) fn join(&self, relative: &str) -> Result<Self> {
        let url =
            self.0.join(relative).map_err(|error| refused(shown(relative), format!("it is not a URL: {error}")))?;
        Self::checked(url)
    }

    /// A file of the same folder as this one, asked for with the same query.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let folder = self.0.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = format!("{folder}/{name}");
        let mut url = self.0.clone();
        url.set_path(&path);
        Self(url)
    }

    /// Of a file `…/folder/ANY/FILE`, the file `…/name`; none of others.
    pub(crate) fn above(&self, folder: &str, name: &str) -> Option<Self> {
        let mut segments: Vec<&str> = self.0.path().split('/').collect();
        let at = segments.len().checked_sub(3)?;
        if segments.get(at) != Some(&folder) {
            return None;
        }
        segments.truncate(at);
        segments.push(name);
        let path = segments.join("/");
        let mut url = self.0.clone();
        url.set_path(&path);
        Some(Self(url))
    }

    /// This address with `ending` behind its path, before its query.
    ///
    /// # Errors
    /// [`Error::Network`].
    pub(crate) fn with_ending(&self, ending: &str) -> Result<Self> {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{ending}", self.0.path()));
        Self::checked(url)
    }

    /// This address as a folder's, with a slash at its end, so that [`join`](Self::join) leads into it.
    ///
    /// # Errors
    /// [`Error::Network`].
    pub(crate) fn folder(&self) -> Result<Self> {
        if self.0.path().ends_with('/') { Ok(self.clone()) } else { self.with_ending("/") }
    }

    /// Whether its path ends with this file name.
    pub(crate) fn is_file(&self, name: &str) -> bool {
        self.0.path_segments().and_then(|mut segments| segments.next_back()) == Some(name)
    }

    /// What is asked for, whole. Not for messages.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Without query and fragment, for messages.
    pub(crate) fn shown(&self) -> String {
        show(&self.0)
    }

    /// Whether it is this device.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// Whether it is asked without encryption in the local network.
    pub(crate) fn is_nearby(&self) -> bool {
        let ip = match self.0.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return false,
        };
        self.0.scheme() == "http" && is_private(ip)
    }

    /// Whether both are of one server.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// Whether it may be asked as names resolve now: a name server may know a `localhost` that is none.
    pub(super) fn stays_here(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) if self.0.scheme() == "http" => {
                let port = self.0.port_or_known_default().unwrap_or(80);
                // One that does not resolve fails later, for that reason.
                (name, port).to_socket_addrs().map_or(true, |mut found| found.all(|address| address.ip().is_loopback()))
            }
            _ => true,
        }
    }

    fn checked(mut url: Url) -> Result<Self> {
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(show(&url), "URLs with a user name or password are not used".into()));
        }
        let address = Self(url);
        match address.0.scheme() {
            "https" => Ok(address),
            "http" if address.is_loopback() || address.is_nearby() => Ok(address),
            "http" => {
                let reason =
                    "only HTTPS is used, except on this device itself and to an address in numbers of its own network";
                Err(refused(address.shown(), reason.into()))
            }
            other => Err(refused(address.shown(), format!("`{other}` is not used, only HTTPS"))),
        }
    }
}

/// Whether an address is of a network that nobody outside reaches.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// What may be shown of a text that was meant as a URL: no credentials, no query.
pub(crate) fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => show(&url),
        Err(_) => {
            let text = text.split(['?', '#']).next().unwrap_or_default();
            cut(text.rsplit('@').next().unwrap_or_default())
        }
    }
}

fn show(url: &Url) -> String {
    if url.cannot_be_a_base() {
        // Such as `anna:secret@example.org`, which is one of a scheme `anna`.
        return cut(&format!("{}:…", url.scheme()));
    }
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    cut(url.as_str())
}

fn cut(text: &str) -> String {
    let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let mut cut: String = text.chars().take(SHOWN).map(clean).collect();
    if text.chars().nth(SHOWN).is_some() {
        cut.push('…');
    }
    cut
}

fn refused(url: String, reason: String) -> Error {
    let hint = "ask its publisher for another address; for trying out, `http://127.0.0.1` works".into();
    Error::Network { url, reason, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<Address>) -> String {
        match result {
            Err(error @ Error::Network { .. }) => error.to_string(),
            Err(other) => panic!("{other}"),
            Ok(address) => panic!("{} was accepted", address.shown()),
        }
    }

    #[test]
    fn https_everywhere_and_http_to_this_device_and_its_network() {
        for text in [
            "https://example.org/a.cones",
            "https://127.0.0.1:8443/",
            "http://127.0.0.1:8000/a",
            "http://127.200.3.4/",
            "http://[::1]:80/a",
            "http://localhost:1/a",
            "http://LOCALHOST/a",
            "http://10.0.0.2/",
            "http://192.168.1.5:8778/catalog.json",
            "http://172.31.0.1/",
            "http://169.254.7.7/",
            "http://[fd00::5]/",
            "http://[fe80::5]/",
        ] {
            assert!(Address::parse(text).is_ok(), "{text}");
        }
        for text in [
            "http://example.org/a",
            "http://127.0.0.1.example.org/",
            "http://localhost.example.org/",
            "http://128.0.0.1/",
            "http://0.0.0.0/",
            "http://[::2]/",
            "http://[::ffff:127.0.0.1]/",
            "http://172.32.0.1/",
            "http://192.169.1.5/",
            "http://100.64.0.1/",
            "http://[2001:db8::1]/",
            "http://[::ffff:10.0.0.2]/",
            "http://192.168.1.5.example.org/",
            "http://desk.local/",
            "ftp://127.0.0.1/a",
            "file:///etc/hostname",
            "data:text/plain,x",
            "a.cones",
            "",
            "https://",
            "http://127.0.0.1:99999/",
            "\0",
        ] {
            assert!(Address::parse(text).is_err_and(|error| error.hint().is_some()), "{text}");
        }
    }

    #[test]
    fn credentials_are_refused_and_never_shown() {
        for text in [
            "https://anna:secret@example.org/a?token=secret#secret",
            "https://secret@example.org/a",
            "http://anna:secret@127.0.0.1/",
            "https://anna:secret@exa mple.org/a?secret",
            "https://anna:secret@",
            "anna:secret@example.org?secret",
            "https://example.org:x/a?secret#secret",
        ] {
            let text = reason(Address::parse(text));
            assert!(!text.contains("secret"), "{text}");
        }
        let address = Address::parse("https://example.org/a?token=secret#secret").expect("an address");
        assert_eq!(address.shown(), "https://example.org/a");
        assert_eq!(address.as_str(), "https://example.org/a?token=secret");
    }

    #[test]
    fn redirects_keep_the_rules() {
        let far = Address::parse("https://example.org/a/b").expect("an address");
        assert_eq!(far.redirect("c").expect("an address").shown(), "https://example.org/a/c");
        assert_eq!(far.redirect("//cdn.example.org/c").expect("an address").shown(), "https://cdn.example.org/c");
        assert!(reason(far.redirect("http://example.org/a/b")).contains("only HTTPS"));
        assert!(reason(far.redirect("http://127.0.0.1/a")).contains("leaves HTTPS"));
        assert!(reason(far.redirect("https://127.0.0.1/a")).contains("this device itself"));
        assert!(!reason(far.redirect("https://x:secret@example.org/?secret")).contains("secret"));
        assert!(reason(far.redirect("https://[")).contains("not a URL"));
        let here = Address::parse("http://127.0.0.1:80/a").expect("an address");
        assert!(here.redirect("http://localhost:81/b").is_ok());
        assert!(here.redirect("https://example.org/b").is_ok());
        assert!(reason(here.redirect("http://example.org/b")).contains("only HTTPS"));
        let near = Address::parse("http://192.168.1.5:80/a").expect("an address");
        assert!(near.redirect("/b").is_ok() && near.redirect("https://example.org/b").is_ok());
        for other in ["http://192.168.1.5:81/b", "http://192.168.1.1/b"] {
            assert!(reason(near.redirect(other)).contains("another device"), "{other}");
            assert!(reason(here.redirect(other)).contains("another device"), "{other}");
            assert!(reason(far.redirect(other)).contains("leaves HTTPS"), "{other}");
        }
        assert!(reason(near.redirect("http://127.0.0.1/b")).contains("this device itself"));
    }

    #[test]
    fn files_lie_in_folders() {
        let list = Address::parse("https://example.org/x/catalog.json?token=1").expect("an address");
        assert_eq!(
            list.with_ending(".minisig").expect("an address").as_str(),
            "https://example.org/x/catalog.json.minisig?token=1"
        );
        let folder = list.join("toybox").and_then(|a| a.folder()).expect("an address");
        assert_eq!(folder.join("unet.onnx").expect("an address").as_str(), "https://example.org/x/toybox/unet.onnx");
        assert!(list.join("https://elsewhere.example/y").is_ok());
        assert!(list.join("http://elsewhere.example/y").is_err());
    }

    #[test]
    fn long_and_strange_texts_are_shown_short_and_plain() {
        let text = reason(Address::parse(&format!("http://example.org/{}", "x".repeat(9999))));
        assert!(text.len() < 800, "{text}");
        assert!(!reason(Address::parse("ht\u{1b}[31mtp://\u{7}")).contains('\u{1b}'));
    }

    #[test]
    fn files_beside_and_above_keep_to_their_server() {
        let at = |text: &str| Address::parse(text).expect("an address");
        let beside = |text: &str| at(text).beside("keys.json").as_str().to_owned();
        assert_eq!(beside("https://example.org/a/catalog.json?token=1#x"), "https://example.org/a/keys.json?token=1");
        assert_eq!(beside("https://example.org/catalog.json"), "https://example.org/keys.json");
        assert_eq!(beside("https://example.org/a/"), "https://example.org/a/keys.json");
        assert_eq!(beside("https://example.org"), "https://example.org/keys.json");
        let above = |text: &str| at(text).above("bundles", "keys.json").map(|found| found.as_str().to_owned());
        let found = above("https://example.org/p/bundles/toy-1/bundle.json?x");
        assert_eq!(found.as_deref(), Some("https://example.org/p/keys.json?x"));
        assert_eq!(
            above("https://example.org/bundles/toy/bundle.json").as_deref(),
            Some("https://example.org/keys.json")
        );
        for other in
            ["https://example.org/bundles/bundle.json", "https://example.org/p/toy/bundle.json", "https://example.org"]
        {
            assert_eq!(above(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_for_this_device_resolves_to_it() {
        assert!(Address::parse("http://localhost:1/").expect("an address").stays_here());
        assert!(Address::parse("http://127.0.0.1:1/").expect("an address").stays_here());
    }
}
