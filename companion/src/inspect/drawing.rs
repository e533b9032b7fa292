//! Drawings of rectangles and short texts, as SVG or PNG.

use std::io::Cursor;
use std::path::Path;

use embedded_graphics::Drawable;
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_6X10;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{Dimensions, DrawTarget, OriginDimensions, Pixel, Point, RgbColor, Size};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use image::{ImageFormat, Rgb, RgbImage};

use crate::colour_scale::Colour;
use crate::failure::Failure;

/// Pixels that one character of a text takes across.
pub const CHARACTER: u32 = 6;
/// Pixels that a text takes down.
pub const LINE: u32 = 10;
/// PNGs are drawn this much larger, so that they can be read.
const ENLARGED: u32 = 2;

/// A drawing on white, in pixels from the top left.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    width: u32,
    height: u32,
    rectangles: Vec<([u32; 4], Colour)>,
    texts: Vec<(u32, u32, String)>,
}

impl Drawing {
    /// Fills a rectangle.
    pub fn rectangle(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        self.grow(x + width, y + height);
        self.rectangles.push(([x, y, width, height], colour));
    }

    /// Writes a line of text with its upper left corner at `x`, `y`.
    pub fn text(&mut self, x: u32, y: u32, text: &str) {
        self.grow(x + CHARACTER * text.chars().count() as u32, y + LINE);
        self.texts.push((x, y, text.to_owned()));
    }

    /// The lowest point so far.
    pub fn bottom(&self) -> u32 {
        self.height
    }

    fn grow(&mut self, right: u32, bottom: u32) {
        self.width = self.width.max(right);
        self.height = self.height.max(bottom);
    }

    /// Writes the drawing as the file's name says: `.png` or `.svg`.
    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        let bytes = match ending.as_deref() {
            Some("svg") => self.to_svg().into_bytes(),
            Some("png") => self.to_png()?,
            _ => return Err(format!("`{}` is neither .png nor .svg", path.display()).into()),
        };
        Ok(cones_core::disk::atomic::write(path, &bytes)?)
    }

    fn margin(&self) -> (u32, u32) {
        (self.width + LINE, self.height + LINE)
    }

    fn to_svg(&self) -> String {
        let (width, height) = self.margin();
        let ground = format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n");
        self.svg(&ground)
    }

    /// The drawing as SVG without a ground, for a page that has its own.
    pub fn to_inline_svg(&self) -> String {
        self.svg("")
    }

    fn svg(&self, ground: &str) -> String {
        let (width, height) = self.margin();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"monospace\" font-size=\"{LINE}\">\n{ground}"
        );
        for ([x, y, width, height], [r, g, b]) in &self.rectangles {
            svg.push_str(&format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#{r:02x}{g:02x}{b:02x}\"/>\n"
            ));
        }
        for (x, y, text) in &self.texts {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let length = CHARACTER * text.chars().count() as u32;
            // The length is given because fonts differ; 8 of 10 pixels lie above the base line.
            svg.push_str(&format!("<text x=\"{x}\" y=\"{}\" textLength=\"{length}\">{escaped}</text>\n", y + 8));
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn to_png(&self) -> Result<Vec<u8>, Failure> {
        let (width, height) = self.margin();
        let mut canvas = Canvas(RgbImage::from_pixel(width, height, Rgb([255; 3])));
        for ([x, y, width, height], [r, g, b]) in &self.rectangles {
            let area = Rectangle::new(point(*x, *y), Size::new(*width, *height));
            let Ok(()) = canvas.fill_solid(&area, Rgb888::new(*r, *g, *b));
        }
        let style = MonoTextStyle::new(&FONT_6X10, Rgb888::BLACK);
        for (x, y, text) in &self.texts {
            let Ok(_) = Text::with_baseline(text, point(*x, *y), style, Baseline::Top).draw(&mut canvas);
        }
        let filter = image::imageops::FilterType::Nearest;
        let large = image::imageops::resize(&canvas.0, ENLARGED * width, ENLARGED * height, filter);
        let mut png = Cursor::new(Vec::new());
        large.write_to(&mut png, ImageFormat::Png)?;
        Ok(png.into_inner())
    }
}

fn point(x: u32, y: u32) -> Point {
    Point::new(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX))
}

/// Lets embedded-graphics draw on a picture.
struct Canvas(RgbImage);

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        let bounds = self.bounding_box();
        for Pixel(at, colour) in pixels.into_iter().filter(|pixel| bounds.contains(pixel.0)) {
            // Inside the bounds, so neither is negative.
            let (x, y) = (at.x.unsigned_abs(), at.y.unsigned_abs());
            self.0.put_pixel(x, y, Rgb([colour.r(), colour.g(), colour.b()]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_show_rectangles_and_texts() {
        let mut drawing = Drawing::default();
        drawing.rectangle(10, 0, 4, 6, [1, 2, 3]);
        drawing.text(0, 20, "<v1> & co");
        let svg = drawing.to_svg();
        assert!(svg.contains("fill=\"#010203\"") && svg.contains("&lt;v1&gt; &amp; co"), "{svg}");
        let png = image::load_from_memory(&drawing.to_png().expect("a PNG")).expect("a picture").to_rgb8();
        assert_eq!(png.get_pixel(2 * 10, 0).0, [1, 2, 3]);
        assert_eq!(png.get_pixel(2 * 14, 0).0, [255; 3]);
        let text = image::imageops::crop_imm(&png, 0, 40, 2 * 54, 20).to_image();
        assert!(text.pixels().any(|p| p.0 == [0; 3]), "letters are black");
    }
}
