#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cones_fuzzed::foreign_recipe::feed(data));
