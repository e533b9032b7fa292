//! Shares of pictures that are right.

use serde::Serialize;

use super::measure::Judged;

/// Shares (0 to 1) of a set of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Score {
    /// How many pictures.
    pub pictures: usize,
    /// The share of all subjects asked for in all pictures that were recognised.
    pub each: f64,
    /// Pictures with every subject recognised.
    pub all: f64,
    /// How alike the subjects in the pictures are to theirs, in the mean: the cosine with the nearest real picture.
    pub alike: Option<f64>,
    /// Pictures with the things that the prompt names; none where no prompt names any.
    pub objects: Option<f64>,
    /// Pictures with the context that the prompt names; none where no prompt names any.
    pub context: Option<f64>,
}

impl Score {
    /// Counts. `instances`: what should have been nearest, in the order of the subjects that were asked for.
    pub fn new(judged: &[Judged], instances: &[&str]) -> Self {
        let hits =
            |j: &Judged| j.nearest.iter().zip(instances).filter(|(found, i)| found.as_deref() == Some(**i)).count();
        let share = |right: usize, of: usize| right as f64 / of.max(1) as f64;
        let known = |flag: fn(&Judged) -> Option<bool>| {
            let flags: Vec<bool> = judged.iter().filter_map(flag).collect();
            (!flags.is_empty()).then(|| share(flags.iter().filter(|right| **right).count(), flags.len()))
        };
        let likeness: Vec<f64> = judged.iter().flat_map(|j| &j.likeness).copied().collect();
        Self {
            pictures: judged.len(),
            each: share(judged.iter().map(hits).sum(), judged.len() * instances.len()),
            all: share(judged.iter().filter(|j| hits(j) == instances.len()).count(), judged.len()),
            alike: (!likeness.is_empty()).then(|| likeness.iter().sum::<f64>() / likeness.len() as f64),
            objects: known(|j| j.objects),
            context: known(|j| j.context),
        }
    }

    /// The mean of several, by their pictures.
    pub fn mean(scores: &[Self]) -> Self {
        let pictures: usize = scores.iter().map(|s| s.pictures).sum();
        let mean = |value: &dyn Fn(&Self) -> f64| {
            scores.iter().map(|s| value(s) * s.pictures as f64).sum::<f64>() / pictures.max(1) as f64
        };
        let known = |value: fn(&Self) -> Option<f64>| {
            scores.iter().all(|s| value(s).is_some()).then(|| mean(&|s| value(s).unwrap_or_default()))
        };
        Self {
            pictures,
            each: mean(&|s| s.each),
            all: mean(&|s| s.all),
            alike: known(|s| s.alike),
            objects: known(|s| s.objects),
            context: known(|s| s.context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_and_all_are_counted_apart() {
        let judged = |first: &str, second: &str, objects| Judged {
            nearest: vec![Some(first.into()), Some(second.into())],
            likeness: vec![0.5, 0.25],
            objects,
            context: None,
        };
        let all = [judged("a", "b", Some(true)), judged("a", "c", None)];
        let score = Score::new(&all, &["a", "b"]);
        assert_eq!((score.alike, Score::new(&[], &[]).alike), (Some(0.375), None));
        assert_eq!((score.each, score.all, score.objects, score.context), (0.75, 0.5, Some(1.0), None));
        let mean = Score::mean(&[score, Score::new(&all[..1], &["a", "b"])]);
        assert!((mean.all - 2.0 / 3.0).abs() < 1e-12 && mean.pictures == 3, "{mean:?}");
        assert_eq!(Score::new(&[], &[]).each, 0.0);
    }
}
