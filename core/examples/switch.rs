//! One engine, one seed: without a subject, with it, at half strength, and without it again. The last picture is the first to the bit.
//!
//! ```sh
//! cargo run --release -p cones-core --example switch -- models/toybox/bundle models/packs/fluent-dog.cones
//! ```

use std::io::Write;
use std::path::Path;

use cones_core::subjects::prompt;
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, Pack, Picture, Request, Subject};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let (Some(bundle), Some(pack)) = (given.next(), given.next()) else {
        return Err("give a bundle's folder and a pack".into());
    };
    let bundle = Bundle::open(bundle)?;
    let subject = Pack::decode(&pack, &std::fs::read(Path::new(&pack))?, bundle.manifest())?.subject();
    // `{name}` stands for the trigger words of the subject of that name.
    let text = prompt::fill(&format!("a {{{}}} on grass", subject.name), std::slice::from_ref(&subject))?.text;
    let mut engine = Engine::new(bundle, EngineOptions::default())?;

    let off = draw(&mut engine, &text, None)?;
    let on = draw(&mut engine, &text, Some(subject.clone()))?;
    let half = draw(&mut engine, &text, Some(subject.with_strength(0.5)))?;
    let again = draw(&mut engine, &text, None)?;
    let same = |other: &Picture| if *other == off { "the base model's picture" } else { "another picture" };
    writeln!(std::io::stdout(), "on: {}\nhalf: {}\noff again: {}", same(&on), same(&half), same(&again))?;
    Ok(())
}

fn draw(engine: &mut Engine, prompt: &str, subject: Option<Subject>) -> cones_core::Result<Picture> {
    let mut request = Request::new(prompt).with_seed(7);
    request.subjects.extend(subject);
    let mut generated = engine.generate(&request, &mut (), &CancelToken::new())?;
    Ok(generated.pictures.swap_remove(0).picture)
}
