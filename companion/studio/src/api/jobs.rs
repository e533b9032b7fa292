//! Jobs: the machine's queue.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Response;

use crate::answer::{blocking, file};
use crate::app::{App, Sent, id, json};
use crate::error::{Error, Result};
use crate::job::{Job, Work};
use crate::worker;

/// Every job, the oldest first, without the curves.
pub(super) async fn list(State(app): State<App>) -> Json<Vec<Job>> {
    let mut jobs = app.studio.queue.list();
    jobs.iter_mut().for_each(|job| job.history.clear());
    Json(jobs)
}

/// Adds a job.
pub(super) async fn push(State(app): State<App>, sent: Sent) -> Result<Json<Job>> {
    let work: Work = json(sent)?;
    let job = blocking(move || app.studio.queue.push(worker::checked(&app.studio, work)?)).await?;
    Ok(Json(job))
}

/// A job, with the curve of a finding.
pub(super) async fn get(State(app): State<App>, Path(job): Path<String>) -> Result<Json<Job>> {
    app.studio.queue.get(id('j', "job", &job)?).map(Json)
}

/// Stops a job.
pub(super) async fn cancel(State(app): State<App>, Path(job): Path<String>) -> Result<Json<Job>> {
    let job = id('j', "job", &job)?;
    blocking(move || app.studio.queue.cancel(job)).await.map(Json)
}

/// A picture of a job: `i1.png`.
pub(super) async fn picture(
    State(app): State<App>,
    Path((job, picture)): Path<(String, String)>,
) -> Result<Response<Body>> {
    let job = app.studio.queue.get(id('j', "job", &job)?)?;
    let name = id('i', "picture", picture.strip_suffix(".png").unwrap_or(&picture))?;
    if !job.pictures.iter().any(|picture| picture.name == name) {
        return Err(Error::unknown("picture", name));
    }
    file(app.studio.folder.job(job.id).join(format!("{name}.png")), "image/png").await
}
