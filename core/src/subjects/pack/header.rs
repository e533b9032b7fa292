//! The first bytes of a pack: what it is, for which model, and where its parts are. Needs no base model.

use super::bytes::{Reader, bad};
use super::checksum;
use super::metadata::Metadata;
use super::metadata::{self, texts};
use super::precision::Precision;
use super::version::{OLDEST, VERSION};
use super::{embeddings, factors, preview};
use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::subjects::scope::Scope;

/// The first bytes of every pack. The odd byte and the line ends catch transfers as text.
pub(super) const MAGIC: [u8; 8] = *b"\x89CONES\r\n";
/// Bytes up to the first text.
const FIXED: usize = 114;
/// The longest header: every text at its limit.
const LONGEST: usize = FIXED + 7 + 4 * 64 + 3 * 128 + checksum::BYTES;

/// A part behind the header. They follow each other in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Preview,
    Layers,
    Factors,
    Embeddings,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Preview, Self::Layers, Self::Factors, Self::Embeddings];

    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Layers => "layers",
            Self::Factors => "factors",
            Self::Embeddings => "embeddings",
        }
    }

    /// What follows its name.
    pub(super) fn verb(self) -> &'static str {
        if self == Self::Preview { "is" } else { "are" }
    }
}

/// How long a part is, and its checksum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) bytes: u32,
    pub(super) sum: [u8; checksum::BYTES],
}

/// Everything that the header holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    pub(super) version: u16,
    pub(super) precision: Precision,
    pub(super) fingerprint: Sha256,
    pub(super) neurons: u64,
    pub(super) parts: [Part; 4],
    pub(super) metadata: Metadata,
}

impl Head {
    /// The header's bytes. The metadata has been checked.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LONGEST);
        let texts = texts(&self.metadata);
        let length = FIXED + texts.iter().map(|text| 1 + text.value.len()).sum::<usize>() + checksum::BYTES;
        bytes.extend(MAGIC);
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((length as u16).to_le_bytes());
        bytes.push(precision_code(self.precision));
        bytes.push(scope_code(self.metadata.scope));
        bytes.extend(self.fingerprint.as_bytes());
        bytes.extend(self.metadata.version.to_le_bytes());
        bytes.extend(self.metadata.created.to_le_bytes());
        bytes.extend(self.neurons.to_le_bytes());
        for part in &self.parts {
            bytes.extend(part.bytes.to_le_bytes());
            bytes.extend(part.sum);
        }
        for text in texts {
            bytes.push(text.value.len() as u8);
            bytes.extend(text.value.as_bytes());
        }
        bytes.extend(checksum::checksum(&bytes));
        bytes
    }

    /// Reads and checks the header, and that it is whole. Gives it with its length.
    pub(super) fn read(pack: &str, bytes: &[u8]) -> Result<(Self, usize)> {
        let header = frame(pack, bytes)?;
        let mut reader = Reader::new(pack, "header", header, 0);
        reader.take(MAGIC.len())?;
        let format = reader.u16()?;
        reader.take(2)?;
        let precision = read_precision(&mut reader)?;
        let scope = read_scope(&mut reader)?;
        let fingerprint = Sha256::from_bytes(reader.array()?);
        let (version, created) = (reader.u32()?, reader.u64()?);
        metadata::check_numbers(version, created).map_err(|reason| reader.bad_at(46, says(&reason)))?;
        let neurons = reader.u64()?;
        let parts = read_parts(&mut reader, precision, neurons)?;
        if precision == Precision::LowRank && scope == Scope::Trigger {
            return Err(reader.bad_at(13, "gives the scope `trigger` to low-rank matrices, which change all words"));
        }
        // In the file's order.
        let name = read_text(&mut reader, "name")?;
        let place = reader.place();
        let trigger = read_text(&mut reader, "trigger")?;
        metadata::check_trigger(&trigger, precision).map_err(|reason| reader.bad_at(place, says(&reason)))?;
        let mut text = |field| read_text(&mut reader, field);
        let class = text("class")?;
        let (author, licence, model, tool) = (text("author")?, text("licence")?, text("model")?, text("tool")?);
        reader.end()?;
        let metadata = Metadata { name, version, trigger, class, scope, author, licence, model, tool, created };
        let head = Self { version: format, precision, fingerprint, neurons, parts, metadata };
        Ok((head, header.len() + checksum::BYTES))
    }
}

/// The header without its checksum, after that, magic and version were found right.
fn frame<'a>(pack: &str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let known = bytes.len().min(MAGIC.len());
    if bytes.is_empty() || bytes.get(..known) != MAGIC.get(..known) {
        return Err(Error::BadPack {
            pack: pack.into(),
            reason: "it is no subject pack".into(),
            at: Some(0),
            hint: "a subject pack is a `.cones` file, as `cones find` writes and publishers offer".into(),
        });
    }
    let mut reader = Reader::new(pack, "header", bytes, 0);
    reader.take(MAGIC.len())?;
    let version = reader.u16()?;
    if version > VERSION {
        return Err(Error::BadPack {
            pack: pack.into(),
            reason: format!("its format has version {version}, this software reads versions {OLDEST} to {VERSION}"),
            at: Some(MAGIC.len() as u64),
            hint: "update this software".into(),
        });
    }
    if version < OLDEST {
        return Err(reader.bad_at(MAGIC.len() as u64, "names version 0 of the format, which there is not"));
    }
    let place = reader.place();
    let length = usize::from(reader.u16()?);
    if !(FIXED + 7 + checksum::BYTES..=LONGEST).contains(&length) {
        return Err(reader.bad_at(place, format!("gives its own length as {length} bytes")));
    }
    let Some((header, sum)) = bytes.get(..length).and_then(|whole| whole.split_at_checked(length - checksum::BYTES))
    else {
        let reason = format!("needs {length} bytes, the file has {}: it is cut off", bytes.len());
        return Err(bad(pack, "header", bytes.len() as u64, reason));
    };
    if checksum::checksum(header) != sum {
        return Err(bad(pack, "header", 0, format!("is damaged (bytes 0 to {})", length - 1)));
    }
    Ok(header)
}

fn read_parts(reader: &mut Reader<'_>, precision: Precision, neurons: u64) -> Result<[Part; 4]> {
    let mut parts = [Part::default(); 4];
    if precision == Precision::LowRank && neurons != 0 {
        return Err(reader.bad_at(58, format!("gives low-rank matrices {neurons} neurons, which they have not")));
    }
    for (part, kind) in parts.iter_mut().zip(Kind::ALL) {
        let place = reader.place();
        *part = Part { bytes: reader.u32()?, sum: reader.array()? };
        let length = u64::from(part.bytes);
        let fits = match kind {
            Kind::Preview => length <= preview::LIMIT as u64,
            Kind::Layers => true,
            Kind::Factors => factors::bytes(precision, neurons).is_none_or(|bytes| length == bytes),
            Kind::Embeddings => length <= embeddings::LIMIT as u64,
        };
        if !fits {
            return Err(reader.bad_at(place, format!("gives the {} {length} bytes", kind.name())));
        }
    }
    Ok(parts)
}

fn read_text(reader: &mut Reader<'_>, field: &'static str) -> Result<String> {
    let place = reader.place();
    let length = usize::from(reader.u8()?);
    let bytes = reader.take(length)?;
    let text = std::str::from_utf8(bytes)
        .map_err(|error| reader.bad_at(place + 1 + error.valid_up_to() as u64, format!("`{field}` is not UTF-8")))?;
    metadata::check_text(field, text).map_err(|reason| reader.bad_at(place, says(&reason)))?;
    Ok(text.to_owned())
}

/// "its header says: …"
fn says(reason: &str) -> String {
    format!("is wrong: {reason}")
}

fn read_precision(reader: &mut Reader<'_>) -> Result<Precision> {
    let place = reader.place();
    match reader.u8()? {
        0 => Ok(Precision::Binary),
        1 => Ok(Precision::Quaternary),
        2 => Ok(Precision::Float16),
        3 => Ok(Precision::Float32),
        4 => Ok(Precision::LowRank),
        other => Err(reader.bad_at(place, format!("names the unknown precision {other}"))),
    }
}

fn precision_code(precision: Precision) -> u8 {
    match precision {
        Precision::Binary => 0,
        Precision::Quaternary => 1,
        Precision::Float16 => 2,
        Precision::Float32 => 3,
        Precision::LowRank => 4,
    }
}

fn read_scope(reader: &mut Reader<'_>) -> Result<Scope> {
    let place = reader.place();
    match reader.u8()? {
        0 => Ok(Scope::Prompt),
        1 => Ok(Scope::Trigger),
        other => Err(reader.bad_at(place, format!("names the unknown scope {other}"))),
    }
}

fn scope_code(scope: Scope) -> u8 {
    match scope {
        Scope::Prompt => 0,
        Scope::Trigger => 1,
    }
}
