//! What the head of an answer says, as far as it matters here.

use std::time::{Duration, SystemTime};

use ureq::http::{HeaderMap, HeaderName, Response, header};

/// The head of an answer that is no redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// HTTP status.
    pub(super) status: u16,
    /// `Content-Length`.
    pub(super) length: Option<u64>,
    /// `Content-Range` of a part.
    pub(super) range: Option<ContentRange>,
    /// What tells this state of the file from another one: the strong `ETag`, or else `Last-Modified`.
    pub(super) validator: Option<String>,
    /// A `Content-Encoding` that was not asked for.
    pub(super) encoding: Option<String>,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// `bytes first-last/whole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// First byte, from 0.
    pub(super) first: u64,
    /// Last byte, included.
    pub(super) last: u64,
    /// Length of the whole file, where the server knows it.
    pub(super) whole: Option<u64>,
}

impl Head {
    /// Reads the head of an answer.
    pub(super) fn of<B>(response: &Response<B>) -> Self {
        let headers = response.headers();
        let encoding = text(headers, header::CONTENT_ENCODING);
        Self {
            status: response.status().as_u16(),
            length: text(headers, header::CONTENT_LENGTH).and_then(number),
            range: text(headers, header::CONTENT_RANGE).and_then(ContentRange::parse),
            validator: validator(headers),
            encoding: encoding.filter(|e| !e.eq_ignore_ascii_case("identity")).map(|e| e.chars().take(40).collect()),
            retry_after: text(headers, header::RETRY_AFTER).and_then(wait),
        }
    }
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, whole) = text.strip_prefix("bytes")?.trim_start().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let whole = if whole.trim() == "*" { None } else { Some(number(whole)?) };
        let sane = first <= last && last < u64::MAX && whole.is_none_or(|whole| last < whole);
        sane.then_some(Self { first, last, whole })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// Digits alone: `parse` would take a sign as well.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// `If-Range` takes no weak tag: such files may differ in their bytes.
fn validator(headers: &HeaderMap) -> Option<String> {
    let tag = text(headers, header::ETAG).filter(|tag| tag.len() > 1 && tag.starts_with('"') && tag.ends_with('"'));
    let found =
        tag.or_else(|| text(headers, header::LAST_MODIFIED).filter(|t| httpdate::parse_http_date(t).is_ok()))?;
    // It is kept in a file and sent back; nobody needs a long one.
    (found.len() <= 256).then(|| found.to_owned())
}

/// `Retry-After`: seconds or a date.
fn wait(text: &str) -> Option<Duration> {
    if let Some(seconds) = number(text) {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> Head {
        let mut response = Response::builder().status(206);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Head::of(&response.body(()).expect("an answer"))
    }

    fn range(text: &str) -> Option<ContentRange> {
        head(&[("Content-Range", text)]).range
    }

    #[test]
    fn ranges_are_read_strictly() {
        let of = |first, last, whole| Some(ContentRange { first, last, whole });
        assert_eq!(range("bytes 0-0/1"), of(0, 0, Some(1)));
        assert_eq!(range("bytes 5-9/10"), of(5, 9, Some(10)));
        assert_eq!(range("bytes 5-9/*"), of(5, 9, None));
        for bad in [
            "bytes 5-9",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "bytes -5-9/10",
            "bytes +5-9/10",
            "bytes */10",
            "bytes 5-9/-1",
            "bytes 99999999999999999999-5/1",
            "bytes 0-18446744073709551615/*",
            "lines 0-1/2",
            "bytes",
            "",
        ] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn lengths_are_digits() {
        assert_eq!(head(&[("Content-Length", "12")]).length, Some(12));
        for bad in ["+12", "-1", "1e3", "0x10", "12, 12", "99999999999999999999", ""] {
            assert_eq!(head(&[("Content-Length", bad)]).length, None, "{bad}");
        }
    }

    #[test]
    fn a_strong_tag_goes_before_a_date_and_a_weak_one_is_none() {
        let date = ("Last-Modified", "Fri, 15 May 2015 15:34:21 GMT");
        assert_eq!(head(&[("ETag", "\"a\""), date]).validator.as_deref(), Some("\"a\""));
        assert_eq!(head(&[("ETag", "W/\"a\""), date]).validator.as_deref(), Some(date.1));
        assert_eq!(head(&[("ETag", "W/\"a\"")]).validator, None);
        assert_eq!(head(&[("ETag", "a")]).validator, None);
        assert_eq!(head(&[("ETag", "\"")]).validator, None);
        assert_eq!(head(&[("Last-Modified", "yesterday")]).validator, None);
        assert_eq!(head(&[("ETag", &format!("\"{}\"", "x".repeat(300)))]).validator, None);
    }

    #[test]
    fn waits_are_seconds_or_a_date() {
        assert_eq!(head(&[("Retry-After", "7")]).retry_after, Some(Duration::from_secs(7)));
        assert_eq!(head(&[("Retry-After", "Fri, 15 May 2015 15:34:21 GMT")]).retry_after, Some(Duration::ZERO));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(head(&[("Retry-After", &later)]).retry_after.is_some_and(|w| w > Duration::from_secs(50)));
        assert_eq!(head(&[("Retry-After", "soon")]).retry_after, None);
    }

    #[test]
    fn only_a_real_encoding_is_one() {
        assert_eq!(head(&[("Content-Encoding", "identity")]).encoding, None);
        assert_eq!(head(&[("Content-Encoding", "gzip")]).encoding.as_deref(), Some("gzip"));
    }
}
