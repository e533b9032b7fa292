//! Who draws what a queue holds.

use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::engine::outcome::Generated;
use crate::engine::request::Request;
use crate::error::Result;
use crate::progress::Observer;

/// Who draws what a queue holds: an [`Engine`], or whoever has one.
pub trait Artist: Send + 'static {
    /// What is asked for.
    type Request: Send + 'static;

    /// What a list shows of a request.
    fn outline(request: &Self::Request) -> Outline;

    /// Draws a request as [`Engine::generate`] does, with its errors. On the queue's own thread; the observer keeps each picture.
    ///
    /// # Errors
    /// They become the end of that request ([`QueueState::Failed`](super::QueueState::Failed)), and so does a panic.
    fn draw(&mut self, request: &Self::Request, observer: &mut dyn Observer, cancel: &CancelToken)
    -> Result<Generated>;
}

/// What a list shows of a request before it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// What is to be drawn, as it was asked for.
    pub prompt: String,
    /// How many pictures.
    pub pictures: u32,
    /// A preview with every so many steps, 0 for none; `None` for what the queue's options say.
    pub preview_every: Option<u32>,
}

impl Artist for Engine {
    type Request = Request;

    fn outline(request: &Request) -> Outline {
        Outline { prompt: request.prompt.clone(), pictures: request.count, preview_every: None }
    }

    fn draw(&mut self, request: &Request, observer: &mut dyn Observer, cancel: &CancelToken) -> Result<Generated> {
        self.generate(request, observer, cancel)
    }
}
