//! What a subject looks like to the networks that judge pictures, kept so that its pictures are not needed again.

use serde::{Deserialize, Serialize};

/// The pictures that a pack was found in, as vectors of a measure's embedding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// SHA-256 of the network that saw them; another one's vectors mean nothing to it.
    pub network: String,
    /// One vector for each picture that was learned from.
    pub pictures: Vec<Vec<f32>>,
    /// Those of pictures that were held back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<Vec<f32>>,
    /// The pictures again with other colours: for each turn of the hue one vector a picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recoloured: Vec<Vec<Vec<f32>>>,
}
