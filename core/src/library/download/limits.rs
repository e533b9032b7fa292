//! How long a download waits and how often it tries again.

use std::time::Duration;

/// The limits of a [`Downloader`](super::Downloader). The defaults suit a phone on a mobile network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For looking up a name, and again for the connection with its TLS handshake. 15 s.
    pub connect: Duration,
    /// A server that sends nothing for this long is treated like a broken connection. The head of an answer has to be
    /// there within this time. A server that drips a byte now and then is waited for: whoever finds that too slow
    /// cancels. 30 s.
    pub idle: Duration,
    /// How many attempts in a row may bring nothing new. 5.
    pub attempts: u32,
    /// How many attempts there may be in all, those that brought something included. 200.
    pub attempts_in_all: u32,
    /// The wait before the second attempt, doubled before each further one that follows a fruitless one; a random part
    /// of up to one half is taken off, so that many devices do not come back at once. 0.5 s.
    pub backoff: Duration,
    /// No wait is longer. A server that asks for more by `Retry-After` is left alone with an error. 60 s.
    pub longest_wait: Duration,
    /// How many redirects are followed in one attempt. 5.
    pub redirects: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            idle: Duration::from_secs(30),
            attempts: 5,
            attempts_in_all: 200,
            backoff: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            redirects: 5,
        }
    }
}
