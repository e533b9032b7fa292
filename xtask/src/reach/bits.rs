//! What two devices computed, side by side: the lines that `core/examples/bits.rs` prints.

use std::fmt;

/// One thing as two devices have it.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// To the bit, this many values.
    Equal(usize),
    /// How many values of how many differ, the largest difference and the largest value, and the peak signal-to-noise ratio
    /// where they are a picture's.
    Differ { count: usize, of: usize, by: f64, most: f64, psnr: Option<f64> },
    /// Other numbers of values, or none at all.
    Missing,
}

/// Every thing that `here` has, as `there` has it.
pub(crate) fn compare(here: &str, there: &str) -> Vec<Row> {
    here.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, values)| {
            let other = there.lines().filter_map(|line| line.split_once('\t')).find(|(other, _)| *other == name);
            let verdict = other.and_then(|(_, other)| verdict(name, values, other)).unwrap_or(Verdict::Missing);
            Row { name: name.to_owned(), verdict }
        })
        .collect()
}

fn verdict(name: &str, here: &str, there: &str) -> Option<Verdict> {
    let picture = name.starts_with("picture");
    let digits = if picture || name.starts_with("pack") { 2 } else { 8 };
    if here.len() != there.len() {
        return None;
    }
    if here == there {
        return Some(Verdict::Equal(here.len() / digits));
    }
    let words = |text: &str| text.as_bytes().chunks(digits).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let count = words(here).iter().zip(words(there)).filter(|(a, b)| **a != *b).count();
    let (here, there) = (values(here, digits)?, values(there, digits)?);
    let gaps = || here.iter().zip(&there).map(|(a, b)| (a - b).abs());
    let squares: f64 = gaps().map(|gap| gap * gap).sum();
    Some(Verdict::Differ {
        count,
        of: here.len(),
        by: gaps().fold(0.0, f64::max),
        most: here.iter().fold(0.0, |most, value| value.abs().max(most)),
        psnr: picture.then(|| 10.0 * (255.0 * 255.0 * here.len() as f64 / squares).log10()),
    })
}

fn values(text: &str, digits: usize) -> Option<Vec<f64>> {
    let words =
        text.as_bytes().chunks(digits).map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok());
    words
        .map(|bits| bits.map(|bits| if digits == 8 { f64::from(f32::from_bits(bits)) } else { f64::from(bits) }))
        .collect()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(count) => write!(f, "equal to the bit, {count} values"),
            Self::Differ { count, of, by, most, psnr: None } => {
                write!(f, "{count} of {of} values differ, by {by:.1e} at most, of values up to {most:.1}")
            }
            Self::Differ { count, of, by, psnr: Some(psnr), .. } => {
                write!(f, "{count} of {of} bytes differ, by {by} at most; PSNR {psnr:.1} dB")
            }
            Self::Missing => f.write_str("was not computed there"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_told_from_values() {
        let one = format!("noise\t{:08x}{:08x}\npack\tff00\npicture\t0a0b\nmore\t", 1f32.to_bits(), 2f32.to_bits());
        let other = format!("noise\t{:08x}{:08x}\npack\tff00\npicture\t0a0c\n", 1f32.to_bits(), 2.5f32.to_bits());
        let [noise, pack, picture, more] = compare(&one, &other).try_into().unwrap();
        assert_eq!(noise.verdict, Verdict::Differ { count: 1, of: 2, by: 0.5, most: 2.0, psnr: None });
        assert_eq!(pack.verdict, Verdict::Equal(2));
        let Verdict::Differ { count: 1, of: 2, psnr: Some(psnr), .. } = picture.verdict else { panic!("{picture:?}") };
        assert!((psnr - 51.14).abs() < 0.01, "{psnr}");
        assert_eq!(more.verdict, Verdict::Missing);
    }
}
