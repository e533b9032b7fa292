#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cones_fuzzed::statement::feed(data));
