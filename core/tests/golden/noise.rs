//! `core::sampling::noise` against PyTorch's CPU generator, bit for bit. Vectors: `tests/golden/make_noise.py`.

use cones_core::sampling::noise::TorchGenerator;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    seed: String,
    draws: Vec<Draw>,
}

#[derive(Deserialize)]
struct Draw {
    length: usize,
    fnv1a: String,
    first: String,
    last: String,
}

#[test]
fn noise_is_pytorchs_bit_for_bit() {
    let path = cones_tests::golden::path("noise/noise.json");
    let text = std::fs::read_to_string(path).expect("golden noise");
    let golden: Golden = serde_json::from_str(&text).expect("golden noise is JSON");
    for case in &golden.cases {
        let mut generator = TorchGenerator::new(case.seed.parse().expect("a seed"));
        for (i, draw) in case.draws.iter().enumerate() {
            let noise = generator.randn(draw.length);
            let place = format!("seed {}, draw {i} of {} numbers", case.seed, draw.length);
            assert_eq!(hex(&noise[..draw.length.min(8)]), draw.first, "first of {place}");
            assert_eq!(hex(&noise[draw.length.saturating_sub(8)..]), draw.last, "last of {place}");
            assert_eq!(fnv1a(&noise), draw.fnv1a, "{place}");
        }
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn hex(values: &[f32]) -> String {
    bytes(values).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fnv1a(values: &[f32]) -> String {
    let step = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes(values).into_iter().fold(0xcbf2_9ce4_8422_2325, step))
}
