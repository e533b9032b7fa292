//! The server: the page, the requests, and the thread that works.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::api;
use crate::app::App;
use crate::error::{Error, Result};
use crate::guard::{Entrance, Guard};
use crate::page::{self, POLICY};
use crate::studio::{Studio, StudioOptions};
use crate::worker;

/// The usual port, so that a page that is open finds the studio again.
const PORT: u16 = 8777;
/// Threads that answer; what takes long has threads of its own.
const THREADS: usize = 2;
/// How long answers under way are waited for when the studio is closed.
const PATIENCE: Duration = Duration::from_millis(500);

/// A studio, listening on this machine's own loopback.
#[derive(Debug)]
pub struct StudioServer {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    stop: Stop,
}

/// Closes a studio from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// Closes it: what is under way is written down, and goes on next time.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl StudioServer {
    /// Opens a studio and listens.
    ///
    /// # Errors
    /// When the base model or the folder cannot be opened, another studio has the folder, or the port is taken.
    pub fn open(options: &StudioOptions) -> Result<Self> {
        let studio = Arc::new(Studio::open(options)?);
        let listener = listen(options.port)?;
        let taken = |error: std::io::Error| Error::Lost(error.to_string());
        listener.set_nonblocking(true).map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let guard = Arc::new(Guard::open(&studio.folder.join("token"), address)?);
        Ok(Self { listener, address, app: App { studio, guard }, stop: Stop::default() })
    }

    /// The address that its user opens; the token in it lets them in.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/?{}", self.address, self.app.guard.query())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What closes it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Answers and works until it is closed.
    ///
    /// # Errors
    /// When its threads cannot be had.
    pub fn run(self) -> Result<()> {
        let lost = |error: std::io::Error| Error::Lost(error.to_string());
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().map_err(lost)?;
        let studio = Arc::clone(&self.app.studio);
        let working = std::thread::Builder::new().name("work".into());
        let worker = working.spawn(move || worker::run(&studio)).map_err(lost)?;
        let served = self.serve(&runtime);
        self.app.studio.queue.close();
        finish(worker, runtime);
        self.app.studio.publishing.unshare();
        served
    }

    fn serve(&self, runtime: &Runtime) -> Result<()> {
        let lost = |error: std::io::Error| Error::Lost(error.to_string());
        let listener = self.listener.try_clone().map_err(lost)?;
        let router = router(self.app.clone());
        let stop = Arc::clone(&self.stop.0);
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(lost)?;
            // Open event streams would never end by themselves, so this is not waited for.
            let serving = tokio::spawn(async move { axum::serve(listener, router).await });
            stop.notified().await;
            serving.abort();
            Ok(())
        })
    }
}

/// Listens on this machine's own loopback.
fn listen(port: Option<u16>) -> Result<TcpListener> {
    let at = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let bound = match port {
        Some(port) => at(port),
        None => at(PORT).or_else(|_| at(0)),
    };
    let port = port.unwrap_or(0);
    bound.map_err(|error| {
        let hint = "take another port, or 0 for any that is free";
        Error::request(format!("cannot listen at 127.0.0.1:{port}: {error}"), hint)
    })
}

/// Waits for the work under way to be written down.
fn finish(worker: JoinHandle<()>, runtime: Runtime) {
    // A worker that panicked has told so as the failure of its job.
    let _ = worker.join();
    runtime.shutdown_timeout(PATIENCE);
}

fn router(app: App) -> Router {
    api::routes().fallback(asset).layer(from_fn_with_state(app.clone(), guarded)).with_state(app)
}

/// A file of the page.
async fn asset(request: Request) -> Result<Response<Body>> {
    let path = request.uri().path();
    let asset = page::asset(path).ok_or_else(|| Error::unknown("page", path.escape_debug()))?;
    Ok(([(CONTENT_TYPE, asset.kind)], asset.text).into_response())
}

/// Lets requests in that may ask, and says to browsers what the answer may do.
async fn guarded(State(app): State<App>, request: Request, next: Next) -> Response<Body> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut answer = match app.guard.check(&method, &uri, request.headers()) {
        Ok(entrance) => {
            let mut answer = next.run(request).await;
            if entrance == Entrance::WithToken {
                set(answer.headers_mut(), SET_COOKIE, &app.guard.set_cookie());
            }
            answer
        }
        Err(error) if uri.path() == "/" => turned_away(&error),
        Err(error) => error.into_response(),
    };
    let headers = answer.headers_mut();
    set(headers, CACHE_CONTROL, "no-store");
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        set(headers, HeaderName::from_static(name), value);
    }
    answer
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What a person sees who came without the token.
fn turned_away(error: &Error) -> Response<Body> {
    let text = format!("Cones studio: {error}.\n\nWhat to do: {}.\n", error.hint().unwrap_or("start it again"));
    (StatusCode::FORBIDDEN, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
