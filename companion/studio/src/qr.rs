//! A link as a picture that a phone's camera reads.

use qrcode::QrCode;
use qrcode::render::svg;

use crate::error::{Error, Result};

/// Pixels along a side, at the least; the page scales it.
const SIDE: u32 = 240;

/// An SVG of the link, dark on white whatever the page's colours are: cameras want it so.
pub(crate) fn svg(link: &str) -> Result<String> {
    let code = QrCode::new(link).map_err(|error| Error::request(format!("the link is no QR code: {error}"), ""))?;
    let dark = svg::Color("#000000");
    Ok(code.render().min_dimensions(SIDE, SIDE).dark_color(dark).light_color(svg::Color("#ffffff")).build())
}
