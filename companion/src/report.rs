//! One self-contained page that shows what packs do and how they were made.
//!
//! ```text
//! packs ─ subject ─┬─ sheet (pictures) ─ attention (where the words are seen) ─┐
//!                  ├─ given pictures ─ outline (the same, beside true shapes) ─┤
//!                  ├─ losses (the record beside the pack) ─────────────────────┼─ page (HTML)
//!                  └─ neurons (by block and head, what packs share) ───────────┘
//! ```

pub mod attention;
pub mod attention_graph;
pub mod attention_map;
pub mod chart;
pub mod facts;
pub mod heat;
pub mod html;
pub mod losses;
pub mod neurons;
pub mod outline;
pub mod page;
pub mod painter;
pub mod prompts;
pub mod shape;
pub mod sheet;
pub mod still;
pub mod subject;
