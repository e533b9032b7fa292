//! Where `cones generate` draws words of the prompt.

use clap::Args;
use cones_core::WordBox;
use cones_core::picture::recipe::Recipe;

/// Where words of the prompt are drawn.
#[derive(Debug, Args)]
pub(super) struct BoxArgs {
    /// Draw these words of the prompt, or the subject {NAME}, in a part of the picture: its sides as shares of width and height, 0,0,0.5,1
    /// for the left half. May be given several times; by default as a recipe says.
    #[arg(long = "box", value_name = "WORDS=LEFT,TOP,RIGHT,BOTTOM", value_parser = word_box)]
    boxes: Vec<WordBox>,
}

impl BoxArgs {
    /// What was typed, or else what the recipe says.
    pub(super) fn boxes(&self, old: Option<&Recipe>) -> Vec<WordBox> {
        match old {
            Some(old) if self.boxes.is_empty() => old.boxes.clone(),
            _ => self.boxes.clone(),
        }
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
