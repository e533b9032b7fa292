//! Any text as another program's words on how it made a picture.

use cones_core::picture::foreign::ForeignRecipe;

/// What is read is what can be asked for: numbers are numbers, prompts are parts of the text.
pub fn feed(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let recipe = ForeignRecipe::parse(&text);
    assert!(recipe.guidance.is_none_or(f32::is_finite), "{:?}", recipe.guidance);
    assert!(recipe.prompt.len() <= text.len() && recipe.negative_prompt.len() <= text.len());
    let json = serde_json::to_string(&recipe).expect("is said as JSON");
    assert!(json.len() < 64 * text.len() + 4096, "{} bytes from {}", json.len(), text.len());
}
