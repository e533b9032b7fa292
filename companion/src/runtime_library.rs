//! What a command that was installed from a checkout finds there, wherever it runs: ONNX Runtime's library and the base model.

use std::path::{Path, PathBuf};

/// Where this program was built, in a folder of the checkout. Somebody who installs it with `cargo install --path companion` has it there
/// still. A release is built somewhere that its users do not have, and others of their machine might make: it is told so.
const BUILT: Option<&str> =
    if option_env!("CONES_RELEASE").is_some() { None } else { Some(env!("CARGO_MANIFEST_DIR")) };

/// Names another checkout; empty, it says that there is none.
const CHECKOUT: &str = "CONES_CHECKOUT";

/// A path in the checkout this program was built from, or in that of `CONES_CHECKOUT`, where that is still there.
pub fn in_checkout(path: &str) -> Option<PathBuf> {
    let checkout = match std::env::var_os(CHECKOUT) {
        Some(named) if named.is_empty() => return None,
        Some(named) => PathBuf::from(named),
        None => Path::new(BUILT?).parent()?.to_path_buf(),
    };
    Some(checkout.join(path)).filter(|path| path.exists())
}

/// Names the library that `cargo xtask setup` fetched into that checkout, unless the core finds one by itself: named by
/// ORT_DYLIB_PATH, or beside this program, or in the `target` folder it is in.
pub fn use_that_of_checkout() {
    if let Some(target) = in_checkout("target") {
        cones_core::runtime::use_library_of(&target);
    }
}
