//! How many threads there may be.

/// The most threads that an engine takes: 16 for each core of this device. Each is a thread of the system, and far more of them than
/// cores only wait for each other.
#[must_use]
pub fn most_threads() -> usize {
    16 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
