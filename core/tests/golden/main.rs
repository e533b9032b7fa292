//! Against somebody else's software: PyTorch, diffusers and transformers. The vectors lie in `tests/golden`, each with the
//! script that made it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]

mod asked;
mod boxes;
mod emphasis;
mod flow;
mod inpaint;
mod noise;
mod pictures;
mod safety;
mod schedulers;
mod text;
mod tokens;
mod variation;
