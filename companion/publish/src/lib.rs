//! From packs and base models to other people's devices: a publisher's keys, a folder under a signed catalogue, and a file server
//! for trying it out.
//!
//! ```text
//! keys ─────────┐
//! packs ────────┼─ publish ─ folder ─ serve, or any static file server
//! base models ──┘
//! ```

mod error;
pub mod keys;
pub mod landing;
pub mod publish;
pub mod serve;
pub mod statement;

pub use error::{Error, Result};
pub use keys::SigningKey;
pub use publish::{PackSource, Publication, publish};
pub use serve::FileServer;
pub use statement::KeyChange;
