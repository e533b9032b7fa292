//! Cases of nodes that put values together and take parts of them.

use cones_onnx::attribute;

use super::case::{Case, case};

/// Concat, Split, Slice, Gather.
pub(crate) fn parts() -> Vec<Case> {
    let squared = |c: Case| c.gives(&["v"]).after("Mul", &["v", "v"], "y", vec![]);
    let slice = |form, starts: &[i64], ends: &[i64], axes: &[i64]| {
        squared(
            case("Slice", form).wanted("x", &[3, 5]).whole("starts", starts).whole("ends", ends).whole("axes", axes),
        )
    };
    let gather = |form, dims: &[usize], indices: &[i64], axis| {
        squared(case("Gather", form).wanted("x", &[3, 4, 2]).whole_shaped("indices", dims, indices).int("axis", axis))
    };
    let split = |form, axis| case("Split", form).wanted("x", &[2, 6]).int("axis", axis);
    let then_joined = |c: Case, parts: &[&str]| {
        let joined = c.after("Concat", parts, "j", vec![attribute::int("axis", 1)]);
        joined.after("Mul", &["j", "j"], "y", vec![])
    };
    vec![
        squared(case("Concat", "two").wanted("a", &[2, 3]).wanted("b", &[2, 1]).int("axis", 1)),
        squared(
            case("Concat", "three, from the end")
                .wanted("a", &[1, 2])
                .fixed("b", &[2, 2])
                .wanted("c", &[3, 2])
                .int("axis", -2),
        ),
        squared(case("Concat", "one").wanted("a", &[2, 3]).int("axis", 0)),
        squared(case("Concat", "the same twice").wanted("a", &[2, 3]).reads(&["a", "a"]).int("axis", 0)),
        then_joined(split("given sizes", 1).whole("sizes", &[1, 2, 3]).gives(&["a", "b", "c"]), &["c", "a", "b"]),
        then_joined(split("equal parts", -1).int("num_outputs", 3).gives(&["a", "b", "c"]), &["b", "b", "a"]),
        split("the first part is unused", 1).int("num_outputs", 2).gives(&["a", "b"]).after(
            "Mul",
            &["b", "b"],
            "y",
            vec![],
        ),
        split("the last part is unused", 1).int("num_outputs", 2).gives(&["a", "b"]).after(
            "Mul",
            &["a", "a"],
            "y",
            vec![],
        ),
        split("opset 13", 1).opset(13).gives(&["a", "b"]).after("Mul", &["a", "b"], "y", vec![]),
        slice("the middle", &[1], &[4], &[1]),
        slice("from the end", &[-2], &[i64::MAX], &[1]),
        slice("to before the end", &[0], &[-1], &[-1]),
        slice("both axes", &[1, 2], &[3, 4], &[0, 1]),
        slice("from far before the start", &[-100], &[2], &[0]),
        squared(case("Slice", "no axes").wanted("x", &[3, 5]).whole("starts", &[1, 1]).whole("ends", &[2, 9])),
        squared(
            case("Slice", "steps of one")
                .wanted("x", &[3, 5])
                .whole("starts", &[1])
                .whole("ends", &[3])
                .whole("axes", &[0])
                .whole("steps", &[1]),
        ),
        gather("rows", &[2], &[2, 0], 0),
        gather("one row", &[], &[1], 0),
        gather("the same again, and from the end", &[2, 2], &[1, -1, 1, 0], 1),
        gather("the last axis", &[1], &[-2], -1),
    ]
}
