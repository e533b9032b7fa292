//! What is asked of other people's crates, by `cargo deny`.

use crate::failure::Result;
use crate::process;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Every lock file of the repository: the workspace's, and those of what stands outside it.
const MANIFESTS: [&str; 3] = ["Cargo.toml", "tests/codecs/Cargo.toml", "tests/fuzz/Cargo.toml"];

/// `cargo xtask advisories`: known faults of the versions that are locked, from RustSec's list, which is fetched from GitHub.
pub(crate) fn advisories(workspace: &Workspace) -> Result {
    match Tools::find(workspace)? {
        Some(tools) => check(workspace, &tools, &["advisories"]),
        None => Ok(()),
    }
}

/// Holds every lock file against deny.toml; `what` as cargo-deny calls its checks.
pub(crate) fn check(workspace: &Workspace, tools: &Tools, what: &[&str]) -> Result {
    for manifest in MANIFESTS {
        let mut deny = tools.program(workspace, "cargo-deny");
        // The trees under each finding are long; `cargo tree --invert` draws one that is wanted.
        deny.args(["--manifest-path", manifest, "--config", "deny.toml", "--locked", "--log-level", "error"]);
        deny.args(["check", "--hide-inclusion-graph"]).args(what);
        let hint = format!(
            "deny.toml says what is allowed, and why. A lock file that is behind: `cargo metadata --manifest-path {manifest}`."
        );
        process::run(&mut deny, &hint)?;
    }
    Ok(())
}
