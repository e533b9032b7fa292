//! What Python has pickled: nothing of it is read but the names that stand in it.

use crate::kind::Kind;

const ARCHIVE: &[u8] = b"PK\x03\x04";

/// Whether a file that begins so may be one. Pickles of protocols 2 to 5; older ones PyTorch has never written.
pub(super) fn begins(start: &[u8]) -> bool {
    start.starts_with(ARCHIVE) || matches!(start, [0x80, 2..=5, ..])
}

/// The kind of such a file.
pub(super) fn kind(start: &[u8]) -> Kind {
    if start.starts_with(ARCHIVE) && !contains(start, b"data.pkl") {
        return Kind::Zip;
    }
    let has = |names: &[&str]| names.iter().any(|name| contains(start, name.as_bytes()));
    if has(&["lora_down", "lora_A", "lora.down", "lora_unet_", "hada_w1", "lokr_w1"]) {
        Kind::PickledLora
    } else if has(&["string_to_param", "string_to_token"]) {
        Kind::PickledTextualInversion
    } else if has(&["model.diffusion_model.", "attn2.to_k", "first_stage_model.", "text_model.encoder."]) {
        Kind::PickledCheckpoint
    } else {
        Kind::Pickle
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
