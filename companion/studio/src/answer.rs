//! Answers: JSON, files, and what went wrong.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::error::{Error, Result};

/// What went wrong, as a page is told it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    error: String,
    hint: Option<&'a str>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response<Body> {
        let status = match &self {
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Unknown { .. } => StatusCode::NOT_FOUND,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Lost(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Core(cones_core::Error::Io { .. }) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let told = serde_json::to_string(&Told { error: self.to_string(), hint: self.hint() });
        (status, [(CONTENT_TYPE, "application/json")], told.unwrap_or_default()).into_response()
    }
}

/// Runs what reads and writes files where it holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Lost(error.to_string())))
}

/// A file's bytes, as what they are.
pub(crate) async fn file(path: PathBuf, kind: &'static str) -> Result<Response<Body>> {
    let bytes = blocking(move || std::fs::read(&path).map_err(|error| missing(&path, error))).await?;
    Ok(([(CONTENT_TYPE, kind)], bytes).into_response())
}

/// A file to be saved under its name.
pub(crate) async fn download(path: PathBuf, kind: &'static str) -> Result<Response<Body>> {
    let name = path.file_name().map(|name| name.to_string_lossy().replace(['"', '\\'], "")).unwrap_or_default();
    let mut answer = file(path, kind).await?;
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        answer.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(answer)
}

/// A picture that was removed meanwhile is nobody's fault.
fn missing(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::unknown("file", path.file_name().unwrap_or_default().display()),
        _ => Error::io("read", path)(error),
    }
}
