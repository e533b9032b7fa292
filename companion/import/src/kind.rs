//! What a file or folder is that somebody gives, told by what is in it: models come in many forms under the same few
//! endings, and whoever gives one where another is wanted is told which it is and what takes it. The looking itself is in `look.rs`.

use std::fmt;

/// What a file or folder is. Its `Display` continues "is …".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `.cones`.
    Pack,
    /// Neuron indices by layer, as Python writes them.
    Mask,
    /// A folder with `bundle.json`.
    Bundle,
    /// A diffusers folder with a U-Net, or another network that can be imported.
    Pipeline,
    /// A diffusers folder without one: its model is another transformer or something else.
    OtherPipeline,
    /// The folder of one model, as of the U-Net, out of a diffusers folder.
    PipelinePart,
    /// A folder with ONNX graphs.
    OnnxFolder,
    /// An ONNX graph.
    OnnxGraph,
    /// A Stable Diffusion 1 or 2 in one file, with the names of its first publication or its U-Net alone with them.
    Checkpoint,
    /// A Stable Diffusion XL in one file, with the names of its first publication or its U-Net alone with them.
    CheckpointXl,
    /// A model in one file that has a transformer instead of a U-Net.
    OtherCheckpoint,
    /// A diffusers U-Net in one file.
    UnetWeights,
    /// Low-rank changes of a model's weights.
    Lora,
    /// A learned word.
    TextualInversion,
    /// A ControlNet.
    ControlNet,
    /// A VAE alone.
    Vae,
    /// A text encoder alone.
    TextEncoder,
    /// A safetensors file of none of these kinds.
    OtherTensors,
    /// A file that names itself safetensors and is damaged.
    BrokenTensors,
    /// A model pickled by Python: `.ckpt`, `.bin`, `.pt`, `.pth`.
    PickledCheckpoint,
    /// A pickled LoRA.
    PickledLora,
    /// A pickled Textual-Inversion embedding.
    PickledTextualInversion,
    /// Something else pickled by Python.
    Pickle,
    /// A model in llama.cpp's format.
    Gguf,
    /// A zip archive.
    Zip,
    /// PNG, JPEG, WebP or GIF.
    Picture,
    /// A text of JSON.
    Json,
    /// A web page, as a failed download leaves it.
    WebPage,
    /// What stands in a repository for a large file that was not fetched.
    LfsPointer,
    /// A file without anything in it.
    Empty,
    /// Nothing that is known here.
    Unknown,
}

impl Kind {
    /// What takes it, or that nothing here does and what can be made of it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Pack => "`cones packs install FILE` takes it, or `--subject FILE`",
            Self::Mask => {
                "`cones import-mask FILE --out PACK.cones` makes a pack of it, or give it as `--subject FILE`"
            }
            Self::Bundle => "`--bundle DIR` takes it",
            Self::Pipeline => {
                "`cones import --weights DIR` takes it, with an export to ONNX (`models/export/export_onnx.py`)"
            }
            Self::OtherPipeline => {
                "no command takes it: models of Stable Diffusion 1, 2 and XL, DreamLite and Sana can be imported"
            }
            Self::PipelinePart => "`cones import --weights DIR` takes the folder above it, with `model_index.json`",
            Self::OnnxFolder => "`cones import --onnx DIR` takes it, with the weights it was exported from",
            Self::OnnxGraph => "`cones import --onnx DIR` takes the folder it lies in",
            Self::Checkpoint | Self::UnetWeights => {
                "`cones import --weights FILE` takes it, with an export to ONNX and, as --config, the configurations of \
                 a diffusers folder"
            }
            Self::CheckpointXl => {
                "no command takes it in one file: load it with diffusers (`from_single_file`), save it with `save_pretrained`, and \
                 give that folder to `cones import`"
            }
            Self::OtherCheckpoint => {
                "no command takes it: in one file a U-Net of Stable Diffusion 1 or 2 can be imported, and Sana as a diffusers folder"
            }
            Self::Lora => {
                "`cones import-lora FILE --out PACK.cones` makes a pack of it where it changes keys and values of the \
                 cross-attention alone; else `cones import … --merge FILE` puts it into a model"
            }
            Self::PickledLora => {
                "no command takes it, for opening a pickle can run what is in it: load it with diffusers (`load_lora_weights`), \
                 and save it with `save_lora_weights` as safetensors"
            }
            Self::TextualInversion => {
                "`cones import-embedding FILE --trigger WORD --out PACK.cones` makes a pack of it"
            }
            Self::PickledTextualInversion => {
                "no command takes it, for opening a pickle can run what is in it; `cones import-embedding FILE` says how to \
                 make a safetensors file of it"
            }
            Self::ControlNet => "no command takes it: models with a ControlNet cannot be drawn with",
            Self::Vae | Self::TextEncoder => "no command takes it alone: `cones import` takes the whole model",
            Self::PickledCheckpoint | Self::Pickle => {
                "no command takes it, for opening a pickle can run what is in it: load it with diffusers \
                 (`from_single_file` or `from_pretrained`), save it with `save_pretrained`, and give that folder to `cones import`"
            }
            Self::BrokenTensors | Self::WebPage | Self::LfsPointer | Self::Empty => "download it again",
            Self::Picture => {
                "`cones find` takes pictures of a subject, and `cones generate --init FILE` one to begin with"
            }
            Self::Gguf | Self::OtherTensors | Self::Zip | Self::Json | Self::Unknown => "no command takes it",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pack => "a subject pack",
            Self::Mask => "a mask as Python writes it",
            Self::Bundle => "a bundle",
            Self::Pipeline => "a diffusers folder",
            Self::OtherPipeline => "a diffusers folder of another kind of model",
            Self::PipelinePart => "one part of a diffusers folder",
            Self::OnnxFolder => "a folder with ONNX graphs",
            Self::OnnxGraph => "an ONNX graph",
            Self::Checkpoint => "a single-file checkpoint of Stable Diffusion",
            Self::CheckpointXl => "a single-file checkpoint of Stable Diffusion XL",
            Self::OtherCheckpoint => "a single-file checkpoint of a model that has no U-Net",
            Self::UnetWeights => "the weights of a diffusers U-Net",
            Self::Lora => "a LoRA",
            Self::TextualInversion => "a Textual-Inversion embedding",
            Self::ControlNet => "a ControlNet",
            Self::Vae => "a VAE",
            Self::TextEncoder => "a text encoder",
            Self::OtherTensors => "a safetensors file of another kind",
            Self::BrokenTensors => "a damaged safetensors file",
            Self::PickledCheckpoint => "a checkpoint pickled by PyTorch",
            Self::PickledLora => "a LoRA pickled by PyTorch",
            Self::PickledTextualInversion => "a Textual-Inversion embedding pickled by PyTorch",
            Self::Pickle => "a file pickled by PyTorch",
            Self::Gguf => "a GGUF file",
            Self::Zip => "a zip archive",
            Self::Picture => "a picture",
            Self::Json => "a JSON file",
            Self::WebPage => "a web page",
            Self::LfsPointer => "Git LFS's pointer to a file that was not fetched",
            Self::Empty => "empty",
            Self::Unknown => "of no kind that is known here",
        })
    }
}
