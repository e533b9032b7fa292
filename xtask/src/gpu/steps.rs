//! The calls of the lending tool, in order.

use crate::failure::Result;
use crate::gpu::limits::{self, mebibytes};
use crate::gpu::settings::Settings;
use crate::gpu::step::Step;
use crate::gpu::tree::Tree;

/// The script at the other end.
const SCRIPT: &str = "bash models/toybox/recipe/gpu.sh";

/// The training first, from checkpoints where it has `begun` before, and while it runs the CUDA provider, in `pieces` pieces;
/// last the training's weights.
pub(crate) fn plan(settings: &Settings, begun: bool, pieces: usize) -> Vec<Step> {
    let Settings { seconds, vae_seconds, batch, flags: [vae, unet], .. } = settings;
    let mut steps = Vec::new();
    if begun {
        steps.push(Step {
            title: "packages and artwork of the training".into(),
            command: format!("{SCRIPT} take"),
            carry: vec![super::folders::train_folder()],
            timeout: 120,
        });
    }
    steps.push(Step {
        title: "the training begins, in the background".into(),
        command: format!("{SCRIPT} start {seconds} {vae_seconds} {batch} '{vae}' '{unet}'"),
        carry: vec![if begun { super::folders::weights_folder() } else { super::folders::train_folder() }],
        timeout: 240,
    });
    for piece in 1..=pieces {
        let bring = format!("{SCRIPT} bring {piece}");
        let last = piece == pieces;
        let check = settings.check_seconds;
        steps.push(Step {
            title: if last { "the CUDA provider is whole and tried out" } else { "a piece of the CUDA provider" }
                .into(),
            command: if last {
                format!("{bring}; {SCRIPT} check {check} {}", settings.provider_flags())
            } else {
                bring
            },
            carry: vec![super::folders::piece_folder(piece)],
            // Beside the checks, the weights so far are packed.
            timeout: if last { check + 150 } else { 120 },
        });
    }
    let rest = seconds.saturating_add(90).min(440);
    steps.push(Step {
        title: "the training's end, and its weights".into(),
        command: format!("{SCRIPT} finish {rest}"),
        carry: vec![],
        timeout: rest + 150,
    });
    steps
}

/// Prints every call, held against the tool's limits with the tree as it is.
pub(crate) fn print(steps: &[Step], tree: &Tree<'_>) -> Result {
    for (number, step) in (1..).zip(steps) {
        let bytes = tree.bytes(&step.carry)?;
        limits::going(step, bytes)?;
        println!("\n{number}. {} ({} travel)", step.title, mebibytes(bytes));
        println!("   run {}", call(step));
    }
    Ok(())
}

/// The call's arguments as JSON.
fn call(step: &Step) -> String {
    let carry: Vec<String> = step.carry.iter().map(|path| quoted(path)).collect();
    format!(
        "{{\"command\": {}, \"carry\": [{}], \"timeout_s\": {}}}",
        quoted(&step.command),
        carry.join(", "),
        step.timeout
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_comes_first_and_its_weights_last() -> Result {
        for pieces in [0, 1, 3] {
            let settings = Settings::parse(&[])?;
            // Checkpoints travel in a call of their own.
            let [first, then, ..] = &plan(&settings, true, pieces)[..] else { unreachable!("two steps and more") };
            assert!(first.command.ends_with(" take") && first.carry == [".gpu/train"]);
            assert!(then.command.contains(" start ") && then.carry == [".gpu/weights"]);
            let steps = plan(&settings, false, pieces);
            assert_eq!(steps.len(), pieces + 2);
            assert!(steps[0].command.contains(" start ") && steps[0].carry == [".gpu/train"]);
            assert!(steps[pieces + 1].command.contains(" finish "));
            assert_eq!(steps.iter().filter(|step| step.command.contains(" check ")).count(), pieces.min(1));
            for step in &steps {
                limits::going(step, 0)?;
            }
        }
        Ok(())
    }

    #[test]
    fn a_call_is_json() {
        let step = Step {
            title: "t".into(),
            command: r#"echo "a\b""#.into(),
            carry: vec!["x".into(), "y".into()],
            timeout: 9,
        };
        assert_eq!(call(&step), r#"{"command": "echo \"a\\b\"", "carry": ["x", "y"], "timeout_s": 9}"#);
    }
}
