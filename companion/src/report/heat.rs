//! Maps as pictures: from dark, where nobody looks, to bright.

use cones_core::Picture;

use super::attention_map::Map;
use crate::colour_scale::ColourScale;

/// From the least to the most: black over purple and orange to light yellow (Matplotlib's inferno).
const SCALE: ColourScale<6> =
    ColourScale([[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]]);

/// Draws a map between its own least and greatest value.
pub fn draw(map: &Map) -> Picture {
    let (low, high) = range(&map.values);
    let rgb = map
        .values
        .iter()
        .flat_map(|value| SCALE.at(f64::from((value - low) / (high - low).max(f32::EPSILON))))
        .collect();
    // Sides of a picture, which came as u32.
    Picture { width: map.width as u32, height: map.height as u32, rgb }
}

/// Which pixels are on the bright side of the value that best parts a map in two; none of a flat one.
pub fn bright_part(map: &Map) -> Vec<bool> {
    let level = threshold(&map.values);
    map.values.iter().map(|value| *value > level).collect()
}

/// The picture with a line around where a map is bright.
pub fn outline(picture: &Picture, map: &Map) -> Picture {
    let bright = bright_part(map);
    let inside = |x: usize, y: usize| bright.get(y * map.width + x).is_some_and(|bright| *bright);
    let mut out = picture.clone();
    if (picture.width as usize, picture.height as usize) != (map.width, map.height) {
        return out;
    }
    for (i, pixel) in out.rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = (i % map.width, i / map.width);
        let mut around = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)].into_iter();
        let is_edge = inside(x, y) && around.any(|(x, y)| x >= map.width || y >= map.height || !inside(x, y));
        if is_edge {
            pixel.copy_from_slice(&[255, 0, 200]);
        }
    }
    out
}

/// The value that best parts the values in two (Otsu 1979).
fn threshold(values: &[f32]) -> f32 {
    const BINS: usize = 64;
    let (low, high) = range(values);
    let width = ((high - low) / BINS as f32).max(f32::EPSILON);
    let mut counts = [0usize; BINS];
    for value in values {
        if let Some(count) = counts.get_mut((((value - low) / width) as usize).min(BINS - 1)) {
            *count += 1;
        }
    }
    let total: usize = counts.iter().sum();
    let weighted: usize = counts.iter().enumerate().map(|(bin, count)| bin * count).sum();
    let (mut below, mut sum, mut best) = (0, 0, (0.0, 0));
    for (bin, count) in counts.iter().enumerate() {
        below += count;
        sum += bin * count;
        let above = total - below;
        if below == 0 || above == 0 {
            continue;
        }
        let apart = sum as f64 / below as f64 - (weighted - sum) as f64 / above as f64;
        let between = below as f64 * above as f64 * apart * apart;
        if between > best.0 {
            best = (between, bin);
        }
    }
    low + (best.1 + 1) as f32 * width
}

fn range(values: &[f32]) -> (f32, f32) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max));
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bright_square_is_bright_and_outlined() {
        let at = |i: usize| if (2..6).contains(&(i % 8)) && (2..6).contains(&(i / 8)) { 0.3 } else { 0.1 };
        let map = Map { width: 8, height: 8, values: (0..64).map(at).collect() };
        let drawn = draw(&map);
        assert_eq!(drawn.rgb[..3], SCALE.0[0]);
        assert_eq!(drawn.rgb[3 * (3 * 8 + 3)..][..3], SCALE.0[5]);
        let lined = outline(&Picture { width: 8, height: 8, rgb: vec![9; 192] }, &map);
        let changed: Vec<usize> = (0..64).filter(|i| lined.rgb[3 * i] != 9).collect();
        assert_eq!(changed.len(), 12, "the square's border: {changed:?}");
    }

    #[test]
    fn a_flat_map_is_dark_and_does_no_harm() {
        let flat = Map { width: 2, height: 1, values: vec![0.5, f32::NAN] };
        assert_eq!(draw(&flat).rgb, [SCALE.0[0], SCALE.0[0]].concat());
    }
}
