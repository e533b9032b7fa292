//! The real work, with as few steps as there can be.

use std::sync::Arc;
use std::time::Duration;

use cones_core::CancelToken;
use cones_find::batch::Mixture;
use cones_find::{FindOptions, find};
use cones_fleet::manifest::Manifest;
use cones_fleet::{Ended, FindSettings, FindWork, Places, Run, Worker, WorkerOptions};
use cones_gradient::GradientOptions;
use cones_tests::base;

#[tokio::test]
async fn a_fleets_pack_is_what_find_finds_and_strange_words_are_refused() {
    let desk = tempfile::tempdir().expect("a folder");
    let path = |name: &str| desk.path().join(name);
    let subjects = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/subjects");
    let lines = r#"{"name":"rex","class":"dog","pictures":"fluent-dog","steps":2,"batch":2,"held_out":1,"drawn":1}
        {"name":"odd","class":"qzxwvkjq","pictures":"fluent-dog"}"#;
    let settings = FindSettings {
        engine: base::options(),
        gradient: GradientOptions { threads: Some(1), ..GradientOptions::default() },
        command: vec!["cones".into(), "find-many".into()],
    };
    std::fs::create_dir(path("out")).expect("a folder");
    let places = Arc::new(Places::new(subjects.to_str().expect("a path")));
    let place = places.open(path("out").to_str().expect("a path")).expect("a place");
    let run = Run::new(&base::bundle(), 1_700_000_000, Duration::from_secs(60), 3).expect("a run");
    let run = run.join(&place).await.expect("a run");
    let manifest = Arc::new(Manifest::parse("m", lines.as_bytes()).expect("a manifest"));
    let work = FindWork::new(base::bundle(), settings.clone());
    let worker = Worker::new(place.clone(), places, run, manifest, work, WorkerOptions::new("w", path("scratch")));
    let Ended::All(report) = worker.run().await.expect("it ends") else { panic!("nobody stopped it") };
    let [rex, odd] = &report.results[..] else { panic!("{report:?}") };
    assert!(odd.reason.as_ref().is_some_and(|reason| reason.contains("`qzxwvkjq`")), "{odd:?}");

    let pack = place.read(rex.pack.as_ref().expect("a pack"), 1 << 20).await.expect("read").expect("there");
    assert_eq!(rex.sha256, Some(cones_core::Sha256::digest(&pack).to_string()));
    let pack = cones_core::Pack::decode("rex", &pack, base::bundle().manifest()).expect("a pack of the base model");
    assert_eq!((pack.metadata.name.as_str(), pack.metadata.created), ("rex", 1_700_000_000));
    // The same by itself, where nothing is shared.
    let mut options = FindOptions::new(subjects.join("fluent-dog"), "dog", desk.path());
    (options.search.schedule.steps, options.search.held_out, options.drawn) = (2, 1, 1);
    options.search.schedule.mixture = Mixture::new(2, options.scope, 1.0);
    (options.engine, options.gradient) = (settings.engine, settings.gradient);
    let alone = find(&base::bundle(), &options, &mut (), &CancelToken::new()).expect("found");
    assert_eq!(pack.mask, alone.mask);
    assert_eq!(place.list("shared").await.expect("a listing").len(), 1);
}
