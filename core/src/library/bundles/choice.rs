//! Which form of a base model a device takes: the one seam between what a catalogue lists and what the device has.
//!
//! An entry says its bytes and nothing of activations. So this compares bytes with the memory that the system calls
//! available; a plan that knows both belongs here.

use crate::library::catalog::BundleEntry;
use crate::memory::available;
use crate::model::form;

/// Whether this device has the memory for a bundle. Where the system does not say, it has.
pub(super) fn fits(entry: &BundleEntry) -> bool {
    available().is_none_or(|available| entry.bytes <= available)
}

/// What was taken, for the log.
pub(super) fn describe(entry: &BundleEntry) -> String {
    let (name, form) = (&entry.name, form::name(entry.form.as_ref()));
    let memory = available().map_or("unknown".into(), |bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    format!("of `{name}` the form {form} is taken, {:.1} GB; available memory: {memory}", entry.bytes as f64 / 1e9)
}
