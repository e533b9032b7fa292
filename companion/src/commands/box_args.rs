//! Where `cones generate` draws words of the prompt.

use clap::Args;
use cones_core::picture::recipe::Recipe;
use cones_core::{Request, Subject, WordBox};

use crate::failure::Failure;

/// Where words of the prompt are drawn.
#[derive(Debug, Args)]
pub(super) struct BoxArgs {
    /// Draw these words of the prompt, or the subject {NAME}, in a part of the picture: its sides as shares of width and height, 0,0,0.5,1
    /// for the left half. May be given several times; by default as a recipe says.
    #[arg(long = "box", value_name = "WORDS=LEFT,TOP,RIGHT,BOTTOM", value_parser = word_box)]
    boxes: Vec<WordBox>,
    /// Draw each of several subjects in a part of the picture of its own, so that none is left out or mixed with another: two side by
    /// side, three and four in quarters, in the order of --subject.
    #[arg(long, conflicts_with = "boxes")]
    apart: bool,
}

impl BoxArgs {
    /// What was typed, or else what the recipe says; `named` are the subjects that the prompt names.
    pub(super) fn boxes<'s>(&self, old: Option<&Recipe>, named: impl Iterator<Item = &'s Subject>) -> Vec<WordBox> {
        if self.apart {
            return WordBox::apart(named.map(|subject| format!("{{{}}}", subject.name)));
        }
        match old {
            Some(old) if self.boxes.is_empty() => old.boxes.clone(),
            _ => self.boxes.clone(),
        }
    }

    /// Refuses to draw apart where no prompt names two subjects.
    pub(super) fn check(&self, requests: &[Request]) -> Result<(), Failure> {
        if self.apart && requests.iter().all(|request| request.boxes.is_empty()) {
            return Err(Failure::Usage(
                "--apart is for prompts that name several subjects, each as {NAME}; none here does".into(),
            ));
        }
        Ok(())
    }
}

fn word_box(text: &str) -> Result<WordBox, String> {
    const FORM: &str = "must be words, = and four shares, as 'dog=0,0,0.5,1'";
    let (words, sides) = text.rsplit_once('=').ok_or(FORM)?;
    let sides = sides.split(',').map(|side| side.trim().parse()).collect::<Result<Vec<f32>, _>>();
    let sides: [f32; 4] = sides.ok().and_then(|sides| sides.try_into().ok()).ok_or(FORM)?;
    Ok(WordBox::new(words.trim(), sides))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_four_sides() {
        assert_eq!(word_box("a = b=0, 0,0.5,1"), Ok(WordBox::new("a = b", [0.0, 0.0, 0.5, 1.0])));
        for wrong in ["dog", "dog=", "dog=1,2,3", "dog=0,0,1,1,1", "dog=a,b,c,d"] {
            assert!(word_box(wrong).is_err(), "{wrong}");
        }
    }
}
