//! Names of precisions.

use cones_core::subjects::pack::Precision;

/// The name of a precision, as it is typed and as records and mask files hold it.
pub fn name(precision: Precision) -> &'static str {
    match precision {
        Precision::Binary => "binary",
        Precision::Quaternary => "quaternary",
        Precision::Float16 => "float16",
        Precision::Float32 => "float32",
    }
}
