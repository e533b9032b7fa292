//! Photos of a subject.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::Response;
use serde::Deserialize;

use crate::answer::{self, blocking};
use crate::app::{App, Sent, bytes, id, json};
use crate::error::{Error, Result};
use crate::subject::View;
use crate::subjects::ShotChange;

/// Bytes of a photo's file.
pub(super) const MOST: usize = 64 << 20;

/// What a file was called.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) name: String,
}

/// Adds a photo: its file is the body.
pub(super) async fn add(
    State(app): State<App>,
    Path(subject): Path<String>,
    Query(named): Query<Named>,
    sent: Sent,
) -> Result<Json<View>> {
    let subject = id('s', "subject", &subject)?;
    let photo = bytes(sent, "the photo", MOST)?;
    let subject = blocking(move || app.studio.subjects.add_photo(subject, &named.name, &photo)).await?;
    Ok(Json(subject.view()))
}

/// Cuts a photo otherwise, or says what is in it.
pub(super) async fn edit(
    State(app): State<App>,
    Path((subject, photo)): Path<(String, String)>,
    sent: Sent,
) -> Result<Json<View>> {
    let (subject, photo) = (id('s', "subject", &subject)?, id('p', "photo", &photo)?);
    let change: ShotChange = json(sent)?;
    let subject = blocking(move || app.studio.subjects.edit_photo(subject, photo, &change)).await?;
    Ok(Json(subject.view()))
}

/// Removes a photo.
pub(super) async fn remove(
    State(app): State<App>,
    Path((subject, photo)): Path<(String, String)>,
) -> Result<Json<View>> {
    let (subject, photo) = (id('s', "subject", &subject)?, id('p', "photo", &photo)?);
    let subject = blocking(move || app.studio.subjects.remove_photo(subject, photo)).await?;
    Ok(Json(subject.view()))
}

/// A photo as it is shown (`whole.jpg`), or the part that is learned from (`part.png`).
pub(super) async fn file(
    State(app): State<App>,
    Path((subject, photo, file)): Path<(String, String, String)>,
) -> Result<Response<Body>> {
    let subjects = &app.studio.subjects;
    let subject = subjects.get(id('s', "subject", &subject)?)?;
    let photo = subject.shot(id('p', "photo", &photo)?)?.id;
    match file.as_str() {
        "whole.jpg" => answer::file(subjects.shown(subject.id, photo), "image/jpeg").await,
        "part.png" => answer::file(subjects.part(subject.id, photo), "image/png").await,
        _ => Err(Error::unknown("file", file.escape_debug())),
    }
}
