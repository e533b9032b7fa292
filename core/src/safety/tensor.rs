//! From a picture to what a classifier takes.

use super::resample::resample;
use crate::error::Result;
use crate::model::image_size::ImageSize;
use crate::model::safety::{ChannelOrder, Layout, Resize, SafetyClassifier};
use crate::picture::Picture;

impl SafetyClassifier {
    /// The shape of its tensor, in a batch of one.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        let (height, width) = (self.crop.height as usize, self.crop.width as usize);
        match self.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        }
    }

    /// The tensor of a picture, as the graph is given it.
    ///
    /// # Errors
    /// [`Error::BadRequest`](crate::Error::BadRequest) when the picture's bytes do not match its width and height.
    pub fn tensor(&self, picture: &Picture) -> Result<Vec<f32>> {
        let ImageSize { width, height } = self.resized(picture);
        let scaled = resample(picture, width, height, self.resample)?;
        let (left, top) = ((width - self.crop.width) / 2, (height - self.crop.height) / 2);
        let factor = self.rescale_factor as f32;
        let value = |x: u32, y: u32, channel: usize| {
            let of_rgb = match self.channels {
                ChannelOrder::Rgb => channel,
                ChannelOrder::Bgr => 2 - channel,
            };
            let at = 3 * ((top + y) as usize * width as usize + (left + x) as usize) + of_rgb;
            let byte = f32::from(scaled.rgb.get(at).copied().unwrap_or(0));
            (byte * factor - self.image_mean[channel]) / self.image_std[channel]
        };
        let (columns, rows) = (self.crop.width, self.crop.height);
        let pixels = || (0..rows).flat_map(move |y| (0..columns).map(move |x| (x, y)));
        Ok(match self.layout {
            Layout::Nhwc => pixels().flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel))).collect(),
            Layout::Nchw => (0..3)
                .flat_map(|channel| pixels().map(move |(x, y)| (x, y, channel)))
                .map(|(x, y, channel)| value(x, y, channel))
                .collect(),
        })
    }

    /// The size that a picture is scaled to; no less than what is cut out of it.
    fn resized(&self, picture: &Picture) -> ImageSize {
        match self.resize {
            Resize::Stretch(size) => size,
            Resize::ShortestEdge(edge) => {
                let (width, height) = (u64::from(picture.width.max(1)), u64::from(picture.height.max(1)));
                // As transformers rounds: down. A side is at most 16,384 times the other.
                let other = |side: u64, shorter: u64| (u64::from(edge) * side / shorter) as u32;
                if width < height {
                    ImageSize { width: edge, height: other(height, width) }
                } else {
                    ImageSize { width: other(width, height), height: edge }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::safety::Resample;

    fn picture() -> Picture {
        Picture { width: 2, height: 2, rgb: (0..12).map(|i| i * 20).collect() }
    }

    #[test]
    fn channels_and_layout_are_as_the_description_says() {
        let mut how = SafetyClassifier::new("x", 2, 2);
        (how.rescale_factor, how.image_mean, how.image_std) = (1.0, [0.0, 0.0, 100.0], [1.0, 2.0, 1.0]);
        assert_eq!(
            (how.shape(), how.tensor(&picture()).expect("a tensor")),
            ([1, 3, 2, 2], vec![0.0, 60.0, 120.0, 180.0, 10.0, 40.0, 70.0, 100.0, -60.0, 0.0, 60.0, 120.0],)
        );
        (how.layout, how.channels) = (Layout::Nhwc, ChannelOrder::Bgr);
        assert_eq!(how.shape(), [1, 2, 2, 3]);
        assert_eq!(how.tensor(&picture()).expect("a tensor")[..6], [40.0, 10.0, -100.0, 100.0, 40.0, -40.0]);
    }

    #[test]
    fn the_middle_is_cut_out_of_any_aspect() {
        let mut how = SafetyClassifier::new("x", 1, 1);
        (how.resize, how.rescale_factor, how.resample) = (Resize::ShortestEdge(1), 1.0, Resample::Bicubic);
        for (width, height) in [(5, 1), (1, 5)] {
            let rgb = (0..5u8).flat_map(|i| [i * 10; 3]).collect();
            assert_eq!(how.tensor(&Picture { width, height, rgb }).expect("a tensor"), [20.0; 3]);
        }
    }
}
