//! A line of the manifest, good or bad.

use cones_core::Sha256;

use crate::subject::{Subject, shortened};

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// The name it gives, where one can be read.
    pub name: Option<String>,
    /// SHA-256 over what it says, which layout and the order of fields do not change; of a bad line over its text.
    pub digest: Sha256,
    /// The subject, or what is wrong.
    pub subject: Result<Subject, String>,
}

impl Line {
    /// A line that describes a subject, if the subject is one that can be.
    pub fn new(number: u64, subject: Subject) -> Self {
        // Numbers, texts and lists: nothing in it that JSON could not hold.
        let digest = Sha256::digest(serde_json::to_vec(&subject).unwrap_or_default());
        let name = Some(shortened(&subject.name));
        let subject = subject.check().map(|()| subject);
        Self { number, name, digest, subject }
    }

    /// A line that cannot be read.
    pub fn bad(number: u64, text: &str, reason: impl Into<String>) -> Self {
        Self { number, name: None, digest: Sha256::digest(text), subject: Err(reason.into()) }
    }

    /// What its objects in the store are called: another line, another key.
    pub fn key(&self) -> String {
        match &self.subject {
            Ok(subject) => format!("{}-{}", subject.name, self.digest.short(16)),
            Err(_) => format!("line-{:07}-{}", self.number, self.digest.short(16)),
        }
    }
}
