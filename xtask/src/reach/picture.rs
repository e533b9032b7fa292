//! Pictures side by side.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::failure::{Failure, Result};

/// How far two PNG files are apart: the peak signal-to-noise ratio of their bytes in dB, None where they are equal.
pub(crate) fn psnr(a: &Path, b: &Path) -> Result<Option<f64>> {
    let (one, other) = (pixels(a)?, pixels(b)?);
    if one.len() != other.len() {
        return Err(Failure::new(
            format!("{} and {} are of different sizes", a.display(), b.display()),
            "Something drew another picture than was asked for.",
        ));
    }
    let squares: f64 = one.iter().zip(&other).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum();
    Ok((squares > 0.0).then(|| 10.0 * (255.0 * 255.0 * one.len() as f64 / squares).log10()))
}

fn pixels(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| Failure::file("open", path, &error))?;
    let damaged = |error: png::DecodingError| {
        Failure::new(format!("{} is no whole PNG: {error}", path.display()), "Remove it and run this again.")
    };
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(damaged)?;
    let mut bytes = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let info = reader.next_frame(&mut bytes).map_err(damaged)?;
    bytes.truncate(info.buffer_size());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn write(path: &Path, level: u8) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), 2, 2);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&[level; 12]).unwrap();
    }

    #[test]
    fn one_grey_level_apart_is_48_decibels() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let [a, b] = ["a.png", "b.png"].map(|name| scratch.path().join(name));
        write(&a, 100);
        write(&b, 101);
        assert_eq!(psnr(&a, &a)?, None);
        let apart = psnr(&a, &b)?.unwrap();
        assert!((apart - 48.13).abs() < 0.01, "{apart}");
        std::fs::write(&b, "no picture").unwrap();
        assert!(psnr(&a, &b).is_err());
        Ok(())
    }
}
