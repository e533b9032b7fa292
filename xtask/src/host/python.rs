//! The Python smoke test, with the standard library alone.

use super::Host;
use crate::count::Count;
use crate::failure::{Failure, Result};
use crate::python::Python;

const TEST: &str = "tests/python/test_cones.py";

pub(super) fn test(host: &Host<'_>, count: &mut Count) -> Result {
    let mut python = host.give(Python::find()?.command());
    python.arg(host.workspace.path(TEST));
    let status = count.run(&mut python)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{TEST} failed: {status}"), "The failures are listed above."))
}
