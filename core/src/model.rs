//! A base model on disk: its manifest, its files, the weights that masks apply to, and the fingerprint that packs are bound to.

pub mod attention_bias;
pub mod bundle;
pub mod external_data;
pub mod fingerprint;
mod flow_matching;
pub mod form;
mod given_text;
pub(crate) mod image_size;
pub mod manifest;
pub mod mapped;
pub(crate) mod noise_schedule;
mod protobuf;
pub mod safety;
mod second_text;
pub mod style;
pub mod weights;
