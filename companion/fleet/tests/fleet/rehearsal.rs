//! A store and a work that take time of tokio's clock only, so that days pass in seconds: what is rehearsed is the claiming
//! itself. The store counts what it is asked for, and tells when things were written by that clock, in whole seconds, as S3 does.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cones_core::{CancelToken, Sha256};
use cones_fleet::place::{Place, Places};
use cones_fleet::run::Run;
use cones_fleet::work::{Job, Made, Trouble, Work};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::time::{Instant, sleep};

/// Objects in one answer to a listing.
const PAGE: usize = 1000;

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) creates: u64,
    pub(crate) writes: u64,
    pub(crate) reads: u64,
    pub(crate) heads: u64,
    pub(crate) pages: u64,
    pub(crate) removals: u64,
    /// Of all of these, those below `leases`.
    pub(crate) of_leases: u64,
}

/// A store in memory with a clock.
#[derive(Debug, Clone)]
pub(crate) struct Rehearsed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: InMemory,
    started: Instant,
    latency: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    counts: Counts,
    /// When each object was last written, since the start.
    written: HashMap<Path, Duration>,
    /// What the store itself said of its first object: only its day is of use.
    first: Option<ObjectMeta>,
}

impl Rehearsed {
    pub(crate) fn new(latency: Duration) -> Self {
        let (store, known) = (InMemory::new(), Mutex::default());
        Self(Arc::new(Inner { store, started: Instant::now(), latency, known }))
    }

    pub(crate) fn counts(&self) -> Counts {
        self.known().counts
    }

    /// The folder of a run, and where the pictures of all subjects are: `s3://rehearsal/pictures`.
    pub(crate) async fn places(&self) -> (Place, Arc<Places>) {
        let places = Places::default();
        places.keep("s3://rehearsal", Arc::new(self.clone()));
        let pictures = places.open("s3://rehearsal/pictures").expect("a place");
        pictures.write("0.png", vec![0; 100]).await.expect("written");
        (places.open("s3://rehearsal/run").expect("a place"), Arc::new(places))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn asked(&self, location: &Path, count: impl FnOnce(&mut Counts)) {
        sleep(self.0.latency).await;
        let counts = &mut self.known().counts;
        count(counts);
        counts.of_leases += u64::from(location.as_ref().contains("/leases"));
    }

    /// The object as of the clock.
    fn dated(&self, mut meta: ObjectMeta) -> ObjectMeta {
        let mut known = self.known();
        let at = known.written.get(&meta.location).copied().unwrap_or_default();
        let first = known.first.get_or_insert_with(|| meta.clone());
        meta.last_modified = first.last_modified + Duration::from_secs(at.as_secs());
        meta
    }
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rehearsal")
    }
}

#[async_trait]
impl ObjectStore for Rehearsed {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let create = options.mode == PutMode::Create;
        self.asked(location, |counts| if create { counts.creates += 1 } else { counts.writes += 1 }).await;
        let put = self.0.store.put_opts(location, payload, options).await?;
        self.known().written.insert(location.clone(), self.0.started.elapsed());
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        self.asked(location, |counts| if head { counts.heads += 1 } else { counts.reads += 1 }).await;
        let mut got = self.0.store.get_opts(location, options).await?;
        got.meta = self.dated(got.meta);
        Ok(got)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let removed = locations.then(move |location| {
            let this = this.clone();
            async move {
                let location = location?;
                this.asked(&location, |counts| counts.removals += 1).await;
                this.known().written.remove(&location);
                let one = stream::once(std::future::ready(Ok(location.clone()))).boxed();
                this.0.store.delete_stream(one).collect::<Vec<_>>().await.into_iter().collect::<Result<Vec<_>>>()?;
                Ok(location)
            }
        });
        removed.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned().unwrap_or_default());
        let all = async move {
            let found: Vec<_> = this.0.store.list(Some(&prefix)).collect().await;
            for _ in 0..found.len().div_ceil(PAGE).max(1) {
                this.asked(&prefix, |counts| counts.pages += 1).await;
            }
            let dated: Vec<_> = found.into_iter().map(|meta| meta.map(|meta| this.dated(meta))).collect();
            stream::iter(dated)
        };
        stream::once(all).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.asked(prefix.unwrap_or(&Path::default()), |counts| counts.pages += 1).await;
        self.0.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.store.copy_opts(from, to, options).await
    }
}

/// Work that takes a time decided by the subject's name, looks at its token each tick, and writes a checkpoint then.
#[derive(Debug, Clone)]
pub(crate) struct RehearsedWork {
    /// How long a subject takes; each one up to a fifth more or less.
    pub(crate) takes: Duration,
    pub(crate) tick: Duration,
    /// Ticks that were worked on, by anybody: those that are lost with a worker are worked on twice.
    pub(crate) ticks: Arc<Mutex<u64>>,
}

impl RehearsedWork {
    pub(crate) fn new(takes: Duration, tick: Duration) -> Self {
        Self { takes, tick, ticks: Arc::default() }
    }

    /// Ticks that a subject takes.
    pub(crate) fn ticks_of(&self, name: &str) -> u64 {
        let part = f64::from(Sha256::digest(name).as_bytes()[0]) / 255.0;
        (self.takes.mul_f64(0.8 + 0.4 * part).as_secs_f64() / self.tick.as_secs_f64()).round() as u64
    }
}

impl Work for RehearsedWork {
    fn shared(&self, job: &Job) -> std::result::Result<Option<PathBuf>, Trouble> {
        Ok(Some(job.shared.join(format!("{}.examples", job.subject.class))))
    }

    async fn make_shared(&self, job: &Job, _: &CancelToken) -> std::result::Result<(), Trouble> {
        sleep(self.tick).await;
        std::fs::write(job.shared.join(format!("{}.examples", job.subject.class)), "shared").expect("written");
        Ok(())
    }

    async fn make(&self, job: &Job, stop: &CancelToken) -> std::result::Result<Made, Trouble> {
        if job.subject.class == "nothing" {
            return Err(Trouble::Failed("the model knows no such class".into()));
        }
        let name = &job.subject.name;
        let mut ticks = std::fs::metadata(job.checkpoint()).map_or(0, |kept| kept.len());
        while ticks < self.ticks_of(name) {
            if stop.is_cancelled() {
                return Err(Trouble::Stopped);
            }
            sleep(self.tick).await;
            ticks += 1;
            *self.ticks.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            // As long as it has ticks: no time passes by the system's clock, so the time of writing would not change.
            std::fs::write(job.checkpoint(), ".".repeat(ticks as usize)).expect("written");
        }
        Ok(Made { pack: format!("pack of {name}").into_bytes(), record: b"{}".to_vec(), neurons: 1 })
    }
}

/// A run of no base model.
pub(crate) fn run(lease: Duration, attempts: u32) -> Run {
    let none = Sha256::from_bytes([0; 32]);
    let model = "rehearsal".to_owned();
    Run { version: 1, created: 0, model, fingerprint: none, bundle: none, lease_seconds: lease.as_secs(), attempts }
}

/// A manifest of `count` subjects of one class.
pub(crate) fn manifest(count: usize) -> String {
    let line = |i: usize| format!("s{i:05},dog,s3://rehearsal/pictures\n");
    format!("name,class,pictures\n{}", (0..count).map(line).collect::<String>())
}
