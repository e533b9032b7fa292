//! Finds the concept neurons of a subject and prints how many there are in each layer:
//! `find_neurons BUNDLE PICTURES CLASS`. What it learns is kept in the temporary folder, so that it can be interrupted.

use std::io::Write;

use cones_core::{Bundle, CancelToken};
use cones_find::{FindObserver, FindOptions, find};

/// Prints each step.
struct Terminal;

impl FindObserver for Terminal {
    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        drop(writeln!(std::io::stderr(), "step {step} of {steps}, loss {loss:.4}"));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(pictures), Some(class)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("give a bundle's folder, a folder of pictures, and what kind of thing they show".into());
    };
    let bundle = Bundle::open(&folder)?;
    let options = FindOptions::new(pictures, class, std::env::temp_dir());
    let found = find(&bundle, &options, &mut Terminal, &CancelToken::new())?;
    let mut out = std::io::stdout();
    for (number, layer) in bundle.manifest().layers.iter().enumerate() {
        writeln!(out, "{:6} {}", found.mask.neurons(number).count(), layer.name)?;
    }
    found.remove_interim();
    Ok(())
}
