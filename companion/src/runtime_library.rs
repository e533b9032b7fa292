//! What a command that was installed from a checkout finds there, wherever it runs: ONNX Runtime's library and the base model.

use std::path::{Path, PathBuf};

/// Where this program was built, in a folder of the checkout. Somebody who installs it with `cargo install --path companion` has it there
/// still.
const BUILT: &str = env!("CARGO_MANIFEST_DIR");

/// Names another checkout; empty, it says that there is none.
const CHECKOUT: &str = "CONES_CHECKOUT";

/// A path in the checkout this program was built from, or in that of `CONES_CHECKOUT`, where that is still there.
pub fn in_checkout(path: &str) -> Option<PathBuf> {
    let checkout = match std::env::var_os(CHECKOUT) {
        Some(named) if named.is_empty() => return None,
        Some(named) => PathBuf::from(named),
        None => Path::new(BUILT).parent()?.to_path_buf(),
    };
    Some(checkout.join(path)).filter(|path| path.exists())
}

/// Names the library that `cargo xtask setup` fetched into that checkout, unless the core finds one by itself: named by
/// ORT_DYLIB_PATH, or beside this program, or in the `target` folder it is in.
pub fn use_that_of_checkout() {
    let executable = std::env::current_exe().ok();
    let folders = || executable.iter().flat_map(|path| path.ancestors().skip(1));
    let beside = executable.as_deref().and_then(Path::parent).is_some_and(|folder| {
        ["libonnxruntime.so", "libonnxruntime.dylib", "onnxruntime.dll"].iter().any(|name| folder.join(name).exists())
    });
    let named = std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| !path.is_empty());
    if named || beside || folders().any(|folder| folder.join("onnxruntime/path").exists()) {
        return;
    }
    let noted = in_checkout("target/onnxruntime/path").and_then(|note| std::fs::read_to_string(note).ok());
    if let Some(library) = noted.map(|text| PathBuf::from(text.trim())).filter(|path| path.exists()) {
        // Nothing is loaded yet, so this cannot fail.
        let _ = cones_core::runtime::use_library(library);
    }
}
