//! What a fleet promises: claims, takeovers, results, on stores in memory, on the disk, and once with the real work.

mod claims;
mod fetching;
mod for_real;
mod rehearsal;
mod runs;
