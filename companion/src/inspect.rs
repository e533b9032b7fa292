//! Looking into packs: counts and densities by layer and head, what packs share, and pictures of both.

pub mod drawing;
pub mod findings;
pub mod heads;
pub mod heat_map;
pub mod layers;
pub mod report;
