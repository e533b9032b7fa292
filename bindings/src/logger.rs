//! What the library says while it works: to the system's log, and to the host's own.

use std::cell::Cell;
use std::sync::Arc;

use crate::CallbackError;

/// How much is told. Prompts, paths and pictures are never in a record above `Debug`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What is odd.
    Warn,
    /// What was chosen, as which provider.
    Info,
    /// What was done.
    Debug,
    /// Everything.
    Trace,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// Which part speaks, as `cones_core::runtime::provider`.
    pub target: String,
    /// What it says.
    pub text: String,
}

/// The host's own log. Called on whatever thread speaks.
#[uniffi::export(rust, foreign)]
pub trait LogSink: Send + Sync {
    /// Takes one line. What it throws is dropped: a log must not break what it watches.
    fn log(&self, record: LogRecord) -> Result<(), CallbackError>;
}

impl From<LogLevel> for log::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::Off,
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}

impl From<log::Level> for LogLevel {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Error => Self::Error,
            log::Level::Warn => Self::Warn,
            log::Level::Info => Self::Info,
            log::Level::Debug => Self::Debug,
            log::Level::Trace => Self::Trace,
        }
    }
}

/// Both logs at once.
pub(crate) struct Logger {
    system: Option<Box<dyn log::Log>>,
    sink: Option<Arc<dyn LogSink>>,
}

thread_local! {
    /// Set while this thread is in the host's sink: what the sink itself makes us say would never end.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
}

impl Logger {
    pub(crate) fn new(sink: Option<Arc<dyn LogSink>>) -> Self {
        Self { system: system(), sink }
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        // Others (the HTTP client, TLS) are heard when something is wrong only: they know URLs.
        let ours = metadata.target() == "cones" || metadata.target().starts_with("cones_core");
        (ours || metadata.level() <= log::Level::Warn) && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if let Some(system) = &self.system {
            system.log(record);
        }
        let Some(sink) = &self.sink else { return };
        if IN_SINK.replace(true) {
            return;
        }
        let line =
            LogRecord { level: record.level().into(), target: record.target().into(), text: record.args().to_string() };
        // Nothing can be done about a log that fails, and nowhere can it be said.
        let _ = sink.log(line);
        IN_SINK.set(false);
    }

    fn flush(&self) {}
}

#[cfg(target_os = "android")]
fn system() -> Option<Box<dyn log::Log>> {
    let config = android_logger::Config::default().with_tag("cones").with_max_level(log::LevelFilter::Trace);
    Some(Box::new(android_logger::AndroidLogger::new(config)))
}

#[cfg(target_vendor = "apple")]
fn system() -> Option<Box<dyn log::Log>> {
    Some(Box::new(Apple))
}

/// Elsewhere a library writes to no log of its own accord.
#[cfg(not(any(target_os = "android", target_vendor = "apple")))]
fn system() -> Option<Box<dyn log::Log>> {
    None
}

/// Apple's unified log, one category for each part that speaks.
#[cfg(target_vendor = "apple")]
struct Apple;

#[cfg(target_vendor = "apple")]
impl log::Log for Apple {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let level = match record.level() {
            log::Level::Error => oslog::Level::Error,
            log::Level::Warn => oslog::Level::Default,
            log::Level::Info => oslog::Level::Info,
            log::Level::Debug | log::Level::Trace => oslog::Level::Debug,
        };
        oslog::OsLog::new("dev.cones", record.target()).with_level(level, &record.args().to_string());
    }

    fn flush(&self) {}
}
