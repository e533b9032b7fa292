//! Setting a process up: one test, for it can be done once. A few seconds.

use std::sync::{Arc, Mutex, PoisonError};

use cones::{
    CallbackError, ConesError, Engine, EngineOptions, InitConfig, LogLevel, LogRecord, LogSink, Request, device_report,
    initialize,
};

/// Keeps every line, makes the library speak again, and fails each time.
#[derive(Default)]
struct Failing(Mutex<Vec<LogRecord>>);

impl LogSink for Failing {
    fn log(&self, record: LogRecord) -> Result<(), CallbackError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        // `auto` logs what it took: without a guard this would never end.
        device_report();
        Err(CallbackError::Failed { reason: "a full disk".into() })
    }
}

#[test]
fn a_process_is_set_up_once() {
    let sink = Arc::new(Failing::default());
    let lines = || sink.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let config = |runtime_library: Option<&str>| InitConfig {
        log_level: Some(LogLevel::Trace),
        runtime_library: runtime_library.map(str::to_owned),
    };

    // A library that is none: the app can name another one afterwards.
    let wrong = initialize(config(Some("/nowhere/libonnxruntime.so")), Some(sink.clone()));
    assert!(matches!(wrong, Err(ConesError::RuntimeMissing { .. })), "{wrong:?}");
    assert!(lines().is_empty());
    let library = std::env::var("ORT_DYLIB_PATH").expect("`cargo xtask test` sets it");
    initialize(config(Some(&library)), Some(sink.clone())).expect("set up");
    let again = initialize(config(None), None);
    assert!(matches!(again, Err(ConesError::AlreadyInitialized { .. })), "{again:?}");

    // A sink that fails breaks nothing, and is asked again.
    device_report();
    let said = lines();
    assert!(
        said.iter().any(|line| line.level == LogLevel::Info && line.target == "cones_core::runtime::provider"),
        "{said:?}"
    );
    let bundle = cones_tests::base::folder();
    let bundle = bundle.to_str().expect("a path in Unicode");
    let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
    let engine = Engine::open(bundle.into(), None, options).expect("an engine");
    let request = Request {
        prompt: "zanzibar on grass".into(),
        negative_prompt: "quagmire".into(),
        subjects: Vec::new(),
        steps: Some(1),
        guidance: None,
        scheduler: None,
        seed: 0,
        count: 1,
        width: None,
        height: None,
        init: None,
        preview_every: 1,
        prompt_weights: false,
        variation: None,
        hires: None,
        clip_skip: 0,
        guidance_rescale: None,
        eta: None,
        style: None,
        micro_conditions: None,
        prompt_embeds: None,
        image: None,
        boxes: Vec::new(),
    };
    engine.generate(request.clone(), None, None).expect("a picture");
    let _ = engine.generate(Request { steps: Some(0), ..request }, None, None);
    let said = lines();
    assert!(said.len() > 3, "{said:?}");
    for line in said.iter().filter(|line| !matches!(line.level, LogLevel::Debug | LogLevel::Trace)) {
        for secret in ["zanzibar", "quagmire", bundle] {
            assert!(!line.text.contains(secret), "{line:?}");
        }
    }
}
