//! The Python smoke test, with the standard library alone.

use super::given::Given;
use crate::count::Count;
use crate::failure::{Failure, Result};
use crate::python::Python;

const TEST: &str = "tests/python/test_cones.py";

pub(super) fn test(given: &Given<'_>, count: &mut Count) -> Result {
    let mut python = given.pass_to(Python::find()?.command());
    python.arg(given.workspace.path(TEST));
    let status = count.run(&mut python)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{TEST} failed: {status}"), "The failures are listed above."))
}
