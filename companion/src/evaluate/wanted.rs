//! The subject that a picture should show, and what else it could show.

use std::collections::BTreeMap;
use std::slice::from_ref;

use cones_find::looks::Looks;
use serde::Serialize;

use super::alignment;
use super::instances::Instances;

/// Of pictures nearer than this share of the real ones a hue's turn has changed nothing: the subject is grey.
const SAME: f64 = 0.85;

/// Vectors by the name of what they are of.
pub type Candidates = BTreeMap<String, Vec<Vec<f32>>>;

/// A subject with all that it could be taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its name among the candidates.
    pub name: String,
    candidates: Candidates,
    /// Vectors of pictures of it that nothing was learned from.
    held_back: Vec<Vec<f32>>,
}

/// How alike other things are to the subject, and the subject to itself: what likeness is to be read between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Marks {
    /// Other drawings of the class and recoloured ones of the subject, in the mean; none where there are none.
    pub others: Option<f64>,
    /// Real pictures of the subject, each held against the others, or those held back against the rest; none where there is
    /// one picture only.
    pub real: Option<f64>,
}

impl Wanted {
    /// An instance that the measure knows, among all of its class.
    pub fn known(instances: &Instances, class: &str, instance: &str) -> Self {
        let candidates = instances.of_class(class).cloned().unwrap_or_default();
        Self { name: instance.to_owned(), candidates, held_back: Vec::new() }
    }

    /// A subject by its own pictures, among the instances of its class, or of all classes where the measure does not know
    /// its. `same` is the instance that it is, if it is one.
    pub fn own(looks: &Looks, name: &str, class: &str, instances: &Instances, same: Option<&str>) -> Self {
        let mut candidates = instances.of_class(class).cloned().unwrap_or_else(|| instances.all());
        if let Some(same) = same {
            candidates.remove(same);
        }
        // No instance is called so.
        let name = format!("its own pictures ({name})");
        candidates.insert(name.clone(), looks.pictures.clone());
        let mut wanted = Self { name, candidates, held_back: looks.held_back.clone() };
        let least = wanted.marks().real.unwrap_or(1.0) * SAME;
        for (i, turn) in looks.recoloured.iter().enumerate() {
            if mean(turn.iter().map(|vector| wanted.likeness(from_ref(vector)))).is_some_and(|alike| alike < least) {
                wanted.candidates.insert(format!("recoloured {i}"), turn.clone());
            }
        }
        wanted
    }

    /// All that a picture could show, the subject among it.
    pub fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// How alike a picture is to the subject's, by its vectors: the highest cosine with any of theirs.
    pub fn likeness(&self, vectors: &[Vec<f32>]) -> f64 {
        f64::from(alignment::likeness(vectors, self.own_vectors()))
    }

    /// What likeness is to be read between.
    pub fn marks(&self) -> Marks {
        let others = self.candidates.iter().filter(|(name, _)| **name != self.name).flat_map(|(_, vectors)| vectors);
        let others = mean(others.map(|vector| self.likeness(from_ref(vector))));
        let own = self.own_vectors();
        let apart = |i: usize| {
            let rest = [&own[..i], &own[i + 1..]].into_iter();
            f64::from(rest.map(|rest| alignment::likeness(from_ref(&own[i]), rest)).fold(f32::NEG_INFINITY, f32::max))
        };
        let real = match (self.held_back.is_empty(), own.len()) {
            (false, _) => mean(self.held_back.iter().map(|vector| self.likeness(from_ref(vector)))),
            (true, 0 | 1) => None,
            (true, count) => mean((0..count).map(apart)),
        };
        Marks { others, real }
    }

    fn own_vectors(&self) -> &[Vec<f32>] {
        self.candidates.get(&self.name).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Marks {
    /// The mean of several.
    pub fn mean(marks: &[Self]) -> Self {
        let of = |value: fn(&Self) -> Option<f64>| mean(marks.iter().filter_map(value));
        Self { others: of(|m| m.others), real: of(|m| m.real) }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(degrees: f32) -> Vec<f32> {
        vec![degrees.to_radians().cos(), degrees.to_radians().sin()]
    }

    fn instances() -> Instances {
        Instances::of([("dog/noto", vec![at(90.0)]), ("dog/fluent", vec![at(1.0)]), ("cat/noto", vec![at(180.0)])])
    }

    fn looks(pictures: &[f32]) -> Looks {
        let pictures = pictures.iter().map(|degrees| at(*degrees)).collect();
        Looks { network: String::new(), pictures, held_back: Vec::new(), recoloured: Vec::new() }
    }

    fn close(found: Option<f64>, degrees: f64) -> bool {
        found.is_some_and(|cosine| (cosine - degrees.to_radians().cos()).abs() < 1e-6)
    }

    #[test]
    fn marks_are_of_the_real_ones_and_of_others() {
        let wanted = Wanted::own(&looks(&[0.0, 20.0]), "rex", "dog", &instances(), Some("fluent"));
        assert_eq!(wanted.candidates().len(), 2, "{:?}", wanted.candidates());
        let marks = wanted.marks();
        assert!(close(marks.real, 20.0) && close(marks.others, 70.0), "{marks:?}");
        assert!(close(Some(wanted.likeness(&[at(50.0)])), 30.0));
        // A picture held back takes the place of each against the others.
        let held = Looks { held_back: vec![at(30.0)], ..looks(&[0.0, 20.0]) };
        assert!(close(Wanted::own(&held, "rex", "dog", &instances(), None).marks().real, 10.0));
        let lone = Wanted::own(&looks(&[0.0]), "rex", "dog", &instances(), None).marks();
        assert!(lone.real.is_none() && lone.others.is_some());
    }

    #[test]
    fn an_unknown_class_is_held_against_everything() {
        let wanted = Wanted::own(&looks(&[0.0, 5.0]), "x", "unicorn", &instances(), None);
        assert_eq!(wanted.candidates().len(), 4);
    }

    #[test]
    fn recoloured_pictures_count_where_the_colour_told() {
        let told = |degrees: f32| {
            let looks = Looks { recoloured: vec![vec![at(degrees)]], ..looks(&[0.0, 5.0]) };
            Wanted::own(&looks, "rex", "dog", &instances(), None).candidates().contains_key("recoloured 0")
        };
        assert!(told(60.0) && !told(10.0));
    }
}
