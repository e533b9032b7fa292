//! An artist that does what a test tells it.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::engine::outcome::{Drawn, Generated, Refused, Timings};
use crate::error::{Error, Result};
use crate::memory::MemoryPlan;
use crate::memory::arrangement::{Arrangement, LoadForm};
use crate::picture::Picture;
use crate::picture::recipe::Recipe;
use crate::progress::{Observer, Progress, Stage};
use crate::queue::{Artist, Outline};
use crate::safety::policy::SafetyPolicy;
use crate::safety::verdict::Verdict;

/// What a puppet is told to do with the request that it is drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Act {
    Step,
    Picture,
    Refuse,
    Finish,
    Fail,
    Panic,
}

/// Draws nothing by itself: it does what it is told, and keeps which requests it began.
pub(super) struct Puppet {
    acts: Receiver<Act>,
    begun: Arc<Mutex<Vec<u64>>>,
}

pub(super) struct Strings {
    acts: Sender<Act>,
    begun: Arc<Mutex<Vec<u64>>>,
}

pub(super) fn puppet() -> (Puppet, Strings) {
    let (acts, orders) = mpsc::channel();
    let begun = Arc::new(Mutex::new(Vec::new()));
    (Puppet { acts: orders, begun: begun.clone() }, Strings { acts, begun })
}

impl Strings {
    pub(super) fn pull(&self, act: Act) {
        self.acts.send(act).expect("the puppet is there");
    }

    pub(super) fn begun(&self) -> Vec<u64> {
        self.begun.lock().expect("no panic").clone()
    }
}

impl Artist for Puppet {
    /// Its seed.
    type Request = u64;

    fn outline(seed: &u64) -> Outline {
        Outline { prompt: format!("number {seed}"), pictures: 3, preview_every: None }
    }

    fn draw(&mut self, seed: &u64, observer: &mut dyn Observer, cancel: &CancelToken) -> Result<Generated> {
        self.begun.lock().expect("no panic").push(*seed);
        let mut refused = Vec::new();
        loop {
            cancel.check()?;
            match self.acts.recv_timeout(Duration::from_micros(100)) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
                Ok(Act::Step) => observer.on_progress(&step()),
                Ok(Act::Picture) => assert!(observer.on_picture(drawn(*seed)).is_none()),
                Ok(Act::Refuse) => {
                    let verdict = Verdict::new(0.9, 0.5, SafetyPolicy::Refuse);
                    let one = Refused { picture: 0, seed: *seed, verdict };
                    observer.on_refused(&one);
                    refused.push(one);
                }
                Ok(Act::Finish) => return Ok(generated(refused)),
                Ok(Act::Fail) => return Err(Error::request("steps", "is 0")),
                Ok(Act::Panic) => panic!("on purpose"),
            }
        }
    }
}

fn step() -> Progress {
    let preview = Some(Picture { width: 1, height: 1, rgb: vec![7; 3] });
    Progress { stage: Stage::Denoising, picture: 0, pictures: 3, step: 1, steps: 4, preview, verdict: None }
}

fn drawn(seed: u64) -> Drawn {
    let recipe = serde_json::json!({
        "software": "a test", "bundle": "none", "fingerprint": "0".repeat(64), "prompt": "", "negative_prompt": "",
        "steps": 1, "guidance": 1.0, "scheduler": "ddim", "seed": seed, "width": 1, "height": 1, "subjects": [], "init": null,
    });
    let recipe: Recipe = serde_json::from_value(recipe).expect("a recipe");
    Drawn { picture: Picture { width: 1, height: 1, rgb: vec![0; 3] }, recipe, verdict: None }
}

fn generated(refused: Vec<Refused>) -> Generated {
    let arrangement = Arrangement { form: LoadForm::Mapped, sequential: true, apart: true };
    let memory = MemoryPlan { arrangement, stages: Vec::new(), peak: None, budget: None, reason: String::new() };
    Generated { pictures: Vec::new(), refused, warnings: vec!["a warning".into()], timings: Timings::default(), memory }
}
