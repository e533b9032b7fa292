//! The base model that tests draw with: Toybox, or the bundle that `CONES_BUNDLE` names.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cones_core::{Bundle, CancelToken, Engine, EngineOptions, MemoryMode, Picture, Request};

/// The bundle's folder.
pub fn folder() -> PathBuf {
    let toybox = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/toybox/bundle");
    std::env::var_os("CONES_BUNDLE").map_or_else(toybox, PathBuf::from)
}

/// The bundle, opened.
pub fn bundle() -> Bundle {
    Bundle::open(folder()).unwrap_or_else(|error| panic!("{error}"))
}

/// Width and height of its pictures, in pixels: they are square.
pub fn side() -> u32 {
    bundle().manifest().image.width
}

/// Numbers in a token's embedding, and in the text encoder's state at it.
pub fn text_width() -> u32 {
    bundle().manifest().text.hidden_size
}

/// Resident, on the CPU, one thread: tests run beside each other.
pub fn options() -> EngineOptions {
    EngineOptions::default().with_threads(1).with_memory(MemoryMode::Resident)
}

/// Weights of its key and value projections, from which concept neurons are chosen.
pub fn attention_weights() -> u32 {
    bundle().manifest().layers.iter().map(|layer| layer.rows * layer.columns).sum()
}

/// A fresh engine.
pub fn engine() -> Engine {
    Engine::new(bundle(), options()).unwrap_or_else(|error| panic!("{error}"))
}

/// One engine that the tests of a file take turns with, so that graphs are loaded once. A test that failed leaves it
/// usable: that is part of what is tested.
pub fn shared() -> MutexGuard<'static, Engine> {
    static ENGINE: OnceLock<Mutex<Engine>> = OnceLock::new();
    ENGINE.get_or_init(|| Mutex::new(engine())).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws the request's first picture.
pub fn draw(engine: &mut Engine, request: &Request) -> Picture {
    draw_all(engine, request).swap_remove(0)
}

/// Draws all of the request's pictures.
pub fn draw_all(engine: &mut Engine, request: &Request) -> Vec<Picture> {
    let generated = engine.generate(request, &mut (), &CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
    generated.pictures.into_iter().map(|drawn| drawn.picture).collect()
}
