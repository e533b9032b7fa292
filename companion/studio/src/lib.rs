//! The studio: from photos to a subject pack in a browser, for people who have never seen a terminal.
//!
//! ```text
//! browser ── guard ── api ──┬── subjects: photos, cut and warned about; packs
//!    ▲                      ├── queue ── worker ── find, draw, sheet ── cones-find, cones-core
//!    └────── events ────────┼── gallery, masks
//!                           └── publishing ── cones-publish ── sharing: the local network, by choice
//! ```
//!
//! The server listens on this machine's own loopback, and lets nobody in but the page of the user who started it. All that it
//! keeps is in one folder: closed and opened again it goes on where it was. The page is inside the program. API.md lists the
//! requests.

mod answer;
mod api;
mod app;
mod crop;
mod drawer;
mod error;
mod events;
mod folder;
mod gallery;
mod guard;
mod id;
mod job;
mod masks;
mod page;
mod publishing;
mod qr;
mod queue;
mod server;
mod sharing;
mod studio;
mod subject;
mod subjects;
mod work;
mod worker;

pub use error::{Error, Result};
pub use server::{Stop, StudioServer};
pub use studio::StudioOptions;
