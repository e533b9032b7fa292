//! `cones find-many`.

mod children;
mod stopping;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use cones_fleet::manifest::{self, Manifest};
use cones_fleet::{Ended, FindSettings, FindWork, Places, Report, Run, Stop, Worker, WorkerOptions};

use super::engine_args::EngineArgs;
use crate::clock;
use crate::failure::Failure;
use crate::typed::without_folders;

/// Arguments of `cones find-many`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones find-many subjects.csv --out packs
  cones find-many subjects.csv --out packs --gpus 0,1,2,3 --provider cuda
  cones find-many s3://bucket/subjects.jsonl --out s3://bucket/packs --lease 120
  cones find-many subjects.csv --out packs --retry-failed
A manifest is CSV with a header, or a JSON object on each line: name, class and pictures (a folder, or files; in CSV parted by `|`), \
and if wanted trigger, scope, steps, batch, share, precision, factor_steps, learn_trigger, hold_back, drawn, held_out, flip, alone, \
only (keys, values or both), timesteps (even or middle), seed, author, licence, rare_class, as in `cones find`:
  name,class,pictures,steps
  rex,dog,s3://bucket/photos/rex,300
Paths are seen from the manifest's folder. Places are folders, or s3://, gs://, az:// and file:// URLs; credentials and endpoints come \
from the environment (AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT; GOOGLE_APPLICATION_CREDENTIALS; AZURE_STORAGE_ACCOUNT_NAME). \
Any number of workers may run the same command, on any machines. Each subject is claimed by a conditional write, its checkpoint goes \
to the store, and its pack is there once; whoever dies, another goes on. A bad line becomes a failed result and stops nothing. \
Below --out are packs/, results/, report.json. The same command again does what is left, and nothing twice.
Exit status: 0 every line has its pack, 1 some came to nothing, 130 stopped (what was begun is put away and given back).")]
pub struct FindManyArgs {
    /// The list of subjects: a file, or a URL.
    manifest: String,
    /// Where everything goes: a folder, or a URL.
    #[arg(short, long, value_name = "DIR|URL")]
    out: String,
    /// Workers on this machine, each a process of its own; by default one, or one for each GPU named.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// GPUs that the workers take turns with, as 0,1; each sees its own alone (CUDA_VISIBLE_DEVICES).
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    gpus: Vec<String>,
    /// Begin with the Ith of N shares of the lines (from 0), then do what others leave.
    #[arg(long, value_name = "I/N", value_parser = share)]
    shard: Option<(usize, usize)>,
    /// How long a subject stays with a worker that is not heard of. What the first worker of a run says holds for all.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(3..=86_400))]
    lease: u64,
    /// How often a subject is begun whose workers die, before it is called failed. What the first worker says holds for all.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    attempts: u32,
    /// Seconds between two checkpoints of a subject in the store: what is lost with a worker.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    checkpoint_every: u64,
    /// Try lines again that failed before.
    #[arg(long)]
    retry_failed: bool,
    /// A folder to work in; by default the system's for temporary files. It is left as it was.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Tell nothing of single subjects.
    #[arg(short, long)]
    quiet: bool,
    /// This is the Ith of N children, which stops when its standard input ends.
    #[arg(long, hide = true, value_parser = share)]
    child: Option<(usize, usize)>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Which share of how many.
fn share(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((index, count)) if index < count => Ok((index, count)),
        _ => Err("must be I/N with I from 0 and below N, as 0/4".into()),
    }
}

/// Finds the neurons of all subjects.
pub fn run(args: &FindManyArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = Stop::default();
    let report = runtime.block_on(async {
        stopping::on_signals(&stop)?;
        if args.child.is_some() {
            stopping::with_standard_input(&stop);
        }
        let worker = args.worker(&stop).await?;
        if args.child.is_none() && args.processes() > 1 {
            children::run(args.processes(), &args.gpus, &stop).await?;
        }
        // After its children a parent does what they left, if any died, and makes the report.
        worker.run().await.map_err(Failure::from)
    });
    // A thread that waits for standard input keeps nothing alive.
    runtime.shutdown_background();
    match report? {
        // That it was stopped, and what came to nothing, the parent tells, once.
        _ if args.child.is_some() => Ok(()),
        Ended::Stopped => Err(cones_core::Error::Cancelled.into()),
        Ended::All(report) => {
            args.print(&report)?;
            failed(&report)
        }
    }
}

/// Whether there is more to tell than the report does.
fn failed(report: &Report) -> Result<(), Failure> {
    match report.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} lines came to nothing; the report says why", report.lines).into()),
    }
}

impl FindManyArgs {
    fn processes(&self) -> usize {
        self.workers.map_or(self.gpus.len().max(1), usize::from)
    }

    /// What this process does.
    async fn worker(&self, stop: &Stop) -> Result<Worker<FindWork>, Failure> {
        let bundle = self.engine.bundle()?;
        let (folder, name) = Places::split(&self.manifest)?;
        // Pictures are seen from the manifest's folder; the manifest and what is made, from here.
        let place = Places::default().open(&folder)?;
        let bytes = place.read(&name, manifest::MOST_BYTES).await?;
        let bytes = bytes.ok_or_else(|| Failure::Other(format!("there is no manifest `{}`", self.manifest)))?;
        let manifest = Manifest::parse(&self.manifest, &bytes)?;
        let out = Places::default().make(&self.out)?;
        let run = Run::new(&bundle, clock::now()?, Duration::from_secs(self.lease), self.attempts)?.join(&out).await?;
        let settings = FindSettings {
            engine: self.engine_options(),
            gradient: self.gradient_options(&bundle)?,
            command: without_folders(std::env::args()),
        };
        let scratch = self.scratch()?;
        let mut options = WorkerOptions::new(WorkerOptions::unique_name(&host()), scratch.path());
        options.share = self.share();
        options.checkpoint_every = Duration::from_secs(self.checkpoint_every);
        // With children, they have tried; a second time would be once too often.
        options.retry_failed = self.retry_failed && (self.child.is_some() || self.processes() == 1);
        let quiet = self.quiet;
        let work = FindWork::new(bundle, settings);
        let worker = Worker::new(out, Arc::new(Places::new(folder)), run, Arc::new(manifest), work, options);
        Ok(worker.stopped_by(stop.clone()).keeping(scratch).telling(Arc::new(move |event| {
            if !quiet {
                // Whoever reads the messages may have gone.
                let _ = writeln!(std::io::stderr(), "{event}");
            }
        })))
    }

    /// The lines to begin with: this process's share of this machine's share.
    fn share(&self) -> (usize, usize) {
        let ((index, count), (child, children)) = (self.shard.unwrap_or((0, 1)), self.child.unwrap_or((0, 1)));
        (index * children + child, count * children)
    }

    /// Children on one machine's cores share them.
    fn threads(&self) -> Option<usize> {
        let (_, children) = self.child.unwrap_or((0, 1));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.engine.threads.or_else(|| (children > 1).then(|| (cores / children).max(1)))
    }

    fn engine_options(&self) -> cones_core::EngineOptions {
        let mut options = self.engine.options();
        options.threads = self.threads();
        options
    }

    fn gradient_options(&self, bundle: &cones_core::Bundle) -> Result<cones_gradient::GradientOptions, Failure> {
        let mut options = self.engine.gradient(bundle)?;
        options.threads = self.threads();
        Ok(options)
    }

    fn scratch(&self) -> Result<tempfile::TempDir, Failure> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("cones-find-many-");
        Ok(match &self.scratch {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(cones_core::Error::io("create", folder))?;
                builder.tempdir_in(folder)?
            }
            None => builder.tempdir()?,
        })
    }

    fn print(&self, report: &Report) -> Result<(), Failure> {
        let mut out = std::io::stdout();
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(report)?)?;
        } else {
            write!(out, "{}", report.text())?;
        }
        Ok(())
    }
}

/// What this machine is called, for people who read results.
fn host() -> String {
    let named = ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let named = named.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    named.map_or_else(|| "worker".into(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_below_their_count() {
        assert_eq!(share("0/4"), Ok((0, 4)));
        for text in ["4/4", "1", "a/b", "-1/4", "0/0", ""] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
