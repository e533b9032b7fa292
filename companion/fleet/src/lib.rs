//! Finding the neurons of many subjects with many workers that share nothing but object storage.
//!
//! ```text
//! manifest ─ lines ─ board: who is next? ─ lease (conditional write) ─ pictures, checkpoint, shared examples ─ work ─┐
//!              └ bad lines ──────────────────────────────────────────────────────────────────────────── result ─────┴─ report
//! ```
//!
//! Any number of workers may run the same manifest, on any machines. A subject is claimed by a conditional write ([`lease`]),
//! its checkpoint goes to the store while it is worked on, its pack is content-addressed and its result is written once
//! ([`outcome`]): the first one stands. Nothing but "create this object where there is none" is asked of the store, which
//! S3, Google's, Azure's and a plain folder all do. Whatever starts and restarts workers is another program.
//!
//! [`Worker`] does it; the work itself is behind [`Work`], so that a simulation with a clock of its own runs the same code
//! (`examples/simulate.rs`).

pub mod board;
mod claimed;
pub mod clock;
mod error;
pub mod event;
pub mod fetch;
pub mod find_work;
pub mod lease;
pub mod line;
pub mod manifest;
pub mod once;
pub mod outcome;
pub mod place;
pub mod report;
pub mod run;
mod shift;
pub mod stop;
pub mod subject;
pub mod work;
mod worker;

pub use error::{Error, Result};
pub use find_work::{FindSettings, FindWork};
pub use place::{Place, Places};
pub use report::Report;
pub use run::Run;
pub use stop::Stop;
pub use work::Work;
pub use worker::{Ended, Worker, WorkerOptions};
