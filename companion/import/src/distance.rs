//! How far numbers and pictures are apart.

/// The root mean square of the difference over that of what is expected; not a number where lengths differ.
pub(super) fn distance(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() {
        return f64::NAN;
    }
    let square = |value: f64| value * value;
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let size: f64 = expected.iter().map(|value| square(f64::from(*value))).sum();
    if difference == 0.0 { 0.0 } else { (difference / size.max(f64::MIN_POSITIVE)).sqrt() }
}

/// Of pictures in -1..1.
pub(super) fn psnr(a: &[f32], b: &[f32]) -> f64 {
    let shown = |value: &f32| f64::from(value.clamp(-1.0, 1.0)) / 2.0;
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (shown(a) - shown(b)).powi(2)).sum();
    10.0 * (a.len() as f64 / squares).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_ratios_are_what_they_are_called() {
        assert_eq!(distance(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert!((distance(&[3.0, 4.5], &[3.0, 4.0]) - 0.1).abs() < 1e-12);
        assert!(distance(&[1.0], &[1.0, 2.0]).is_nan());
        assert_eq!(distance(&[0.0], &[0.0]), 0.0);
        assert_eq!(psnr(&[0.5, 2.0], &[0.5, 1.0]), f64::INFINITY, "clamped as it is shown");
        // One grey level of 255 everywhere.
        assert!((psnr(&[0.0; 4], &[2.0 / 255.0; 4]) - 48.13).abs() < 0.01);
    }
}
