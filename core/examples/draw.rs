//! A prompt becomes a PNG, with progress.
//!
//! ```sh
//! cargo run --release -p cones-core --example draw -- models/toybox/bundle 'a dog on grass' dog.png
//! ```

use std::io::Write;

use cones_core::picture::writing;
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, Progress, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [bundle, prompt, out] = arguments()?;
    let mut engine = Engine::new(Bundle::open(bundle)?, EngineOptions::default())?;
    let request = Request::new(prompt).with_seed(7);
    let plan = engine.memory_plan(&request)?;
    writeln!(std::io::stderr(), "{}", plan.reason)?;

    let mut watch = |progress: &Progress| {
        let _ = writeln!(std::io::stderr(), "{:?} {}/{}", progress.stage, progress.step, progress.steps);
    };
    let generated = engine.generate(&request, &mut watch, &CancelToken::new())?;
    for drawn in &generated.pictures {
        // The recipe goes into the PNG: `cones generate --from` draws the same bytes again.
        writing::save(&drawn.picture, &drawn.recipe, out.as_ref())?;
    }
    Ok(())
}

fn arguments() -> Result<[String; 3], String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    given.try_into().map_err(|_| "give a bundle's folder, a prompt and the file to write".to_owned())
}
