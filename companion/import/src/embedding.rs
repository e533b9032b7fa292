//! Textual-Inversion embeddings (Gal et al. 2022) as people share them: a few vectors that stand for a new word.
//!
//! diffusers writes one tensor under the word's name, `[width]` or `[vectors, width]`; AUTOMATIC1111's web UI and Kohya's scripts
//! call it `emb_params`, and where it is for Stable Diffusion XL there are two, `clip_l` and `clip_g`.

use std::path::{Path, PathBuf};

use cones_core::Bundle;
use cones_core::model::bundle::TOKENIZER;
use cones_core::subjects::in_place::tokens_in_place;
use cones_core::subjects::pack::TokenEmbeddings;
use cones_core::text::tokenizer::Tokenizer;
use cones_gradient::TokenTable;
use half::f16;

use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::safetensors_file::SafetensorsFile;

/// What AUTOMATIC1111's web UI calls the vectors.
const PARAMETERS: &str = "emb_params";
/// What it calls those of Stable Diffusion XL's two text encoders.
const XL: [&str; 2] = ["clip_l", "clip_g"];

/// An embedding out of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    file: PathBuf,
    /// The word that the file gives it; none where it gives none.
    pub word: Option<String>,
    /// Numbers of each vector.
    pub width: usize,
    /// `vectors × width`, row-major.
    pub values: Vec<f32>,
}

impl Embedding {
    /// Reads a safetensors file.
    ///
    /// # Errors
    /// Pickled files are refused with how to make a safetensors file of them, for opening them can run what is in them; so are
    /// embeddings for Stable Diffusion XL and files of another kind.
    pub fn open(path: &Path) -> Result<Self> {
        match Kind::of(path) {
            Kind::Pickle | Kind::PickledTextualInversion | Kind::PickledCheckpoint => return Err(pickled(path)),
            Kind::TextualInversion | Kind::OtherTensors | Kind::BrokenTensors | Kind::Unknown => {}
            kind => return Err(Error::kind(path, kind, "a Textual-Inversion embedding in safetensors")),
        }
        let file = SafetensorsFile::open(path)?;
        let names = file.names();
        if let Some(name) = names.iter().find(|name| XL.contains(&name.as_str())) {
            let reason = format!("its tensor `{name}` is for one of Stable Diffusion XL's two text encoders");
            return Err(refused(path, reason, "embeddings for Stable Diffusion 1 and 2 can be imported"));
        }
        let name = match names.as_slice() {
            [only] => only,
            names => names.iter().find(|name| *name == PARAMETERS).ok_or_else(|| {
                let list = shortened(names);
                let reason = format!("an embedding is one tensor, and it holds {}: {list}", names.len());
                refused(path, reason, "give a file with one learned word")
            })?,
        };
        let (rows, width) = match file.shape(name) {
            Some([width]) => (1, *width),
            Some([rows, width]) => (*rows, *width),
            shape => {
                let reason =
                    format!("its tensor `{name}` has shape {:?}, not [vectors, width]", shape.unwrap_or_default());
                return Err(refused(path, reason, "give a file with one learned word"));
            }
        };
        let values = file.values(name)?;
        if rows == 0 || width == 0 || values.len() != rows * width {
            return Err(refused(path, format!("its tensor `{name}` is empty"), "download it again"));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(refused(
                path,
                format!("its tensor `{name}` is not finite at element {at}"),
                "download it again",
            ));
        }
        // Old files of the web UI call it `*`.
        let word = Some(name.clone()).filter(|name| name != PARAMETERS && name != "*");
        Ok(Self { file: path.to_path_buf(), word, width, values })
    }

    /// How many vectors it has.
    #[must_use]
    pub fn vectors(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// The vectors as a pack of `bundle` holds them for this trigger: in its place, each as the difference to the embedding of
    /// the token that stands there.
    ///
    /// # Errors
    /// When they have another width than the bundle's embeddings, are more than a prompt holds, or too large for float16; when the
    /// trigger has no tokens; and for bundles whose text encoder takes no learned words.
    pub fn in_place_of(&self, trigger: &str, bundle: &Bundle) -> Result<TokenEmbeddings> {
        let table = TokenTable::open(bundle)?;
        let (own, model) = (table.width(), &bundle.manifest().name);
        let refuse = |reason: String, hint: &str| Err(refused(&self.file, reason, hint));
        if self.width != own {
            let families = "768 numbers are Stable Diffusion 1, 1024 are Stable Diffusion 2";
            let reason = format!(
                "its vectors have {} numbers, the words of `{model}` have {own}: it was made for another family of models",
                self.width
            );
            return refuse(reason, &format!("{families}; import it for a bundle of its own family"));
        }
        if !table.takes_offsets() {
            let reason = format!("the text encoder of `{model}` takes no learned words");
            return refuse(reason, "import or install that base model again with this version");
        }
        let room = bundle.manifest().text.max_length.saturating_sub(2).min(MOST) as usize;
        let vectors = self.vectors();
        if vectors > room {
            let reason = format!("it has {vectors} vectors, and a prompt of `{model}` has room for {room}");
            return refuse(reason, "an embedding with fewer vectors is needed");
        }
        let tokenizer = Tokenizer::open(&bundle.file(TOKENIZER)?, bundle.manifest().text)?;
        let tokens = tokens_in_place(&tokenizer.ids(trigger)?, vectors);
        if tokens.is_empty() {
            return refuse(format!("the trigger `{trigger}` has no tokens"), "give another word with --trigger");
        }
        let mut values = Vec::with_capacity(self.values.len());
        for (token, vector) in tokens.iter().zip(self.values.chunks_exact(own)) {
            // Adding zero turns -0 into 0, of which there is one encoding.
            let difference = |(learned, own): (&f32, f32)| f16::from_f32(learned - own) + f16::ZERO;
            values.extend(vector.iter().zip(table.row(*token)?).map(difference));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return refuse(format!("its values are larger than float16 holds ({})", f16::MAX), "it cannot be used");
        }
        let width = u32::try_from(own).unwrap_or(u32::MAX);
        Ok(TokenEmbeddings { width, values, in_place: true })
    }
}

/// CLIP's prompt without its start and end.
const MOST: u32 = 75;

fn refused(path: &Path, reason: String, hint: &str) -> Error {
    Error::Weights { file: path.to_path_buf(), reason, hint: hint.into() }
}

fn pickled(path: &Path) -> Error {
    let hint = "make a safetensors file of it: python -c \"import sys, torch; from safetensors.torch import save_file; \
                d = torch.load(sys.argv[1], map_location='cpu', weights_only=True); d = d.get('string_to_param', d); \
                save_file({'emb_params': next(iter(d.values())).detach().contiguous()}, sys.argv[2])\" FILE.pt \
                FILE.safetensors";
    refused(path, "it is pickled by Python, and opening a pickle can run what is in it".into(), hint)
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut list = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        list.push_str(", …");
    }
    list
}
