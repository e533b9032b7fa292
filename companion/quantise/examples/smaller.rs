//! Makes a form of a bundle with weights of 8 bits: `smaller BUNDLE SMALL`.

use std::io::Write;
use std::path::Path;

use cones_core::model::form::Weights;
use cones_core::{Bundle, CancelToken};
use cones_quantise::{QuantiseOptions, quantise};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("give the folders of the bundle and of its small form".into());
    };
    let bundle = Bundle::open(&folder)?;
    let options = QuantiseOptions::new(Weights::Int8);
    let made = quantise(&bundle, Path::new(&out), &options, &mut |_, _, _| (), &CancelToken::new())?;
    let bytes: u64 = made.manifest.files.values().map(|file| file.bytes).sum();
    Ok(writeln!(std::io::stdout(), "{bytes} bytes")?)
}
