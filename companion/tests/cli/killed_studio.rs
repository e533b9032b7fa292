//! SIGKILL in the middle of the studio's work: what it said was done is there when it is opened again, and what was begun goes on.
//! A few kills here, hundreds by `cargo xtask endure kills`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cones_core::Picture;
use cones_tests::endure;
use serde_json::{Value, json};

use crate::open_studio::OpenStudio;
use crate::tool::{Desk, models};

/// The longest life of a studio: some things are said to it, and a picture or two are drawn.
const LONGEST_MICROS: u64 = 1_500_000;
/// After so many kills what was begun is waited for: only so much may wait, or be remembered.
const SETTLED: u64 = 10;
/// Longest wait for what was begun to be done.
const PATIENCE: Duration = Duration::from_secs(120);

impl OpenStudio {
    /// What it answers; nothing where it was killed before its answer was whole.
    fn ask(&self, method: &str, target: &str, body: &[u8]) -> Option<Vec<u8>> {
        let (host, token) = (&self.host, &self.token);
        let mut stream = TcpStream::connect(host).ok()?;
        let head =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close");
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n", body.len()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let body = answer.split_off(end + 4);
        if length.is_some_and(|length: usize| body.len() < length) {
            return None;
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {target}: {head} {}", String::from_utf8_lossy(&body));
        Some(body)
    }

    fn json(&self, method: &str, target: &str, body: &Value) -> Option<Value> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        serde_json::from_slice(&self.ask(method, target, &body)?).ok()
    }

    /// All things of a kind.
    fn all(&self, what: &str) -> Vec<Value> {
        let all = self.json("GET", &format!("/api/{what}"), &Value::Null).expect("an open studio");
        all.as_array().expect("a list").clone()
    }

    /// Waits until nothing is under way, and gives the jobs, each of which is done.
    fn settle(&self) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let jobs = self.all("jobs");
            let failed = jobs.iter().find(|job| !matches!(job["state"].as_str(), Some("done" | "queued" | "running")));
            assert!(failed.is_none(), "{failed:?}");
            if jobs.iter().all(|job| job["state"] == "done") {
                return jobs;
            }
            assert!(start.elapsed() < PATIENCE, "{jobs:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap_or_else(|| panic!("no id: {of}")).to_owned()
}

/// What a studio said was done, by identifiers.
#[derive(Debug, Default)]
struct Said {
    subjects: Vec<String>,
    /// Subject and number of photos.
    photos: Vec<(String, usize)>,
    jobs: Vec<String>,
    kept: Vec<String>,
}

impl Said {
    /// Asks for one thing after the other until the studio is gone.
    fn talk(&mut self, studio: &OpenStudio, round: u64, photo: &[u8]) -> Option<()> {
        let subject = json!({ "name": format!("rex-{round}"), "class": "dog", "trigger": "" });
        let subject = id(&studio.json("POST", "/api/subjects", &subject)?);
        self.subjects.push(subject.clone());
        for count in 1.. {
            let target = format!("/api/subjects/{subject}/photos?name={count}.png");
            let view: Value = serde_json::from_slice(&studio.ask("POST", &target, photo)?).ok()?;
            assert_eq!(view["photos"].as_array().map(Vec::len), Some(count), "{view}");
            self.photos.push((subject.clone(), count));
            let draw = json!({ "kind": "draw", "prompt": "a dog", "steps": 1, "seed": round });
            self.jobs.push(id(&studio.json("POST", "/api/jobs", &draw)?));
            let done = studio.json("GET", "/api/jobs", &Value::Null)?;
            for job in done.as_array().expect("a list").iter().rev().filter(|job| job["state"] == "done").take(1) {
                let picture = json!({ "job": job["id"], "picture": job["pictures"][0]["name"] });
                self.kept.push(id(&studio.json("POST", "/api/gallery", &picture)?));
            }
            if count == 4 {
                break;
            }
        }
        // Nothing more to say: the end comes all the same.
        studio.ask("GET", "/api/events", &[]).map(drop)
    }

    /// Asserts that all of it is there.
    fn check(&self, studio: &OpenStudio, round: u64) {
        let subjects = studio.all("subjects");
        let subject = |wanted: &str| {
            let found = subjects.iter().find(|subject| subject["id"] == wanted);
            found.unwrap_or_else(|| panic!("round {round}: {wanted} is lost"))
        };
        self.subjects.iter().for_each(|wanted| drop(id(subject(wanted))));
        for (wanted, count) in &self.photos {
            let photos = subject(wanted)["photos"].as_array().expect("photos");
            assert!(photos.len() >= *count, "round {round}: {wanted} has {} photos of {count}", photos.len());
            for photo in photos {
                let target = format!("/api/subjects/{wanted}/photos/{}/part.png", photo["id"].as_str().expect("an id"));
                whole(&studio.ask("GET", &target, &[]).expect("an open studio"), &target);
            }
        }
        let jobs = studio.all("jobs");
        for wanted in &self.jobs {
            assert!(jobs.iter().any(|job| job["id"] == **wanted), "round {round}: {wanted} is lost");
        }
        for wanted in &self.kept {
            let target = format!("/api/gallery/{wanted}.png");
            whole(&studio.ask("GET", &target, &[]).expect("an open studio"), &target);
        }
    }
}

/// Asserts that these bytes are a picture.
fn whole(bytes: &[u8], whose: &str) {
    let file = tempfile::NamedTempFile::with_suffix(".png").expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    Picture::open(file.path()).unwrap_or_else(|error| panic!("{whose}: {error}"));
}

#[test]
fn what_the_studio_said_was_done_is_there_after_each_kill() {
    let desk = Desk::new();
    let folder = desk.path("studio");
    let photo = std::fs::read(models("subjects/fluent-dog/0.png")).expect("a photo");
    let (times, mut said, mut all) = (endure::times(6), Said::default(), Said::default());
    for round in 0..times {
        let studio = OpenStudio::new(&desk, &folder);
        said.check(&studio, round);
        all.kept.append(&mut said.kept);
        all.subjects.append(&mut said.subjects);
        all.jobs.append(&mut said.jobs);
        said = Said::default();
        let life = Duration::from_micros(endure::scattered(round, LONGEST_MICROS));
        std::thread::scope(|scope| {
            scope.spawn(|| said.talk(&studio, round, &photo));
            std::thread::sleep(life);
            assert!(
                std::process::Command::new("kill").args(["-KILL", &studio.child.id().to_string()]).status().is_ok()
            );
        });
        if round % SETTLED == SETTLED - 1 {
            let studio = OpenStudio::new(&desk, &folder);
            said.check(&studio, round);
            studio.settle();
            for subject in studio.all("subjects") {
                studio.ask("DELETE", &format!("/api/subjects/{}", id(&subject)), &[]).expect("an open studio");
            }
            said.subjects.clear();
            said.photos.clear();
        }
    }
    let studio = OpenStudio::new(&desk, &folder);
    said.check(&studio, times);
    let jobs = studio.settle();
    assert!(!all.subjects.is_empty() && !jobs.is_empty(), "no studio lived long enough to say anything");
    endure::say(
        "the studio",
        format_args!(
            "{times} kills; {} subjects, {} jobs and {} kept pictures that it had said were there; 0 lost, 0 broken",
            all.subjects.len(),
            all.jobs.len(),
            all.kept.len()
        ),
    );
}
