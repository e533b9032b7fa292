//! A studio in a folder of its own, opened and closed as a test wants it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use cones_studio::{Stop, StudioOptions, StudioServer};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Answer, ask, hear};

/// A folder for a studio.
pub(crate) struct Desk {
    folder: TempDir,
}

/// A studio that is open.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    stop: Stop,
    running: Option<JoinHandle<()>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("studio")
    }

    pub(crate) fn open(&self) -> Open {
        let mut options = StudioOptions::new(cones_tests::base::folder(), self.path());
        options.port = Some(0);
        options.engine = cones_tests::base::options();
        options.gradient.threads = Some(1);
        let server = StudioServer::open(&options).expect("a studio");
        let (address, url, stop) = (server.address(), server.url(), server.stop());
        let running = std::thread::spawn(move || server.run().expect("it runs"));
        Open { address, url, stop, running: Some(running) }
    }
}

impl Open {
    /// The token alone.
    pub(crate) fn token(&self) -> String {
        self.url.split("token=").nth(1).expect("a token").to_owned()
    }

    fn headers(&self) -> [(String, String); 2] {
        [("Host".into(), self.address.to_string()), ("Authorization".into(), format!("Bearer {}", self.token()))]
    }

    /// Asks as one who may.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = self.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        ask(self.address, method, &format!("/api/{path}"), &headers, body)
    }

    /// What it gives, where all is well.
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, &[]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Sends JSON.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// What is said of a request that is refused, with what to do.
    pub(crate) fn refused(&self, status: u16, method: &str, path: &str, body: &[u8]) -> String {
        let answer = self.ask(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        let told = answer.json();
        assert!(told["error"].is_string(), "{told}");
        format!("{} {}", told["error"].as_str().unwrap_or_default(), told["hint"].as_str().unwrap_or_default())
    }

    /// Hears events until one is wanted.
    pub(crate) fn hear(&self, wanted: impl FnMut(&Value) -> bool) -> Vec<Value> {
        let headers = self.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        hear(self.address, &headers, wanted)
    }

    /// Waits until a job is over.
    pub(crate) fn wait(&self, job: &str) -> Value {
        for _ in 0..2400 {
            let now = self.get(&format!("jobs/{job}"));
            if !matches!(now["state"].as_str(), Some("queued" | "running")) {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("job {job} does not end");
    }

    /// Adds work and gives the job's name.
    pub(crate) fn push(&self, work: Value) -> String {
        self.send("POST", "jobs", &work)["id"].as_str().expect("a job").to_owned()
    }

    /// Closes it, as Ctrl-C does.
    pub(crate) fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.stop();
        if let Some(running) = self.running.take() {
            running.join().expect("it ends");
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.running.is_some() && !std::thread::panicking() {
            self.end();
        }
    }
}

/// A file of the models folder.
pub(crate) fn models(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(name)
}
