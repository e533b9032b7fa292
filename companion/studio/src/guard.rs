//! Who may ask: this machine's own user, through the page that the studio gave them.
//!
//! The server listens on loopback, which any web page and any program on this machine can reach. So each request has to
//! - name this server in `Host`: a name that an attacker points at 127.0.0.1 (DNS rebinding) is refused;
//! - come from its own page where a browser says where it comes from (`Origin`, `Sec-Fetch-Site`): no cross-site request;
//! - hold the token, from the address that the user opened, in a cookie that other sites' requests do not carry, or as a bearer.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use axum::http::{Method, Uri};
use cones_core::disk::atomic;

use crate::error::{Error, Result};

/// Bytes of chance in a token.
const CHANCE: usize = 24;

/// The rules.
#[derive(Debug)]
pub(crate) struct Guard {
    token: String,
    cookie: String,
    hosts: [String; 3],
}

/// What came with a request's address that is to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The token stood in the address: the answer sets the cookie.
    WithToken,
    /// The cookie or a bearer held it.
    Known,
}

impl Guard {
    /// Rules for a server at an address, with the token of `file`, which is made where there is none.
    pub(crate) fn open(file: &Path, address: SocketAddr) -> Result<Self> {
        let port = address.port();
        Ok(Self {
            token: token(file)?,
            // Cookies do not tell ports apart.
            cookie: format!("cones-studio-{port}"),
            hosts: ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")),
        })
    }

    /// What stands behind `?` in the address that the user opens.
    pub(crate) fn query(&self) -> String {
        format!("token={}", self.token)
    }

    /// The cookie, as an answer sets it.
    pub(crate) fn set_cookie(&self) -> String {
        // A year: the page survives the browser being closed.
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000", self.cookie, self.token)
    }

    /// Lets a request in, or says why not.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Entrance> {
        let host = only(headers, &HOST).filter(|host| self.hosts.iter().any(|own| own == host));
        let Some(host) = host else {
            return Err(forbidden("the request names another host than this machine", "open 127.0.0.1 or localhost"));
        };
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let bearer = only(headers, &AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        match headers.get(ORIGIN) {
            Some(origin) if origin.as_bytes() == format!("http://{host}").as_bytes() => {}
            Some(_) => return Err(cross_site()),
            None if reads || bearer.is_some() => {}
            None => return Err(cross_site()),
        }
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let own = matches!(site, None | Some(b"same-origin" | b"none"));
        let followed = reads && is_navigation(headers);
        if !(own || followed) {
            return Err(cross_site());
        }
        let in_address =
            uri.query().into_iter().flat_map(|query| query.split('&')).find_map(|p| p.strip_prefix("token="));
        if reads && uri.path() == "/" && in_address.is_some_and(|given| self.is_token(given)) {
            return Ok(Entrance::WithToken);
        }
        if bearer.is_some_and(|given| self.is_token(given)) || self.cookies(headers).any(|given| self.is_token(given)) {
            return Ok(Entrance::Known);
        }
        Err(forbidden(
            "this page does not know you yet",
            "open the address that `cones studio` showed when it started; it holds the token",
        ))
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(name, value)| (name == self.cookie).then_some(value))
    }

    /// Takes as long for a token that begins rightly as for any other.
    fn is_token(&self, given: &str) -> bool {
        let differ = self.token.bytes().zip(given.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
        given.len() == self.token.len() && differ == 0
    }
}

/// The header's value where it is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok())
}

/// Whether a person follows a link, rather than a page asking behind their back.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| headers.get(name).is_some_and(|value| value == wanted);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

fn cross_site() -> Error {
    forbidden("the request comes from another site", "use the studio's own page, or send the token as a bearer")
}

fn forbidden(reason: &str, hint: &'static str) -> Error {
    Error::Forbidden { reason: reason.into(), hint }
}

/// The token of a file, for its owner's eyes; a new one where there is none. It stays, so that a page that is open goes on when the
/// studio is started again.
fn token(file: &Path) -> Result<String> {
    if let Ok(known) = std::fs::read_to_string(file)
        && known.len() == 2 * CHANCE
        && known.bytes().all(|b| b.is_ascii_hexdigit())
    {
        return Ok(known);
    }
    let mut chance = [0; CHANCE];
    getrandom::fill(&mut chance).map_err(|error| Error::Lost(format!("no chance for a token: {error}")))?;
    let mut token = String::new();
    for byte in chance {
        // Writing to a string does not fail.
        let _ = write!(token, "{byte:02x}");
    }
    atomic::write_private(file, token.as_bytes())?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(guard: &Guard, method: Method, target: &str, headers: &[(&str, &str)]) -> Result<Entrance> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        guard.check(&method, &target.parse().expect("a target"), &map)
    }

    #[test]
    fn only_the_own_page_with_the_token_is_let_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        let guard = Guard::open(&file, "127.0.0.1:4000".parse().expect("an address")).expect("rules");
        let again = Guard::open(&file, "127.0.0.1:4000".parse().expect("an address")).expect("rules");
        assert_eq!(guard.token, again.token, "a page that is open goes on");
        let (cookie, bearer) = (format!("a=b; cones-studio-4000={}", guard.token), format!("Bearer {}", guard.token));
        let (host, own) = (("host", "127.0.0.1:4000"), ("origin", "http://127.0.0.1:4000"));
        let cookie = ("cookie", cookie.as_str());
        let entrance = format!("/?{}", guard.query());
        for (method, target, headers, entered) in [
            (Method::GET, entrance.as_str(), vec![host], Entrance::WithToken),
            (Method::GET, "/api/jobs", vec![host, cookie], Entrance::Known),
            (Method::GET, "/api/jobs", vec![("host", "localhost:4000"), cookie], Entrance::Known),
            (
                Method::GET,
                "/api/jobs",
                vec![("host", "[::1]:4000"), cookie, ("sec-fetch-site", "same-origin")],
                Entrance::Known,
            ),
            (Method::POST, "/api/jobs", vec![host, own, cookie], Entrance::Known),
            (Method::DELETE, "/api/jobs/j1", vec![host, ("authorization", bearer.as_str())], Entrance::Known),
            (
                Method::GET,
                "/",
                vec![
                    host,
                    cookie,
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                Entrance::Known,
            ),
        ] {
            assert_eq!(asked(&guard, method, target, &headers).ok(), Some(entered), "{target} {headers:?}");
        }
        for (method, target, headers) in [
            // DNS rebinding: the name is the attacker's, the address ours.
            (Method::GET, "/api/jobs", vec![("host", "evil.example:4000"), cookie]),
            (Method::GET, "/api/jobs", vec![("host", "127.0.0.1:4001"), cookie]),
            (Method::GET, "/api/jobs", vec![("host", "127.0.0.1"), cookie]),
            (Method::GET, "/api/jobs", vec![host, ("host", "evil.example"), cookie]),
            (Method::GET, "/api/jobs", vec![cookie]),
            // Another site's form or script.
            (Method::POST, "/api/jobs", vec![host, cookie, ("origin", "https://evil.example")]),
            (Method::POST, "/api/jobs", vec![host, cookie, ("origin", "http://localhost:4000")]),
            (Method::POST, "/api/jobs", vec![host, cookie, ("origin", "null")]),
            (Method::POST, "/api/jobs", vec![host, cookie]),
            (Method::GET, "/api/jobs", vec![host, cookie, ("origin", "http://127.0.0.1:3000")]),
            (Method::GET, "/api/events", vec![host, cookie, ("sec-fetch-site", "cross-site")]),
            (
                Method::GET,
                "/api/events",
                vec![host, cookie, ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")],
            ),
            // Nobody we know.
            (Method::GET, "/", vec![host]),
            (Method::GET, "/?token=", vec![host]),
            (Method::GET, "/?token=0123456789abcdef", vec![host]),
            (Method::GET, "/api/jobs", vec![host, ("cookie", "cones-studio-4000=x")]),
            (Method::POST, entrance.as_str(), vec![host, own]),
            (Method::GET, &format!("/api/jobs?{}", guard.query()), vec![host]),
        ] {
            let refused = asked(&guard, method, target, &headers);
            assert!(refused.is_err_and(|error| error.hint().is_some()), "{target} {headers:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).expect("the token").permissions().mode() & 0o777, 0o600);
        }
    }
}
