//! Subjects and their packs.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::Response;
use cones_find::record::Record;
use serde::{Deserialize, Serialize};

use super::photos::Named;
use crate::answer::{blocking, download};
use crate::app::{App, Sent, bytes, id, json};
use crate::error::{Error, Result};
use crate::studio::Studio;
use crate::subject::{Said, View};
use crate::work::find;

/// Bytes of a pack's file.
pub(super) const MOST_PACK: usize = 64 << 20;

/// Two subjects.
#[derive(Debug, Deserialize)]
pub(super) struct Two {
    first: String,
    second: String,
}

/// What two subjects' packs share.
#[derive(Debug, Serialize)]
pub(super) struct Shared {
    first: usize,
    second: usize,
    shared: usize,
    /// How many they would share by chance.
    by_chance: f64,
    layers: Vec<SharedLayer>,
}

#[derive(Debug, Serialize)]
struct SharedLayer {
    name: String,
    shared: usize,
    by_chance: f64,
}

/// All of them, the oldest first.
pub(super) async fn list(State(app): State<App>) -> Json<Vec<View>> {
    Json(app.studio.subjects.list().iter().map(|subject| subject.view()).collect())
}

/// A new one.
pub(super) async fn add(State(app): State<App>, sent: Sent) -> Result<Json<View>> {
    let said: Said = json(sent)?;
    blocking(move || app.studio.subjects.add(said)).await.map(|subject| Json(subject.view()))
}

/// Calls one otherwise.
pub(super) async fn edit(State(app): State<App>, Path(subject): Path<String>, sent: Sent) -> Result<Json<View>> {
    let (subject, said) = (id('s', "subject", &subject)?, json::<Said>(sent)?);
    blocking(move || app.studio.subjects.edit(subject, said)).await.map(|subject| Json(subject.view()))
}

/// Removes one, with its photos and its pack.
pub(super) async fn remove(State(app): State<App>, Path(subject): Path<String>) -> Result<Json<Vec<View>>> {
    let subject = id('s', "subject", &subject)?;
    let left = blocking(move || {
        if app.studio.queue.is_busy_with(subject) {
            return Err(Error::request("the machine works on it, or is going to", "cancel that job first"));
        }
        app.studio.subjects.remove(subject)?;
        Ok(app.studio.subjects.list())
    });
    left.await.map(|left| Json(left.iter().map(|subject| subject.view()).collect()))
}

/// Its pack, to be saved.
pub(super) async fn pack(State(app): State<App>, Path(subject): Path<String>) -> Result<Response<Body>> {
    download(app.studio.subjects.pack_file(id('s', "subject", &subject)?)?, "application/octet-stream").await
}

/// The figures of its finding.
pub(super) async fn finding(State(app): State<App>, Path(subject): Path<String>) -> Result<Json<Record>> {
    let subject = id('s', "subject", &subject)?;
    let record = blocking(move || find::record(&app.studio, subject)).await?;
    record.map(Json).ok_or_else(|| Error::unknown("finding of subject", subject))
}

/// A subject from a pack: its file is the body.
pub(super) async fn import(State(app): State<App>, Query(named): Query<Named>, sent: Sent) -> Result<Json<View>> {
    let pack = bytes(sent, "the pack", MOST_PACK)?;
    blocking(move || app.studio.subjects.import(&named.name, &pack)).await.map(|subject| Json(subject.view()))
}

/// What the packs of two subjects share.
pub(super) async fn overlap(State(app): State<App>, Query(two): Query<Two>) -> Result<Json<Shared>> {
    blocking(move || shared(&app.studio, &two)).await.map(Json)
}

fn shared(studio: &Studio, two: &Two) -> Result<Shared> {
    let (first, _) = studio.subjects.pack(id('s', "subject", &two.first)?)?;
    let (second, _) = studio.subjects.pack(id('s', "subject", &two.second)?)?;
    let overlaps = first.mask.overlap(&second.mask)?;
    let layers = studio.bundle.manifest().layers.iter().zip(&overlaps);
    Ok(Shared {
        first: first.mask.count(),
        second: second.mask.count(),
        shared: overlaps.iter().map(|layer| layer.shared).sum(),
        by_chance: overlaps.iter().map(|layer| layer.by_chance).sum(),
        layers: layers
            .map(|(layer, o)| SharedLayer { name: layer.name.clone(), shared: o.shared, by_chance: o.by_chance })
            .collect(),
    })
}
