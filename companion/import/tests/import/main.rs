//! `cones import` on tiny exports of every dialect (`tests/fixtures/import`, made by `models/export/make_import_fixtures.py`).
#![allow(clippy::print_stdout, reason = "tests say what they measure and skip")]

mod clip_skip;
mod dialects;
mod exported;
mod few_steps;
mod fixed;
mod fixture;
mod flow;
mod forms;
mod hostile;
mod inpainting;
mod merging;
mod model_kinds;
mod one_file;
mod output;
mod run;
mod safety;
mod sdxl;
