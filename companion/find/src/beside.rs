//! Two pictures beside each other, with one prompt.

use cones_core::Picture;

use crate::error::{Error, Result};
use crate::prompts;

/// "a <v1> dog on grass" and "a <v2> cat on grass" become "a <v1> dog and a <v2> cat on grass"; of two places none is left.
pub(crate) fn of_both(left: &str, right: &str, [trigger_left, trigger_right]: [&str; 2]) -> String {
    let place =
        |prompt: &str, trigger: &str| prompt.split_once(trigger).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let (rest_left, rest_right) = (place(left, trigger_left), place(right, trigger_right));
    let rest = if rest_left == rest_right { rest_left.as_str() } else { "" };
    format!("{} and {}{rest}", prompts::plain(trigger_left), prompts::plain(trigger_right))
}

/// Each picture at three quarters of its size, beside the other, cut to the columns in which its subject seems to stand;
/// above and below, the edge goes on.
pub(crate) fn side_by_side(left: &Picture, right: &Picture) -> Result<Picture> {
    let (width, height) = (left.width, left.height);
    let half = width / 2;
    // Whatever the picture's size, each side is whole pixels.
    let (small_width, small_height) = ((3 * width / 4).max(half), (3 * height / 4).max(1));
    let top = (height - small_height) / 2;
    let mut sides = Vec::new();
    // An odd column more goes to the right.
    for (picture, columns) in [(left, half), (right, width - half)] {
        let small = picture.resized(small_width, small_height).map_err(Error::Scaling)?;
        let start = subject_columns(&small, columns as usize);
        sides.push((small, start, columns as usize));
    }
    let mut rgb = Vec::with_capacity(left.rgb.len());
    for y in 0..height {
        let row = y.saturating_sub(top).min(small_height - 1);
        for (picture, start, columns) in &sides {
            let start = ((row * small_width) as usize + start) * 3;
            rgb.extend(picture.rgb.get(start..start + 3 * columns).unwrap_or_default());
        }
    }
    Ok(Picture { width, height, rgb })
}

/// The first of the `wanted` neighbouring columns that differ most from what the picture shows at its left and right edge
/// at the same height: a background mostly goes on there. Of equals the one nearest to the middle.
fn subject_columns(picture: &Picture, wanted: usize) -> usize {
    let width = picture.width as usize;
    let mut differs = vec![0u64; width];
    for row in picture.rgb.chunks_exact((3 * width).max(1)) {
        let (Some(first), Some(last)) = (row.first_chunk::<3>(), row.last_chunk::<3>()) else { continue };
        for (sum, pixel) in differs.iter_mut().zip(row.chunks_exact(3)) {
            let from = |edge: &[u8; 3]| pixel.iter().zip(edge).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            *sum += from(first).min(from(last));
        }
    }
    let middle = width.saturating_sub(wanted) / 2;
    let total = |start: usize| differs.iter().skip(start).take(wanted).sum::<u64>();
    (0..=width.saturating_sub(wanted))
        .max_by_key(|&start| (total(start), std::cmp::Reverse(start.abs_diff(middle))))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_two_keep_a_place_that_both_have() {
        let both = |left, right| of_both(left, right, ["<v1> dog", "<v2> owl"]);
        assert_eq!(both("a <v1> dog on grass", "a <v2> owl on grass"), "a <v1> dog and a <v2> owl on grass");
        assert_eq!(both("a <v1> dog on grass", "a <v2> owl at night"), "a <v1> dog and a <v2> owl");
        assert_eq!(both("a <v1> dog", "a <v2> owl"), "a <v1> dog and a <v2> owl");
    }

    #[test]
    fn each_side_shows_one_picture() {
        let plain = |value: u8| Picture { width: 8, height: 8, rgb: vec![value; 8 * 8 * 3] };
        let both = side_by_side(&plain(10), &plain(200)).expect("can be scaled");
        assert_eq!((both.width, both.height, both.rgb.len()), (8, 8, 192));
        assert!(both.rgb.chunks_exact(24).all(|row| row[..12] == [10; 12] && row[12..] == [200; 12]));
    }

    #[test]
    fn the_columns_of_the_subject_are_found_on_any_background() {
        // Each row another colour; the subject covers the columns 8 to 10.
        let picture = |from: usize, to: usize| {
            let pixel = |x: usize, y: usize| if (from..to).contains(&x) { [255, 0, 90] } else { [0, 20 * y as u8, 40] };
            let rgb = (0..6).flat_map(|y| (0..12).flat_map(move |x| pixel(x, y))).collect();
            Picture { width: 12, height: 6, rgb }
        };
        assert_eq!(subject_columns(&picture(8, 11), 3), 8);
        assert_eq!(subject_columns(&picture(1, 4), 3), 1);
        // Nothing to be seen: the middle.
        assert_eq!(subject_columns(&picture(0, 0), 6), 3);
        assert_eq!(subject_columns(&picture(0, 12), 12), 0);
        assert_eq!(subject_columns(&Picture { width: 0, height: 0, rgb: Vec::new() }, 4), 0);
    }
}
