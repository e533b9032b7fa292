//! What a decoder in blocks of rows takes, measured on this process: it must be alone, so this file has one test.

#![allow(clippy::print_stdout, reason = "a test that is asked to talk tells its figures")]
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use cones_gradient::shapes::Shapes;
use cones_import::rows::{peak, rewrite};
use cones_onnx::Model;
use cones_tests::base;
use ort::session::Session;
use ort::value::Tensor;

/// Channels, rows and columns of the latent: of pictures of 512 by 512 pixels.
fn latent() -> [usize; 3] {
    let latent = base::bundle().manifest().latent;
    let side = 512 / latent.scale as usize;
    [latent.channels as usize, side, side]
}

/// A line of this process's status, in bytes.
fn status(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("a status");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the field");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}

/// Bytes by which this process grows at its highest while it decodes, without an arena, as on a device with little memory.
fn grown(model: &Model) -> u64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("graph.onnx");
    model.save(&path).expect("a file");
    let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
    let mut builder = Session::builder(&environment)
        .expect("a session builder")
        // The C library keeps memory for each thread.
        .with_intra_threads(1)
        .expect("an option")
        .with_memory_pattern(false)
        .expect("an option")
        .with_execution_providers([ort::ep::CPU::default().with_arena_allocator(false).build()])
        .expect("an option");
    let mut session = builder.commit_from_file(path).expect("a graph that loads");
    let [channels, rows, columns] = latent();
    let values = vec![0.5f32; channels * rows * columns];
    let input = Tensor::from_array((vec![1, channels, rows, columns], values)).expect("a tensor");
    fs::write("/proc/self/clear_refs", "5").expect("the highest mark begins anew");
    let before = status("VmRSS");
    session.run(ort::inputs!["latent" => input]).expect("a run");
    status("VmHWM").saturating_sub(before)
}

/// What glibc keeps of freed blocks is not what is measured. The engine lets it keep little; a process that begins with this
/// variable does, too.
const KEEP_LITTLE: &str = "MALLOC_MMAP_THRESHOLD_";

#[test]
fn blocks_take_what_is_told_and_much_less_than_the_whole() {
    if std::env::var_os(KEEP_LITTLE).is_none() {
        let this = std::env::current_exe().expect("the program of this test");
        let again = Command::new(this).arg("--nocapture").env(KEEP_LITTLE, (1 << 20).to_string()).status();
        assert!(again.expect("a process").success(), "what it printed says why");
        return;
    }
    let open = || Model::open(&base::folder().join("vae_decoder.onnx")).expect("Toybox's graph");
    let (whole, mut blocks) = (open(), open());
    let [channels, rows, columns] = latent();
    let sizes = BTreeMap::from([("latent".to_owned(), vec![1, channels, rows, columns])]);
    let shapes = Shapes::infer(&whole, &sizes).expect("shapes");
    let told = peak(&whole, |value| shapes.get(value)).expect("constants").expect("it goes in blocks");
    rewrite(&mut blocks).expect("constants");
    let (blocks, whole) = (grown(&blocks), grown(&whole));
    println!("told {told}, blocks {blocks}, whole {whole}");
    assert!(blocks * 10 < whole * 7, "{blocks} bytes in blocks, {whole} as a whole");
    // Beside values there are converted weights, and small blocks that the C library keeps.
    assert!(blocks < told + told / 4 && blocks > told - told / 4, "{told} bytes told, {blocks} taken");
}
