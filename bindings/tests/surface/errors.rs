//! Every kind of the core's errors, by its kind here.

use cones::{ConesError, Engine, bundle_info, device_report, verify_bundle};
use cones_core::Error;

use crate::base::{bundle, folder, options, plain, text};

/// The kind by name, with reason, details and hint. A kind that is added must be added here.
fn told(error: ConesError) -> (&'static str, [String; 3]) {
    use ConesError as E;
    match error {
        E::BadBundle { reason, details, hint } => ("bad bundle", [reason, details, hint]),
        E::BadPack { reason, details, hint } => ("bad pack", [reason, details, hint]),
        E::BadStore { reason, details, hint } => ("bad store", [reason, details, hint]),
        E::Untrusted { reason, details, hint } => ("untrusted", [reason, details, hint]),
        E::Network { reason, details, hint } => ("network", [reason, details, hint]),
        E::OutOfSpace { reason, details, hint, needed, available } => {
            assert_eq!((needed, available), (100, 7));
            ("out of space", [reason, details, hint])
        }
        E::OutOfMemory { reason, details, hint, needed, available } => {
            assert_eq!((needed, available), (100, 7));
            ("out of memory", [reason, details, hint])
        }
        E::NotFound { reason, details, hint } => ("not found", [reason, details, hint]),
        E::WrongModel { reason, details, hint } => ("wrong model", [reason, details, hint]),
        E::BadRequest { reason, details, hint } => ("bad request", [reason, details, hint]),
        E::ProviderUnavailable { reason, details, hint } => ("provider", [reason, details, hint]),
        E::RuntimeMissing { reason, details, hint } => ("runtime missing", [reason, details, hint]),
        E::RuntimeFailed { reason, details, hint } => ("runtime", [reason, details, hint]),
        E::Io { reason, details, hint } => ("io", [reason, details, hint]),
        E::BadPicture { reason, details, hint } => ("picture", [reason, details, hint]),
        E::Cancelled { reason, details, hint } => ("cancelled", [reason, details, hint]),
        E::ListenerFailed { reason, details, hint } => ("listener", [reason, details, hint]),
        E::Busy { reason, details, hint } => ("busy", [reason, details, hint]),
        E::AlreadyInitialized { reason, details, hint } => ("initialized", [reason, details, hint]),
        E::Other { reason, details, hint } => ("other", [reason, details, hint]),
    }
}

#[test]
fn errors_tell_their_kind() {
    let cases = [
        (Error::bad_bundle("/there", "why", "do this"), "bad bundle", "/there"),
        (Error::pack("rex", Some(12), "why"), "bad pack", "at byte 12"),
        (Error::network("https://x", "why"), "network", "https://x"),
        (Error::not_found("rex", "why", "do this"), "not found", "rex"),
        (Error::wrong_model("rex", "why"), "wrong model", "rex"),
        (Error::request("steps", "why"), "bad request", "steps"),
        (Error::onnx_runtime("loading", "why"), "runtime", "loading"),
        (Error::io("read", "/there".as_ref())(std::io::Error::other("why")), "io", "/there"),
        (Error::picture("/there", "why"), "picture", "/there"),
        (Error::Cancelled, "cancelled", ""),
    ];
    for (error, kind, place) in cases {
        let text = error.to_string();
        let (found, [reason, details, hint]) = told(error.into());
        assert_eq!(found, kind, "{text}");
        assert!(details.contains(place), "{details}");
        if kind != "cancelled" {
            assert!(reason.contains("why"), "{reason}");
            assert!(!hint.is_empty(), "{text}");
            assert!(!reason.contains("hint:") && !reason.contains('\n'), "{reason}");
        }
    }
}

#[test]
fn a_store_that_is_locked_for_too_long_is_busy() {
    let (kind, [reason, details, hint]) = told(Error::busy("/there/.lock", 60).into());
    assert_eq!((kind, details.as_str()), ("busy", "/there/.lock"));
    assert!(reason.contains("60 s") && hint.contains("other program"), "{reason}; {hint}");
}

#[test]
fn errors_of_real_calls_have_their_kind() {
    let folder = folder();
    let kind = |result: Result<(), ConesError>| told(result.expect_err("refused")).0;
    assert_eq!(kind(bundle_info(text(folder.path())).map(drop)), "bad bundle");
    assert_eq!(kind(verify_bundle(text(folder.path()))), "bad bundle");
    assert_eq!(kind(Engine::open("/nowhere".into(), None, options()).map(drop)), "bad bundle");
    let none = cones::EngineOptions { threads: Some(0), ..options() };
    assert_eq!(kind(Engine::open(bundle(), None, none).map(drop)), "bad request");
    let nnapi = cones::EngineOptions { provider: Some(cones::Provider::Nnapi), ..options() };
    assert_eq!(kind(Engine::open(bundle(), None, nnapi).map(drop)), "provider");
    let engine = crate::base::engine();
    let asked = |request| engine.generate(request, None, None).map(drop);
    assert_eq!(kind(asked(cones::Request { steps: Some(0), ..plain("a dog") })), "bad request");
    assert_eq!(kind(asked(cones::Request { count: 1001, ..plain("a dog") })), "bad request");
    assert_eq!(kind(asked(cones::Request { guidance: Some(f32::NAN), ..plain("a dog") })), "bad request");
    assert_eq!(kind(cones::Picture::open("/nowhere.png".into()).map(drop)), "io");
}

#[test]
fn open_reports_the_bundle() {
    let info = crate::base::engine().info();
    assert_eq!(info, bundle_info(bundle()).expect("a bundle"));
    let side = cones_tests::base::side();
    assert_eq!((info.name.as_str(), info.width, info.height, info.steps), ("toybox", side, side, 20));
    assert_eq!(info.fingerprint.len(), 64);
    assert!(info.bytes > 1_000_000 && info.most_steps >= info.steps && info.prompt_tokens > 0);
    verify_bundle(bundle()).expect("whole");
}

#[test]
fn the_device_report_says_what_there_is_and_why_not_the_rest() {
    let report = device_report();
    assert!(report.runtime.is_some_and(|runtime| runtime.contains("Build")));
    let names: Vec<_> = report.providers.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["auto", "cpu", "cuda", "coreml", "xnnpack", "nnapi"]);
    for provider in report.providers {
        assert_eq!(provider.available, provider.reason.is_empty(), "{provider:?}");
        assert_eq!(provider.available, provider.hint.is_empty(), "{provider:?}");
        assert!(provider.available || !matches!(provider.provider, cones::Provider::Auto | cones::Provider::Cpu));
    }
}

#[test]
fn sizes_are_for_models_that_are_told_of_them() {
    let info = cones::bundle_info(cones_tests::base::folder().display().to_string()).expect("a bundle");
    assert!(!info.takes_micro_conditions);
    let size = cones::ImageSize { width: 64, height: 48 };
    let told = cones::MicroConditions { original_size: Some(size), crop_top: 0, crop_left: 0, target_size: None };
    let request = cones::Request { micro_conditions: Some(told), ..crate::base::plain("a dog") };
    let refused = crate::base::engine().generate(request, None, None).expect_err("a model of one text encoder");
    assert!(matches!(refused, cones::ConesError::BadRequest { .. }), "{refused:?}");
}
