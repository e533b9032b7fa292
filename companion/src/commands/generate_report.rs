//! What `cones generate` says when it is done.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use cones_core::picture::recipe::Recipe;
use cones_core::{Generated, Timings, Verdict};
use serde::Serialize;

use super::picture_writer::{Outcome, Written};
use super::silent::Silent;
use crate::failure::Failure;

/// How it is to be said.
pub(super) struct Report<'a> {
    /// Whether the picture itself went to standard output, which then takes nothing else.
    pub(super) to_output: bool,
    /// Where all pictures stand on one.
    pub(super) sheet: Option<&'a Path>,
    /// A summary instead of the paths.
    pub(super) json: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    pictures: Vec<SummaryPicture<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<SummaryRefused>,
    warnings: Vec<&'a String>,
    /// What the base model decided, where nothing was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    defaults: Option<Silent>,
    seconds: Seconds,
    steps: u32,
}

#[derive(Serialize)]
struct SummaryPicture<'a> {
    path: &'a Path,
    recipe: &'a Recipe,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

/// A picture that nobody gets.
#[derive(Serialize)]
struct SummaryRefused {
    picture: u32,
    seed: u64,
    verdict: Verdict,
}

#[derive(Serialize)]
struct Seconds {
    total: f64,
    loading: f64,
    runtime: f64,
    unet: f64,
    text: f64,
    decoding: f64,
    switching: f64,
}

impl Report<'_> {
    /// Warnings and verdicts on standard error; paths or the summary on standard output.
    pub(super) fn write(
        &self,
        generated: &[Generated],
        done: &Outcome,
        defaults: Option<Silent>,
    ) -> Result<(), Failure> {
        let warnings: Vec<&String> = generated.iter().flat_map(|generated| &generated.warnings).collect();
        for warning in &warnings {
            writeln!(std::io::stderr(), "warning: {warning}")?;
        }
        tell_verdicts(done)?;
        let mut out = std::io::stdout();
        if self.to_output {
            return Ok(());
        }
        if !self.json {
            for written in &done.written {
                writeln!(out, "{}", written.path.display())?;
            }
            if let Some(sheet) = self.sheet {
                writeln!(out, "{}", sheet.display())?;
            }
            return Ok(());
        }
        let pictures = done.written.iter();
        let pictures = pictures.map(|it| SummaryPicture { path: &it.path, recipe: &it.recipe, verdict: it.verdict });
        let refused = done.refused.iter().map(|(_, it)| (it.picture, it.seed, it.verdict));
        let seconds = |of: fn(&Timings) -> Duration| generated.iter().map(|g| of(&g.timings).as_secs_f64()).sum();
        let summary = Summary {
            pictures: pictures.collect(),
            refused: refused.map(|(picture, seed, verdict)| SummaryRefused { picture, seed, verdict }).collect(),
            warnings,
            defaults,
            steps: generated.iter().map(|generated| generated.timings.steps).sum(),
            seconds: Seconds {
                total: seconds(|t| t.total),
                loading: seconds(|t| t.loading),
                runtime: seconds(|t| t.runtime),
                unet: seconds(|t| t.unet),
                text: seconds(|t| t.text),
                decoding: seconds(|t| t.decoding),
                switching: seconds(|t| t.switching),
            },
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
        Ok(())
    }
}

/// Says on standard error which pictures were found not safe.
fn tell_verdicts(done: &Outcome) -> std::io::Result<()> {
    let mut messages = std::io::stderr();
    for Written { path, verdict, .. } in &done.written {
        if let Some(verdict) = verdict.filter(|verdict| !verdict.is_safe()) {
            writeln!(messages, "{}: {verdict}", path.display())?;
        }
    }
    for (path, refused) in &done.refused {
        writeln!(messages, "{} was not written: {}", path.display(), refused.verdict)?;
    }
    Ok(())
}
