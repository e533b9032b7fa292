//! Keys, the published folder, and sharing it on the local network.

use std::net::IpAddr;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::Response;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use cones_core::Bundle;
use cones_publish::PackSource;
use serde::Deserialize;

use crate::answer::blocking;
use crate::app::{App, Sent, json};
use crate::error::{Error, Result};
use crate::publishing::{View, Wanted};
use crate::qr;
use crate::studio::Studio;

/// A password for a new key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    password: Option<String>,
}

/// A key that somebody has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnKey {
    /// Its file's text.
    key: String,
    password: Option<String>,
}

/// Where to share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    address: Option<IpAddr>,
}

/// What is published, and who sees it.
pub(super) async fn view(State(app): State<App>) -> Result<Json<View>> {
    blocking(move || Ok(app.studio.publishing.view())).await.map(Json)
}

/// Makes a key.
pub(super) async fn make_key(State(app): State<App>, sent: Sent) -> Result<Json<View>> {
    let new: NewKey = json(sent)?;
    blocking(move || app.studio.publishing.make_key(new.password)).await.map(Json)
}

/// Takes a key that somebody has.
pub(super) async fn take_key(State(app): State<App>, sent: Sent) -> Result<Json<View>> {
    let own: OwnKey = json(sent)?;
    blocking(move || app.studio.publishing.take_key(&own.key, own.password)).await.map(Json)
}

/// Publishes subjects.
pub(super) async fn publish(State(app): State<App>, sent: Sent) -> Result<Json<View>> {
    let wanted: Wanted = json(sent)?;
    blocking(move || publish_now(&app.studio, &wanted)).await.map(Json)
}

fn publish_now(studio: &Studio, wanted: &Wanted) -> Result<View> {
    if wanted.subjects.is_empty() && !wanted.model {
        return Err(Error::request("nothing was chosen", "choose a subject that was found"));
    }
    let mut packs = Vec::new();
    for subject in &wanted.subjects {
        let path = studio.subjects.pack_file(*subject)?;
        let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
        packs.push(PackSource { name: path.display().to_string(), bytes });
    }
    let model = wanted.model.then(|| Bundle::open(studio.bundle.path())).transpose()?;
    studio.publishing.publish(packs, model, wanted)
}

/// Lets the local network see it.
pub(super) async fn share(State(app): State<App>, sent: Sent) -> Result<Json<View>> {
    let place: Place = json(sent)?;
    blocking(move || app.studio.publishing.share(place.address)).await.map(Json)
}

/// Ends that.
pub(super) async fn unshare(State(app): State<App>) -> Result<Json<View>> {
    blocking(move || Ok(app.studio.publishing.unshare())).await.map(Json)
}

/// Which link.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    app: bool,
}

/// The link for a phone's camera: to the page or, with `app=true`, for an app.
pub(super) async fn code(State(app): State<App>, Query(which): Query<Which>) -> Result<Response<Body>> {
    let svg = qr::svg(&app.studio.publishing.link(which.app)?)?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}
