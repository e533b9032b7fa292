//! UniFFI's generator, of the version that this crate is built with.

fn main() {
    uniffi::uniffi_bindgen_main();
}
