//! Large pictures in two passes, as AUTOMATIC1111's "Hires. fix": drawn at the size that the model knows, enlarged, and drawn on
//! from there. A model that is asked for a large picture at once draws things twice.

use super::Engine;
use super::hires::Hires;
use super::job::Audience;
use super::request::{Init, Request};
use super::resolved::ResolvedRequest;
use crate::cancel::CancelToken;
use crate::engine::outcome::{Drawn, Generated, Refused};
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::picture::recipe::{HiresRecipe, Recipe};
use crate::progress::{Observer, Progress, Stage};

/// Both passes of a request, checked.
struct Passes {
    small: Request,
    large: Request,
    steps: [u32; 2],
    recipe: HiresRecipe,
    /// Of the second pass.
    size: (u32, u32),
}

impl Passes {
    fn new(engine: &Engine, request: &Request, hires: &Hires) -> Result<Self> {
        if request.init.is_some() {
            let reason =
                "is for pictures from noise; one that starts from a picture is drawn large by its width and height";
            return Err(Error::request("hires", reason));
        }
        let mut small = request.clone();
        small.hires = None;
        let plan = ResolvedRequest::new(&small, &engine.bundle)?;
        small.count = 1;
        let (width, height) = hires.size((plan.width, plan.height), engine.bundle.manifest().latent.multiple)?;
        let mut large = small.clone().with_size(width, height);
        large.steps = hires.steps.or(request.steps);
        // One pixel stands for the picture that is not there yet.
        large.init = Some(Init::new(Picture { width: 1, height: 1, rgb: vec![0; 3] }, hires.strength));
        let large_plan = ResolvedRequest::new(&large, &engine.bundle)?;
        let steps_of =
            |plan, request| engine.schedule_of(plan, request).map(|run| u32::try_from(run.len()).unwrap_or(u32::MAX));
        let steps = [steps_of(&plan, &small)?, steps_of(&large_plan, &large)?];
        let recipe = HiresRecipe { scale: hires.scale, strength: hires.strength, steps: hires.steps };
        let size = (width, height);
        Ok(Self { small, large, steps, recipe, size })
    }

    /// Both requests for one of the pictures.
    fn of(&self, picture: u32) -> [Request; 2] {
        [&self.small, &self.large].map(|request| {
            let mut request = request.clone();
            (request.seed, request.variation) = request.seeds_of(picture);
            request
        })
    }
}

impl Engine {
    /// The request of the second pass, for which more memory is needed.
    pub(super) fn larger_pass(&self, request: &Request, hires: &Hires) -> Result<Request> {
        Passes::new(self, request, hires).map(|passes| passes.large)
    }

    /// Draws each picture small and then large.
    pub(super) fn generate_in_two_passes(
        &mut self,
        request: &Request,
        hires: &Hires,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Generated> {
        let passes = Passes::new(self, request, hires)?;
        // Refused before any work, and not after the first pass.
        self.memory_plan(&passes.large)?;
        let mut all: Option<Generated> = None;
        for picture in 0..request.count {
            let [small, mut large] = passes.of(picture);
            let mut both = Both { observer: &mut *observer, passes: &passes, picture, of: request.count, small: None };
            let mut drawn =
                self.generate_at_once(&small, Audience::NextPass, &mut Pass { both: &mut both, before: 0 }, cancel)?;
            if let (Some(init), Some(first)) = (&mut large.init, &both.small) {
                init.picture = first.picture.resized(passes.size.0, passes.size.1)?;
            }
            let before = passes.steps[0];
            let mut pass = Pass { both: &mut both, before };
            let mut enlarged = self.generate_at_once(&large, Audience::Everybody, &mut pass, cancel)?;
            enlarged.refused.iter_mut().for_each(|refused| refused.picture = picture);
            drawn.add(enlarged);
            match &mut all {
                None => all = Some(drawn),
                Some(all) => all.add(drawn),
            }
        }
        all.ok_or_else(|| Error::request("count", "is 0"))
    }
}

/// Both passes of one picture, told as one.
struct Both<'a> {
    observer: &'a mut dyn Observer,
    passes: &'a Passes,
    picture: u32,
    of: u32,
    /// What the first pass drew.
    small: Option<Drawn>,
}

/// Listens to one of them.
struct Pass<'a, 'b> {
    both: &'a mut Both<'b>,
    /// Steps that were done before it.
    before: u32,
}

impl Pass<'_, '_> {
    fn is_second(&self) -> bool {
        self.before > 0
    }
}

impl Observer for Pass<'_, '_> {
    fn on_progress(&mut self, progress: &Progress) {
        // The small picture is not what was asked for.
        if progress.stage == Stage::Finished && !self.is_second() {
            return;
        }
        let mut told = progress.clone();
        (told.picture, told.pictures) = (self.both.picture, self.both.of);
        told.step = progress.step.saturating_add(self.before);
        told.steps = self.both.passes.steps.iter().sum();
        self.both.observer.on_progress(&told);
    }

    fn wants_preview(&mut self, step: u32) -> bool {
        self.both.observer.wants_preview(step.saturating_add(self.before))
    }

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        let second = self.is_second();
        match self.both.small.take_if(|_| second) {
            None => {
                self.both.small = Some(drawn);
                None
            }
            Some(small) => {
                let hires = Some(self.both.passes.recipe);
                let recipe = Recipe { hires, safety: drawn.recipe.safety, ..small.recipe };
                self.both.observer.on_picture(Drawn { recipe, ..drawn })
            }
        }
    }

    fn on_refused(&mut self, refused: &Refused) {
        self.both.observer.on_refused(&Refused { picture: self.both.picture, ..*refused });
    }

    fn on_sample(&mut self, sample: &[f32], timestep: f32) {
        self.both.observer.on_sample(sample, timestep);
    }

    fn on_latent(&mut self, latent: &[f32]) {
        self.both.observer.on_latent(latent);
    }
}
