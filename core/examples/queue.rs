//! Prompts become PNGs, one after another, while somebody watches.
//!
//! ```sh
//! cargo run --release -p cones-core --example queue -- models/toybox/bundle pictures 'a dog on grass' 'a cat' 'a red apple'
//! ```

use std::io::Write;
use std::path::PathBuf;

use cones_core::picture::writing;
use cones_core::queue::{Queue, QueueList, QueueOptions, QueueState};
use cones_core::{Bundle, Engine, EngineOptions, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bundle), Some(folder)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        return Err("give a bundle's folder, a folder for the pictures, and prompts".into());
    };
    std::fs::create_dir_all(&folder)?;
    let engine = Engine::new(Bundle::open(bundle)?, EngineOptions::default())?;
    let queue = Queue::watched(engine, QueueOptions::default(), tell)?;
    for id in queue.add_all(arguments.map(Request::new).collect())? {
        let entry = queue.wait(id)?;
        if let QueueState::Failed(error) = &entry.state {
            // The others are drawn all the same.
            writeln!(std::io::stderr(), "{}: {error}", entry.prompt)?;
        }
        for drawn in queue.take(id)? {
            writing::save(&drawn.picture, &drawn.recipe, &folder.join(format!("{id}.png")))?;
        }
    }
    Ok(())
}

/// One line for each change.
fn tell(list: &QueueList) {
    let line: Vec<_> = list
        .entries
        .iter()
        .map(|entry| match &entry.progress {
            Some(progress) => format!("{} {}/{}", entry.id, progress.step, progress.steps),
            None => format!("{} {:?}", entry.id, entry.state),
        })
        .collect();
    let _ = writeln!(std::io::stderr(), "{}", line.join("   "));
}
