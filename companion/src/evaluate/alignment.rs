//! Rules of the measure: which instance is nearest, whether the picture shows what the prompt says.

use std::collections::BTreeMap;

use super::scene::Scene;

/// The candidate that is nearest to any of the vectors of a picture.
pub fn nearest<'a>(vectors: &[Vec<f32>], candidates: &'a BTreeMap<String, Vec<Vec<f32>>>) -> Option<&'a str> {
    // The first of equals, as numpy's argmax.
    let best = |best: Option<(&'a str, f32)>, (name, own): (&'a String, &'a Vec<Vec<f32>>)| {
        let found = likeness(vectors, own);
        if best.is_none_or(|(_, most)| found > most) { Some((name.as_str(), found)) } else { best }
    };
    candidates.iter().fold(None, best).map(|(name, _)| name)
}

/// The highest cosine of any of some vectors of length 1 with any of others.
pub fn likeness(vectors: &[Vec<f32>], others: &[Vec<f32>]) -> f32 {
    let cosines = vectors.iter().flat_map(|vector| others.iter().map(|other| dot(vector, other)));
    cosines.fold(f32::NEG_INFINITY, f32::max)
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
fn dot(a: &[f32], b: &[f32]) -> f32 {
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
    fn the_best_part_of_a_picture_tells() {
        let candidates =
            BTreeMap::from([("a".to_owned(), vec![vec![1.0, 0.0]]), ("b".to_owned(), vec![vec![0.6, 0.8]])]);
        let (whole, part) = (vec![1.0, 0.0], vec![0.6, 0.8]);
        assert_eq!(nearest(std::slice::from_ref(&whole), &candidates), Some("a"));
        // Both are there as they are: the first of equals.
        assert_eq!(nearest(&[part.clone(), whole], &candidates), Some("a"));
        assert_eq!(nearest(&[vec![0.8, 0.6], part], &candidates), Some("b"));
        assert_eq!((nearest(&[], &candidates), nearest(&[vec![1.0, 0.0]], &BTreeMap::new())), (Some("a"), None));
    }
}
