//! A base model on disk: `bundle.json` and the files it lists.

mod check;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::disk::files;
use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::model::form::Activations;
use crate::model::manifest::{Manifest, OLDEST_SCHEMA, SCHEMA};
use crate::model::weights::AttentionWeights;

/// The manifest's file name.
pub const MANIFEST: &str = "bundle.json";
/// Tokens of a prompt.
pub const TOKENIZER: &str = "tokenizer.json";
/// `input_ids` to the last hidden state; takes [`EMBEDDING_OFFSETS`] too, unless it is older than learned embeddings.
pub const TEXT_ENCODER: &str = "text_encoder.onnx";
/// The text encoder's input with what is added to each token's embedding, float32 [batch, tokens, width].
pub const EMBEDDING_OFFSETS: &str = "embedding_offsets";
/// Tokens of a prompt for the second text encoder, where there is one.
pub const TOKENIZER_2: &str = "tokenizer_2.json";
/// The second text encoder, of bundles with [`text_2`](crate::model::manifest::Manifest::text_2): `input_ids` to a hidden state
/// and [`TEXT_EMBEDS`].
pub const TEXT_ENCODER_2: &str = "text_encoder_2.onnx";
/// The pooled embedding of a prompt, float32 [batch, projection_dim]: an output of the second text encoder, and an input of the
/// U-Net.
pub const TEXT_EMBEDS: &str = "text_embeds";
/// The U-Net's input with the picture's sizes, float32: [batch, 6] of bundles with two text encoders, [batch, 2] of those whose
/// [`addition_embed_type`](crate::model::manifest::Manifest::addition_embed_type) is `time`.
pub const TIME_IDS: &str = "time_ids";
/// What projects given embeddings before K and V are made of them: [`ENCODER_HIDDEN_STATES`] to [`CONTEXT`]; of bundles whose
/// [`given_text`](crate::model::manifest::Manifest::given_text) has a `cross_attention_dim`.
pub const ENCODER_HID_PROJ: &str = "encoder_hid_proj.onnx";
/// A prompt's embeddings, float32 [1, tokens, width].
pub const ENCODER_HIDDEN_STATES: &str = "encoder_hidden_states";
/// What K and V are made from, float32 [1, tokens, width].
pub const CONTEXT: &str = "context";
/// The U-Net's input that says which tokens there are: 1, or 0 for those that fill up; float32 [batch, tokens].
pub const ENCODER_ATTENTION_MASK: &str = "encoder_attention_mask";
/// The text encoder's output without its last `layers`, normalised as the last hidden state is; 1 or more, up to
/// [`Text::clip_skip`](crate::model::manifest::Text::clip_skip). Of two text encoders the outputs are [`PENULTIMATE`] and those
/// before it, none of them normalised.
#[must_use]
pub fn skipped_state(layers: u32) -> String {
    format!("hidden_state_skip_{layers}")
}

/// What each of two text encoders gives: its hidden state before the last layer, without the final normalisation (diffusers'
/// `hidden_states[-2]`).
pub const PENULTIMATE: &str = "penultimate_hidden_state";

/// The U-Net, with fused nodes.
pub const UNET: &str = "unet.onnx";
/// The U-Net without fused nodes, for providers that lack them.
pub const UNET_PLAIN: &str = "unet.plain.onnx";
/// Latent to picture.
pub const VAE_DECODER: &str = "vae_decoder.onnx";
/// Picture to latent.
pub const VAE_ENCODER: &str = "vae_encoder.onnx";
/// The cross-attention projections.
pub const ATTENTION: &str = "attention.safetensors";

/// A graph's twin for the load that keeps weights mapped: large weights are overridable, all else is the same, and so are
/// the files of weights. `unet.onnx` has `unet.mapped.onnx`. Graphs that hold their weights themselves have none.
#[must_use]
pub fn mapped_twin(graph: &str) -> String {
    format!("{}.mapped.onnx", graph.strip_suffix(".onnx").unwrap_or(graph))
}

/// The files that a bundle of this manifest holds at least.
fn required(manifest: &Manifest) -> impl Iterator<Item = &'static str> {
    let text: &[&str] = if manifest.given_text.is_some() { &[] } else { &[TOKENIZER, TEXT_ENCODER] };
    let second: &[&str] = if manifest.text_2.is_some() { &[TOKENIZER_2, TEXT_ENCODER_2] } else { &[] };
    let projection: &[&str] = if manifest.projects_text() { &[ENCODER_HID_PROJ] } else { &[] };
    text.iter().chain(&[UNET, VAE_DECODER, ATTENTION]).chain(second).chain(projection).copied()
}

/// No manifest is larger; what claims to be is not read.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// An opened bundle. Cheap to keep: weights are mapped, graphs are loaded by the engine.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    manifest: Manifest,
    attention: AttentionWeights,
}

impl Bundle {
    /// Opens the bundle in the folder `path`: checks the schema, that every file is there with its size, and the
    /// layers' shapes. Hashes are left to [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`Error::BadBundle`] naming the file at fault.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let manifest = read_manifest(&path.join(MANIFEST))?;
        for (name, entry) in &manifest.files {
            let file = member(&path, name)?;
            let found = std::fs::metadata(&file).map_err(|error| Error::bundle(&file, error.to_string()))?.len();
            if found != entry.bytes {
                let reason =
                    format!("it has {found} bytes instead of {}; the copy is incomplete or changed", entry.bytes);
                return Err(Error::bundle(file, reason));
            }
        }
        let attention = AttentionWeights::open(&path.join(ATTENTION), &manifest.layers)?;
        Ok(Self { path, manifest, attention })
    }

    /// Compares every file's SHA-256 and the fingerprint with the manifest. Reads the whole bundle.
    ///
    /// # Errors
    /// [`Error::BadBundle`] naming the first file that differs.
    pub fn verify(&self) -> Result<()> {
        for (name, entry) in &self.manifest.files {
            let file = member(&self.path, name)?;
            let found = Sha256::of_file(&file, &CancelToken::new())?;
            if found != entry.sha256 {
                return Err(Error::bundle(file, format!("its SHA-256 is {found} instead of {}", entry.sha256)));
            }
        }
        let found = self.attention.fingerprint();
        if found != self.manifest.fingerprint {
            let reason = format!("its fingerprint is {found} instead of {}", self.manifest.fingerprint);
            return Err(Error::bundle(self.path.join(ATTENTION), reason));
        }
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The cross-attention projections that masks apply to.
    pub fn attention(&self) -> &AttentionWeights {
        &self.attention
    }

    /// Whether activations of this graph have fixed ranges: in forms with 8-bit activations, the U-Net's. Its weights are
    /// constants then, for whole-number kernels to pack, and it has no twin with mapped ones.
    pub(crate) fn in_fixed_ranges(&self, graph: &str) -> bool {
        let form = self.manifest.form.as_ref();
        form.is_some_and(|form| form.activations == Activations::Int8) && [UNET, UNET_PLAIN].contains(&graph)
    }

    /// The path of a file that the manifest lists.
    ///
    /// # Errors
    /// [`Error::BadBundle`] when it is not listed.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        if self.manifest.files.contains_key(name) {
            member(&self.path, name)
        } else {
            Err(Error::bundle(self.path.join(name), "this bundle comes without it"))
        }
    }
}

/// A listed name as a path. Names are plain: a manifest cannot point outside its folder.
fn member(folder: &Path, name: &str) -> Result<PathBuf> {
    if is_plain(name) { Ok(folder.join(name)) } else { Err(not_plain(&folder.join(MANIFEST), name)) }
}

/// Whether it names a file in its folder, and no other way of writing names that one.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !files::is_reserved(name)
}

fn not_plain(manifest: &Path, name: &str) -> Error {
    Error::bundle(manifest, format!("`{name}` is not a plain file name"))
}

fn read_manifest(path: &Path) -> Result<Manifest> {
    let file = File::open(path).map_err(|error| Error::bundle(path, format!("cannot open it: {error}")))?;
    let mut text = String::new();
    file.take(MAX_MANIFEST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| Error::bundle(path, format!("cannot read it: {error}")))?;
    if text.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(Error::bundle(path, format!("it is longer than {MAX_MANIFEST_BYTES} bytes")));
    }
    parse_manifest(path, &text)
}

/// The manifest in `text`, with all checked that can be without its files. `path` is what messages call it.
pub(crate) fn parse_manifest(path: &Path, text: &str) -> Result<Manifest> {
    // The version first: a newer manifest may hold fields that this version does not know.
    #[derive(serde::Deserialize)]
    struct Version {
        schema: u32,
    }
    let Version { schema } = parse(path, text)?;
    if !(OLDEST_SCHEMA..=SCHEMA).contains(&schema) {
        return Err(Error::BadBundle {
            path: path.to_path_buf(),
            reason: format!("it has schema {schema}; this version reads schemas {OLDEST_SCHEMA} to {SCHEMA}"),
            hint: if schema > SCHEMA { "update this software" } else { "make the bundle anew with `cones import`" }
                .into(),
        });
    }
    let manifest: Manifest = parse(path, text)?;
    check_values(path, &manifest)?;
    if let Some(name) = required(&manifest).find(|name| !manifest.files.contains_key(*name)) {
        return Err(Error::bundle(path, format!("it does not list `{name}`")));
    }
    match manifest.files.keys().find(|name| !is_plain(name)) {
        Some(name) => Err(not_plain(path, name)),
        None => Ok(manifest),
    }
}

/// Checks the values of a manifest that is, or is to be, the file `path`, as opening it does: a request that is silent, and each
/// preset, must be one that can be drawn.
///
/// # Errors
/// [`Error::BadBundle`] naming the value.
pub fn check_values(path: &Path, manifest: &Manifest) -> Result<()> {
    check::check(manifest).map_err(|reason| Error::bundle(path, reason))
}

fn parse<'a, T: serde::Deserialize<'a>>(path: &Path, text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::bundle(path, format!("not a bundle manifest: {error}")))
}
