//! The `Range` header (RFC 9110, section 14): one range of bytes.

/// What of a file is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it: no range, or one that is not understood, which a server may ignore.
    Whole,
    /// `length` bytes from `start`, within the file.
    Part { start: u64, length: u64 },
    /// Nothing: the range lies outside the file.
    Outside,
}

/// Reads the header's value for a file of `size` bytes. Several ranges are answered with the whole file.
pub(super) fn parse(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Range::Whole;
    };
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    match (number(first), number(last)) {
        (Some(Some(start)), Some(end)) if end.is_none_or(|end| end >= start) => {
            let end = end.unwrap_or(u64::MAX).min(size.saturating_sub(1));
            if start < size { Range::Part { start, length: end - start + 1 } } else { Range::Outside }
        }
        // The last so many bytes.
        (Some(None), Some(Some(count))) => {
            let length = count.min(size);
            if length > 0 { Range::Part { start: size - length, length } } else { Range::Outside }
        }
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_kept_within_the_file() {
        let part = |start, length| Range::Part { start, length };
        for (text, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-4", part(2, 3)),
            ("bytes=2-", part(2, 8)),
            ("bytes=9-100", part(9, 1)),
            ("bytes=9-99999999999999999999999", part(9, 1)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-30", part(0, 10)),
            ("bytes=10-", Range::Outside),
            ("bytes=99999999999999999999999-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=4-2", Range::Whole),
            ("bytes=-", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("bytes=+1-2", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("items=0-1", Range::Whole),
            ("", Range::Whole),
        ] {
            assert_eq!(parse(text, 10), expected, "{text}");
        }
        assert_eq!(parse("bytes=0-", 0), Range::Outside);
        assert_eq!(parse("bytes=-1", 0), Range::Outside);
    }
}
