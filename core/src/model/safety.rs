//! What a bundle says of the classifier that its pictures are shown to before anybody sees them.

use serde::{Deserialize, Serialize};

use crate::memory::graph_memory::GraphMemory;
use crate::model::image_size::ImageSize;
use crate::subjects::pack::metadata::check_text;

/// Larger than what any classifier of pictures takes.
const LARGEST_SIDE: u32 = 4096;
/// Labels of ImageNet's largest set, and more.
const MOST_OUTPUTS: u32 = 65_536;

/// How a classifier is given a picture, and what its answer means. Where there is one, the names are those of transformers'
/// image processors.
///
/// A picture is scaled by `resize`, its middle of the size `crop` is cut out, and each byte `b` of channel `c` becomes
/// `(b · rescale_factor - image_mean[c]) / image_std[c]`, float32, in a batch of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SafetyClassifier {
    /// What it is called, as `open_nsfw`.
    pub name: String,
    /// Licence of its weights.
    pub licence: String,
    /// How a picture is scaled.
    pub resize: Resize,
    /// How pixels are weighed in that.
    pub resample: Resample,
    /// The part in the middle that is looked at.
    pub crop: ImageSize,
    /// The order of the channels, also in `image_mean` and `image_std`.
    pub channels: ChannelOrder,
    /// What bytes are multiplied by.
    pub rescale_factor: f64,
    /// What is taken away then.
    pub image_mean: [f32; 3],
    /// What is divided by then.
    pub image_std: [f32; 3],
    /// How the tensor lies.
    pub layout: Layout,
    /// What is made of the graph's first output.
    pub activation: Activation,
    /// The places in that output which, added up, are the score.
    pub outputs: Vec<u32>,
    /// The score from which on a picture is not safe.
    pub threshold: f32,
    /// What its graph takes of memory; what is not known counts as its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<GraphMemory>,
}

/// How a picture is scaled before its middle is cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resize {
    /// To this size, whatever its aspect.
    Stretch(ImageSize),
    /// Until its shorter side has this many pixels.
    ShortestEdge(u32),
}

/// How pixels are weighed when a picture is scaled; Pillow's `Resampling`, smoothed where it becomes smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resample {
    /// Linear in both directions.
    Bilinear,
    /// Cubic in both directions.
    Bicubic,
    /// Lanczos over three pixels.
    Lanczos,
}

/// The order of a pixel's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first, as Caffe has it.
    Bgr,
}

/// How a tensor of pictures lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Layout {
    /// Batch, channels, height, width.
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

/// What is made of a graph's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// Nothing: it gives scores.
    None,
    /// Each output is a logit of its own.
    Sigmoid,
    /// The outputs are logits of labels of which one is right.
    Softmax,
}

impl SafetyClassifier {
    /// The name of its graph in a bundle, or in a folder beside one.
    pub const FILE: &'static str = "safety.onnx";

    /// A classifier that stretches a picture to `width × height` pixels and takes RGB bytes as 0 to 1, channels first; its
    /// first output is the score. Set what differs.
    pub fn new(name: impl Into<String>, width: u32, height: u32) -> Self {
        Self {
            name: name.into(),
            licence: "unspecified".into(),
            resize: Resize::Stretch(ImageSize { width, height }),
            resample: Resample::Bilinear,
            crop: ImageSize { width, height },
            channels: ChannelOrder::Rgb,
            rescale_factor: 1.0 / 255.0,
            image_mean: [0.0; 3],
            image_std: [1.0; 3],
            layout: Layout::Nchw,
            activation: Activation::None,
            outputs: vec![0],
            threshold: 0.5,
            memory: None,
        }
    }

    /// What is wrong with its values, if anything.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), String> {
        check_text("safety.name", &self.name)?;
        check_text("safety.licence", &self.licence)?;
        let side = |name: &str, side: u32| match side {
            1..=LARGEST_SIDE => Ok(()),
            _ => Err(format!("`safety.{name}` is {side} pixels; it must be 1 to {LARGEST_SIDE}")),
        };
        let (least_width, least_height) = match self.resize {
            Resize::Stretch(ImageSize { width, height }) => (width, height),
            Resize::ShortestEdge(edge) => (edge, edge),
        };
        [least_width, least_height].into_iter().try_for_each(|pixels| side("resize", pixels))?;
        [self.crop.width, self.crop.height].into_iter().try_for_each(|pixels| side("crop", pixels))?;
        if self.crop.width > least_width || self.crop.height > least_height {
            return Err("`safety.crop` is larger than what `safety.resize` leaves".into());
        }
        let factor = self.rescale_factor as f32;
        if !(factor.is_normal() && self.image_mean.iter().all(|mean| mean.is_finite())) {
            return Err("`safety.rescale_factor` or `safety.image_mean` is no usable number".into());
        }
        if !self.image_std.iter().all(|std| std.is_normal()) {
            return Err("`safety.image_std` holds what cannot be divided by".into());
        }
        if self.outputs.is_empty() || self.outputs.iter().any(|place| *place >= MOST_OUTPUTS) {
            return Err(format!("`safety.outputs` must be places below {MOST_OUTPUTS}, one or more"));
        }
        if !self.threshold.is_finite() {
            return Err(format!("`safety.threshold` is {}", self.threshold));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_in_words_and_comes_back() {
        let mut classifier = SafetyClassifier::new("x", 8, 4);
        classifier.resize = Resize::ShortestEdge(9);
        let json = serde_json::to_string(&classifier).expect("JSON");
        assert!(json.contains(r#""resize":{"shortest_edge":9}"#) && json.contains(r#""channels":"rgb""#), "{json}");
        assert!(json.contains(r#""layout":"nchw""#) && !json.contains("memory"), "{json}");
        assert_eq!(serde_json::from_str::<SafetyClassifier>(&json).expect("the same"), classifier);
        assert!(serde_json::from_str::<SafetyClassifier>(&json.replace("bilinear", "nearest")).is_err());
    }

    #[test]
    fn values_that_nothing_can_be_computed_with_are_named() {
        let good = SafetyClassifier::new("x", 8, 4);
        assert_eq!(good.check(), Ok(()));
        type Change = fn(&mut SafetyClassifier);
        let wrong: [(&str, Change); 9] = [
            ("crop", |it| it.crop.width = 9),
            ("crop", |it| it.crop.height = 0),
            ("resize", |it| it.resize = Resize::ShortestEdge(u32::MAX)),
            ("resize", |it| it.resize = Resize::Stretch(ImageSize { width: 0, height: 4 })),
            ("image_std", |it| it.image_std[1] = 0.0),
            ("image_mean", |it| it.image_mean[2] = f32::NAN),
            ("rescale_factor", |it| it.rescale_factor = 1e300),
            ("outputs", |it| it.outputs.clear()),
            ("threshold", |it| it.threshold = f32::INFINITY),
        ];
        for (name, change) in wrong {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(bad.check().is_err_and(|reason| reason.contains(name)), "{name}");
        }
    }
}
