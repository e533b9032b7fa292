//! Budgets, load forms and branches: what is chosen, that it draws the same, and what is refused.

use cones_core::memory::{Arrangement, LoadForm};
use cones_core::model::bundle::UNET;
use cones_core::{
    Bundle, CancelToken, Engine, EngineOptions, Error, MemoryMode, MemoryPlan, Picture, Request, WordBox,
};
use cones_tests::base;
use cones_tests::psnr::psnr;

use super::request;

fn options(memory: MemoryMode, budget: Option<u64>) -> EngineOptions {
    let mut options = base::options().with_memory(memory);
    options.budget = budget;
    options
}

fn engine(memory: MemoryMode, budget: Option<u64>) -> Engine {
    Engine::new(base::bundle(), options(memory, budget)).expect("an engine")
}

fn plan(memory: MemoryMode, budget: Option<u64>) -> MemoryPlan {
    engine(memory, budget).memory_plan(&request("a dog on grass")).expect("a plan")
}

fn peak(memory: MemoryMode) -> u64 {
    plan(memory, Some(u64::MAX)).peak.expect("Toybox has a profile")
}

#[test]
fn the_fastest_way_that_fits_the_budget_is_taken_and_told() {
    let (resident, sequential, least) =
        (peak(MemoryMode::Resident), peak(MemoryMode::Sequential), peak(MemoryMode::Least));
    assert!(least < sequential && sequential < resident, "{least} {sequential} {resident}");
    let taken = |budget| {
        let MemoryPlan { arrangement: Arrangement { form, sequential, apart }, reason, .. } =
            plan(MemoryMode::Auto, Some(budget));
        assert!(reason.contains("budget"), "{reason}");
        (form, sequential, apart)
    };
    assert_eq!(taken(resident), (LoadForm::Fast, false, false));
    assert_eq!(taken(resident - 1), (LoadForm::Fast, true, false));
    assert_eq!(taken(sequential - 1), (LoadForm::Mapped, true, false));
    assert_eq!(taken(least), (LoadForm::Mapped, true, true));
    let asked = plan(MemoryMode::Auto, None);
    assert!(asked.budget.is_some_and(|bytes| bytes > 0), "{asked:?}");
}

#[test]
fn what_does_not_fit_is_refused_with_the_figures_before_anything_is_loaded() {
    let least = peak(MemoryMode::Least);
    let mut small = engine(MemoryMode::Auto, Some(least - 1));
    let refused = small.generate(&request("a dog"), &mut (), &CancelToken::new()).expect_err("too much");
    let Error::OutOfMemory { needed, available, hint, .. } = refused else { panic!("{refused}") };
    assert_eq!((needed, available), (least, least - 1));
    assert!(hint.contains("fit"), "{hint}");
    let mut large = request("a dog on grass");
    (large.width, large.height) = (Some(1024), Some(1024));
    let budget = least + (8 << 20);
    let refused = engine(MemoryMode::Auto, Some(budget)).memory_plan(&large).expect_err("too large");
    let Error::OutOfMemory { hint, .. } = refused else { panic!("{refused}") };
    let side: u32 = hint.split(' ').next().and_then(|side| side.parse().ok()).expect("a size that fits");
    (large.width, large.height) = (Some(side), Some(side));
    assert!((base::side()..1024).contains(&side), "{hint}");
    engine(MemoryMode::Auto, Some(budget)).memory_plan(&large).expect("the size that was told");
    let mode = engine(MemoryMode::Resident, Some(least)).memory_plan(&request("a dog")).expect_err("too much");
    assert!(mode.hint().is_some_and(|hint| hint.contains("`least`")), "{mode}");
    let none = Engine::new(base::bundle(), base::options().with_budget(0));
    assert!(matches!(none, Err(Error::BadRequest { field: "budget", .. })));
}

#[test]
fn boxes_take_a_bias_and_all_scores_of_a_layer() {
    let engine = engine(MemoryMode::Resident, Some(u64::MAX));
    let taken = |request: &Request| {
        let stages = engine.memory_plan(request).expect("a plan").stages;
        stages.iter().find(|stage| stage.graph == UNET).expect("Toybox has a profile").peak
    };
    let mut wanted = request("a dog on grass");
    (wanted.width, wanted.height) = (Some(256), Some(256));
    let plain = taken(&wanted);
    wanted.boxes = vec![WordBox::new("dog", [0.0, 0.0, 0.5, 1.0])];
    // Two branches of the latent's places by 32 tokens, in float32.
    let places = u64::from(256 / engine.bundle().manifest().latent.scale).pow(2);
    let finest = 2 * places * 32 * 4;
    let more = taken(&wanted) - plain;
    assert!((2 * finest..20 * finest).contains(&more), "{more}");
}

#[test]
fn every_form_draws_the_same_but_for_rounding_and_branches_apart_as_well() {
    let wanted = request("a dog and an apple on grass");
    let fast = base::draw(&mut engine(MemoryMode::Resident, None), &wanted);
    let mut least = engine(MemoryMode::Least, None);
    let apart = base::draw(&mut least, &wanted);
    assert_eq!(base::draw(&mut least, &wanted), apart, "again");
    let like = |other: &Picture| {
        let likeness = psnr(&apart, other);
        assert!(likeness >= 60.0, "{likeness} dB");
    };
    like(&fast);
    let mut together = engine(MemoryMode::Auto, Some(peak(MemoryMode::Sequential) - 1));
    let plan = together.memory_plan(&wanted).expect("a plan").arrangement;
    assert_eq!((plan.form, plan.apart), (LoadForm::Mapped, false));
    // One product of two rows and two of one are summed in another order, as ONNX Runtime sees fit.
    like(&base::draw(&mut together, &wanted));
}

#[test]
fn a_bundle_from_before_profiles_draws_as_it_did() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut manifest = base::bundle().manifest().clone();
    manifest.files.retain(|name, _| name != "memory.json" && !name.ends_with(".mapped.onnx"));
    for name in manifest.files.keys() {
        std::fs::copy(base::folder().join(name), folder.path().join(name)).expect("a copy");
    }
    let text = serde_json::to_string(&manifest).expect("JSON");
    std::fs::write(folder.path().join("bundle.json"), text).expect("a manifest");
    let wanted = request("an owl at sunset");
    let expected = base::draw(&mut base::shared(), &wanted);
    for memory in [MemoryMode::Auto, MemoryMode::Least] {
        let bundle = Bundle::open(folder.path()).expect("an old bundle");
        let options = base::options().with_memory(memory).with_budget(1);
        let mut engine = Engine::new(bundle, options).expect("an engine");
        let plan = engine.memory_plan(&wanted).expect("nothing is known, so nothing is refused");
        assert!(plan.peak.is_none() && plan.reason.contains("import it again"), "{plan:?}");
        let likeness = psnr(&base::draw(&mut engine, &wanted), &expected);
        assert!(likeness >= 60.0, "{likeness} dB with {memory:?}");
    }
}
