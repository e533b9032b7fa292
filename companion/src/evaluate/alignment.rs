//! Rules of the measure: which instance is nearest, whether the picture shows what the prompt says.

use std::collections::BTreeMap;

use super::scene::Scene;

/// How sharply the places that resemble a class count, in the mean over places.
const FOCUS: f32 = 20.0;

/// What the embedding saw in one picture.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Vector of the whole picture.
    pub whole: &'a [f32],
    /// A vector for each place.
    pub local: &'a [f32],
    /// Whether an object is at each place, 0 to 1.
    pub presence: &'a [f32],
}

/// The vector of a picture by which it is judged. In a picture with several subjects, what counts is the part of it that
/// resembles the candidates.
pub fn vector(seen: &Seen<'_>, candidates: &BTreeMap<String, Vec<Vec<f32>>>, several: bool) -> Vec<f32> {
    if several { around_candidates(seen, candidates) } else { seen.whole.to_vec() }
}

/// The candidate that is nearest to a vector.
pub fn nearest<'a>(vector: &[f32], candidates: &'a BTreeMap<String, Vec<Vec<f32>>>) -> Option<&'a str> {
    let likeness = |vectors: &[Vec<f32>]| vectors.iter().map(|v| dot(v, vector)).fold(f32::NEG_INFINITY, f32::max);
    // The first of equals, as numpy's argmax.
    let best = |best: Option<(&'a str, f32)>, (name, vectors): (&'a String, &'a Vec<Vec<f32>>)| {
        let found = likeness(vectors);
        if best.is_none_or(|(_, most)| found > most) { Some((name.as_str(), found)) } else { best }
    };
    candidates.iter().fold(None, best).map(|(name, _)| name)
}

/// Mean local vector over the places that resemble any of the candidates and hold an object, of length 1.
fn around_candidates(seen: &Seen<'_>, candidates: &BTreeMap<String, Vec<Vec<f32>>>) -> Vec<f32> {
    let width = seen.whole.len();
    let mut sum = vec![0.0; width];
    for (local, presence) in seen.local.chunks_exact(width.max(1)).zip(seen.presence) {
        let alike = candidates.values().flatten().map(|v| dot(v, local)).fold(f32::NEG_INFINITY, f32::max);
        let weight = presence * (FOCUS * alike).exp();
        sum.iter_mut().zip(local).for_each(|(sum, value)| *sum += weight * value);
    }
    let length = dot(&sum, &sum).sqrt();
    sum.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
    sum
}

/// Whether the wanted things have the highest scores, each more likely there than not. Nothing wanted: no answer.
pub fn objects_right(scores: &[f32], scene: &Scene) -> Option<bool> {
    if scene.objects.is_empty() {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores.get(b).unwrap_or(&0.0).total_cmp(scores.get(a).unwrap_or(&0.0)));
    let top = order.get(..scene.objects.len())?;
    let there = |object: &usize| scene.objects.contains(object) && scores.get(*object).is_some_and(|s| *s > 0.0);
    Some(top.iter().all(there))
}

/// Whether the wanted context has the highest score. None wanted: no answer.
pub fn context_right(scores: &[f32], scene: &Scene) -> Option<bool> {
    let wanted = *scores.get(scene.context?)?;
    Some(scores.iter().all(|score| *score <= wanted))
}

/// The cosine of two vectors of length 1.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_right_when_the_wanted_are_on_top_and_there() {
        let scene = |objects: &[usize]| Scene { objects: objects.to_vec(), context: Some(1) };
        assert_eq!(objects_right(&[3.0, -1.0, 2.0], &scene(&[0, 2])), Some(true));
        assert_eq!(objects_right(&[3.0, -1.0, 2.0], &scene(&[2])), Some(false));
        assert_eq!(objects_right(&[3.0, -1.0, -2.0], &scene(&[0, 1])), Some(false));
        assert_eq!(objects_right(&[3.0], &scene(&[])), None);
        assert_eq!(objects_right(&[], &scene(&[0])), None);
        assert_eq!(context_right(&[0.0, 1.0], &scene(&[])), Some(true));
        assert_eq!(context_right(&[0.0, -1.0], &scene(&[])), Some(false));
        assert_eq!(context_right(&[0.0], &scene(&[])), None);
    }

    #[test]
    fn among_several_subjects_only_alike_places_count() {
        let candidates =
            BTreeMap::from([("a".to_owned(), vec![vec![1.0, 0.0, 0.0]]), ("b".to_owned(), vec![vec![0.8, 0.6, 0.0]])]);
        // Something else fills the picture; one place holds `b`.
        let seen = Seen { whole: &[0.7, 0.0, 0.7], local: &[0.0, 0.0, 1.0, 0.8, 0.6, 0.0], presence: &[1.0, 1.0] };
        let found = |several| nearest(&vector(&seen, &candidates, several), &candidates);
        assert_eq!((found(false), found(true)), (Some("a"), Some("b")));
        assert_eq!(nearest(&vector(&seen, &BTreeMap::new(), true), &BTreeMap::new()), None);
    }
}
