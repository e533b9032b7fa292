//! Everything that the page does, as JSON over HTTP: API.md beside this crate says what each request takes and gives.

mod events;
mod jobs;
mod photos;
mod pictures;
mod publishing;
mod subjects;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{delete, get, patch, post, put};

use crate::app::{App, JSON};
use crate::studio::Model;

/// The requests below `/api`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/model", get(model))
        .route("/api/subjects", get(subjects::list).post(subjects::add))
        .route("/api/subjects/{subject}", put(subjects::edit).delete(subjects::remove))
        .route("/api/subjects/{subject}/pack", get(subjects::pack))
        .route("/api/subjects/{subject}/finding", get(subjects::finding))
        .route("/api/overlap", get(subjects::overlap))
        .route("/api/subjects/{subject}/photos/{photo}", patch(photos::edit).delete(photos::remove))
        .route("/api/subjects/{subject}/photos/{photo}/{file}", get(photos::file))
        .route("/api/jobs", get(jobs::list).post(jobs::push))
        .route("/api/jobs/{job}", get(jobs::get).delete(jobs::cancel))
        .route("/api/jobs/{job}/{picture}", get(jobs::picture))
        .route("/api/gallery", get(pictures::list).post(pictures::keep))
        .route("/api/gallery/{picture}", get(pictures::file).delete(pictures::remove))
        .route("/api/publishing", get(publishing::view).post(publishing::publish))
        .route("/api/publishing/key", post(publishing::make_key).put(publishing::take_key))
        .route("/api/sharing", post(publishing::share))
        .route("/api/sharing", delete(publishing::unshare))
        .route("/api/sharing/qr.svg", get(publishing::code))
        .route("/api/events", get(events::stream))
        .layer(DefaultBodyLimit::max(JSON))
        .merge(longer("/api/subjects/{subject}/photos", photos::MOST, post(photos::add)))
        .merge(longer("/api/packs", subjects::MOST_PACK, post(subjects::import)))
        .merge(longer("/api/masks", pictures::MOST_MASK, post(pictures::mask)))
}

/// A request whose body may be longer than others'.
fn longer(path: &str, most: usize, handler: axum::routing::MethodRouter<App>) -> Router<App> {
    Router::new().route(path, handler).layer(DefaultBodyLimit::max(most))
}

/// The base model.
async fn model(State(app): State<App>) -> Json<Model> {
    Json(app.studio.model())
}
