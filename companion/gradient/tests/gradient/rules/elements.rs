//! Cases of functions of single elements, of arithmetic, and of sums.

use cones_onnx::attribute;

use super::case::{Case, Precision, Range, case};

/// Functions of single elements, and softmax.
pub(crate) fn activations() -> Vec<Case> {
    let smooth = |op| case(op, "any number").wanted("x", &[2, 7]);
    let positive = |op| case(op, "positive").wanted_in(Range::Positive, "x", &[2, 7]);
    let apart = |op| case(op, "either sign").wanted_in(Range::Apart, "x", &[2, 7]);
    let softmax = |form, axis| case("Softmax", form).wanted("x", &[2, 3, 4]).int("axis", axis);
    vec![
        smooth("Sigmoid"),
        smooth("Tanh"),
        smooth("Erf").precision(Precision::NoDouble),
        smooth("Exp"),
        positive("Log"),
        positive("Sqrt"),
        positive("Reciprocal"),
        apart("Reciprocal"),
        apart("Abs"),
        smooth("Sin"),
        smooth("Cos"),
        apart("Relu"),
        smooth("Gelu").precision(Precision::NoDouble),
        case("Gelu", "by tanh").wanted("x", &[2, 7]).text("approximate", "tanh"),
        case("Softmax", "default axis").wanted("x", &[2, 3, 4]),
        softmax("last axis", -1),
        softmax("middle axis", 1),
        softmax("first axis", 0),
        case("Softmax", "opset 13, middle axis").wanted("x", &[2, 3, 4]).int("axis", 1).opset(13),
    ]
}

/// Two operands, which broadcast.
pub(crate) fn arithmetic() -> Vec<Case> {
    let mut cases = Vec::new();
    for op in ["Add", "Sub", "Mul", "Div"] {
        let two = |form, a: &[usize], b: &[usize]| case(op, form).wanted("a", a).wanted_in(Range::Apart, "b", b);
        cases.extend([
            two("same shape", &[2, 3], &[2, 3]),
            two("the right one spreads", &[2, 3, 4], &[4]),
            two("the left one spreads", &[3, 1], &[2, 3, 4]),
            two("both spread", &[2, 1, 4], &[3, 1]),
            two("a single number", &[2, 3], &[]),
            two("a row of one", &[1, 1], &[5]),
            case(op, "by a constant").wanted("a", &[2, 3]).fixed_in(Range::Apart, "b", &[3]),
            case(op, "a constant by").fixed("a", &[2, 1]).wanted_in(Range::Apart, "b", &[2, 3]),
            case(op, "with what is made of it").wanted("a", &[2, 3]).before("Exp", &["a"], "e").reads(&["a", "e"]),
        ]);
    }
    let silu = |form, reads: &[&'static str]| {
        case("Mul", form).wanted("x", &[2, 5]).before("Sigmoid", &["x"], "s").reads(reads)
    };
    cases.extend([
        silu("x·sigmoid(x)", &["x", "s"]),
        silu("sigmoid(x)·x", &["s", "x"]),
        silu("x·sigmoid(x), read twice", &["x", "s"]).gives(&["p"]).after("Add", &["p", "s"], "y", vec![]),
        case("Mul", "x·sigmoid(1.7x)")
            .wanted("x", &[2, 5])
            .number("k", 1.702)
            .before("Mul", &["x", "k"], "kx")
            .before("Sigmoid", &["kx"], "s")
            .reads(&["x", "s"]),
        case("Neg", "any number").wanted("x", &[2, 5]),
        case("Sum", "three that spread").wanted("a", &[2, 3]).wanted("b", &[3]).wanted("c", &[2, 1]),
        case("Sum", "one").wanted("a", &[2, 3]),
        case("Pow", "squared").wanted("x", &[2, 3]).number("n", 2.0),
        case("Pow", "cubed").wanted("x", &[2, 3]).number("n", 3.0),
        case("Pow", "by whole numbers").wanted("x", &[2, 3]).whole("n", &[2, 3, 1]),
        case("Pow", "root").wanted_in(Range::Positive, "x", &[2, 3]).number("n", 0.5),
        case("Pow", "both").wanted_in(Range::Positive, "x", &[2, 3]).wanted("n", &[3]),
        case("Pow", "of a constant").fixed_in(Range::Positive, "x", &[3]).wanted("n", &[2, 1]),
        case("Where", "same shape").switches("c", &[2, 3]).wanted("a", &[2, 3]).wanted("b", &[2, 3]),
        case("Where", "all spread").switches("c", &[2, 1, 3]).wanted("a", &[4, 1]).wanted("b", &[3]),
        case("Where", "one is constant").switches("c", &[2, 3]).wanted("a", &[3]).number("b", -2.0),
    ]);
    cases
}

/// Sums and means over axes.
pub(crate) fn reductions() -> Vec<Case> {
    let mut cases = Vec::new();
    for op in ["ReduceMean", "ReduceSum"] {
        let over = |form, axes: &[i64]| case(op, form).wanted("x", &[2, 3, 4]).whole("axes", axes);
        cases.extend([
            over("last axis", &[-1]),
            over("two axes", &[0, 2]),
            over("an axis that goes", &[1]).int("keepdims", 0),
            case(op, "all").wanted("x", &[2, 3]),
            case(op, "all, that go").wanted("x", &[2, 3]).int("keepdims", 0),
            case(op, "none").wanted("x", &[2, 3]).int("noop_with_empty_axes", 1),
            case(op, "of a product, spread again")
                .wanted("x", &[2, 4])
                .whole("axes", &[1])
                .before("Mul", &["x", "x"], "square")
                .reads(&["square", "axes"])
                .gives(&["m"])
                .after("Sub", &["x", "m"], "y", vec![]),
        ]);
    }
    cases.push(case("ReduceMean", "opset 13").wanted("x", &[2, 3, 4]).ints("axes", &[-1, 0]).opset(13));
    cases.push(
        case("ReduceMean", "opset 17, of a square")
            .wanted("x", &[2, 4])
            .number("two", 2.0)
            .before("Pow", &["x", "two"], "square")
            .reads(&["square"])
            .int("keepdims", 0)
            .ints("axes", &[-1])
            .opset(17),
    );
    cases
}

/// Nodes that change how elements are laid out.
pub(crate) fn shapes() -> Vec<Case> {
    let squared = |c: Case| c.gives(&["v"]).after("Mul", &["v", "v"], "y", vec![]);
    vec![
        squared(case("Reshape", "a guess").wanted("x", &[2, 3, 4]).whole("shape", &[0, -1])),
        squared(case("Reshape", "to a list").wanted("x", &[2, 3]).whole("shape", &[6])),
        squared(case("Squeeze", "given axes").wanted("x", &[2, 1, 3, 1]).whole("axes", &[1, -1])),
        squared(case("Squeeze", "all axes").wanted("x", &[1, 2, 1, 3])),
        squared(case("Unsqueeze", "two axes").wanted("x", &[2, 3]).whole("axes", &[0, -1])),
        squared(case("Flatten", "from axis 2").wanted("x", &[2, 3, 2]).int("axis", 2)),
        squared(case("Flatten", "from axis 0").wanted("x", &[2, 3]).int("axis", 0)),
        squared(case("Identity", "any").wanted("x", &[2, 3])),
        squared(case("Dropout", "while not training").wanted("x", &[2, 3])),
        squared(case("Transpose", "given order").wanted("x", &[2, 3, 4]).ints("perm", &[2, 0, 1])),
        squared(case("Transpose", "reversed").wanted("x", &[2, 3, 4])),
        squared(case("Expand", "new and old axes").wanted("x", &[3, 1]).whole("shape", &[2, 3, 4])),
        squared(case("Expand", "to what it has").wanted("x", &[2, 3]).whole("shape", &[1, 3])),
        squared(case("Expand", "of one number").wanted("x", &[]).whole("shape", &[2, 3])),
        case("Cast", "to float64 and back")
            .wanted("x", &[2, 3])
            .int("to", 11)
            .precision(Precision::Single)
            .gives(&["v"])
            .after("Mul", &["v", "v"], "w", vec![])
            .after("Cast", &["w"], "y", vec![attribute::int("to", 1)]),
    ]
}
