//! Pictures with other colours: another subject of the same shape.

use cones_core::Picture;

/// Turns of the hue, in degrees.
pub const TURNS: [f32; 2] = [120.0, 240.0];

/// A picture with every hue turned; saturation and value of HSV stay.
pub fn turned(picture: &Picture, degrees: f32) -> Picture {
    let mut out = picture.clone();
    for pixel in out.rgb.chunks_exact_mut(3) {
        if let [red, green, blue] = pixel {
            [*red, *green, *blue] = turn([*red, *green, *blue], degrees);
        }
    }
    out
}

fn turn(rgb: [u8; 3], degrees: f32) -> [u8; 3] {
    let [red, green, blue] = rgb.map(f32::from);
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let spread = most - least;
    if spread == 0.0 {
        return rgb;
    }
    let sextant = match most {
        most if most == red => (green - blue) / spread,
        most if most == green => (blue - red) / spread + 2.0,
        _ => (red - green) / spread + 4.0,
    };
    let sextant = (sextant + degrees / 60.0).rem_euclid(6.0);
    // Each channel is `most` less its distance from its own hue.
    let channel = |shift: f32| {
        let place = (shift + sextant).rem_euclid(6.0);
        (most - spread * place.min(4.0 - place).clamp(0.0, 1.0)).round() as u8
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_turn_and_greys_stay() {
        assert_eq!(turn([200, 0, 0], 120.0), [0, 200, 0]);
        assert_eq!(turn([200, 0, 0], 240.0), [0, 0, 200]);
        assert_eq!(turn([250, 200, 100], 0.0), [250, 200, 100]);
        assert_eq!(turn([250, 200, 100], 120.0), [100, 250, 200]);
        assert_eq!(turn([90, 90, 90], 120.0), [90, 90, 90]);
        let picture = Picture { width: 1, height: 1, rgb: vec![10, 20, 30] };
        assert_eq!(turned(&turned(&picture, 120.0), 240.0), picture);
    }
}
