//! Synthetic pictures: enough colours and shapes to learn how latents turn into colours.

/// Knuth's MMIX generator; its upper bits are good enough for blobs.
#[derive(Debug)]
struct Lcg(u64);

impl Lcg {
    /// Evenly in 0..1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    fn colour(&mut self) -> [f32; 3] {
        [self.next(), self.next(), self.next()]
    }
}

/// Picture number `number` of an endless series: `height` × `width` pixels of RGB in 0..1, plane by plane.
/// In turn flat colours, gradients, and soft blobs on a gradient. The same numbers always give the same picture.
pub(super) fn picture(number: u32, height: usize, width: usize) -> Vec<f32> {
    let mut random = Lcg(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1));
    random.next();
    let (from, to) = (random.colour(), random.colour());
    // Powers of the unit vector's parts would need `sin`, whose last bit differs between systems; a rhombus does not.
    let tilt = 2.0 * random.next() - 1.0;
    let blobs: Vec<Blob> = (0..if number % 3 == 2 { 6 } else { 0 }).map(|_| Blob::new(&mut random)).collect();
    let mut pixels = vec![0.0; 3 * height * width];
    for y in 0..height {
        for x in 0..width {
            let (u, v) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
            let mix = if number.is_multiple_of(3) { 0.0 } else { gradient(u, v, tilt) };
            let mut colour = blend(from, to, mix);
            for blob in &blobs {
                colour = blend(colour, blob.colour, blob.cover(u, v));
            }
            for (channel, value) in colour.into_iter().enumerate() {
                pixels[channel * height * width + y * width + x] = value;
            }
        }
    }
    pixels
}

/// 0..1 across the picture, in a direction that `tilt` in -1..1 turns.
fn gradient(u: f32, v: f32, tilt: f32) -> f32 {
    let share = tilt.abs();
    let along = if tilt < 0.0 { 1.0 - v } else { v };
    (1.0 - share) * u + share * along
}

fn blend(a: [f32; 3], b: [f32; 3], mix: f32) -> [f32; 3] {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * mix)
}

/// A round spot with a soft edge.
#[derive(Debug)]
struct Blob {
    x: f32,
    y: f32,
    radius: f32,
    colour: [f32; 3],
}

impl Blob {
    fn new(random: &mut Lcg) -> Self {
        Self { x: random.next(), y: random.next(), radius: 0.1 + 0.3 * random.next(), colour: random.colour() }
    }

    fn cover(&self, u: f32, v: f32) -> f32 {
        let (dx, dy) = (u - self.x, v - self.y);
        let inside = 1.0 - (dx * dx + dy * dy) / (self.radius * self.radius);
        (2.0 * inside).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn pictures_are_reproducible_different_and_in_range() {
        let one = picture(5, 16, 16);
        assert_eq!(one, picture(5, 16, 16));
        assert_ne!(one, picture(8, 16, 16));
        assert!(one.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(picture(3, 2, 8)[..16].windows(2).all(|pair| pair[0] == pair[1]), "a flat colour");
    }
}
