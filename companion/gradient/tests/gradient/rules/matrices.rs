//! Cases of products, convolutions, normalisation and attention.

use super::case::{Case, Precision, case};

/// Products of matrices.
pub(crate) fn products() -> Vec<Case> {
    let matmul = |form, a: &[usize], b: &[usize]| case("MatMul", form).wanted("a", a).wanted("b", b);
    let mut cases = vec![
        matmul("matrices", &[2, 3], &[3, 4]),
        matmul("stacks", &[2, 2, 3], &[2, 3, 2]),
        matmul("stacks of stacks", &[2, 2, 2, 3], &[2, 2, 3, 2]),
        matmul("a stack by one", &[2, 2, 3], &[3, 2]),
        matmul("one by a stack", &[2, 3], &[2, 3, 2]),
        matmul("stacks that spread", &[2, 1, 2, 3], &[3, 3, 2]),
        case("MatMul", "by a constant").wanted("a", &[2, 2, 3]).fixed("b", &[3, 4]),
        case("MatMul", "a constant by").fixed("a", &[2, 3]).wanted("b", &[2, 3, 2]),
    ];
    for (turned, form) in ["neither turned", "left turned", "right turned", "both turned"].into_iter().enumerate() {
        let (left, right) = (turned & 1, turned >> 1);
        let a = if left == 1 { [3, 2] } else { [2, 3] };
        let b = if right == 1 { [4, 3] } else { [3, 4] };
        let gemm = case("Gemm", form).wanted("a", &a).wanted("b", &b).wanted("c", &[4]);
        let gemm = gemm.int("transA", left as i64).int("transB", right as i64);
        cases.push(gemm.float("alpha", 0.5).float("beta", -2.0));
    }
    cases.extend([
        case("Gemm", "nothing added").wanted("a", &[2, 3]).wanted("b", &[3, 4]),
        case("Gemm", "a column added").wanted("a", &[2, 3]).fixed("b", &[3, 4]).wanted("c", &[2, 1]),
        case("Gemm", "a number added").wanted("a", &[2, 3]).fixed("b", &[3, 4]).wanted("c", &[]),
        case("Gemm", "constant weights and bias")
            .wanted("a", &[2, 3])
            .fixed("b", &[4, 3])
            .fixed("c", &[4])
            .int("transB", 1),
    ]);
    cases
}

/// Convolutions, and enlarging.
pub(crate) fn pictures() -> Vec<Case> {
    let single = |c: Case| c.precision(Precision::NoDouble);
    let conv = |form, x: &[usize], w: &[usize]| single(case("Conv", form).wanted("x", x).fixed("w", w));
    let by = |form, scales: &[f32], x: &[usize]| {
        single(case("Resize", form).wanted("x", x).scales("scales", scales).reads(&["x", "", "scales"]))
    };
    vec![
        conv("plain", &[2, 2, 4, 5], &[3, 2, 3, 3]),
        conv("bias", &[1, 2, 4, 5], &[3, 2, 3, 3]).fixed("b", &[3]),
        conv("pads", &[1, 2, 4, 5], &[3, 2, 3, 3]).ints("pads", &[1, 1, 1, 1]),
        conv("uneven pads", &[1, 2, 4, 5], &[3, 2, 3, 3]).ints("pads", &[0, 2, 1, 0]),
        conv("pads beyond the kernel", &[1, 1, 3, 3], &[1, 1, 2, 2]).ints("pads", &[2, 2, 2, 2]),
        conv("one by one", &[2, 3, 3, 2], &[4, 3, 1, 1]),
        conv("stride", &[1, 2, 5, 6], &[2, 2, 3, 3]).ints("strides", &[2, 2]).ints("pads", &[1, 1, 1, 1]),
        conv("stride, rows left over", &[1, 2, 6, 8], &[2, 2, 3, 3]).ints("strides", &[2, 3]),
        conv("stride, asymmetric pads", &[1, 2, 6, 6], &[2, 2, 3, 3])
            .ints("strides", &[2, 2])
            .ints("pads", &[0, 0, 1, 1]),
        conv("dilated", &[1, 2, 6, 7], &[2, 2, 3, 2]).ints("dilations", &[2, 3]).ints("pads", &[2, 1, 2, 1]),
        conv("dilated, stride", &[1, 1, 7, 8], &[2, 1, 2, 2]).ints("dilations", &[2, 2]).ints("strides", &[2, 2]),
        conv("groups", &[1, 4, 4, 4], &[6, 2, 3, 3]).int("group", 2).ints("pads", &[1, 1, 1, 1]),
        conv("groups, stride", &[1, 4, 5, 4], &[4, 2, 3, 3]).int("group", 2).ints("strides", &[2, 2]),
        conv("each channel alone", &[2, 3, 4, 4], &[3, 1, 3, 3]).int("group", 3).ints("pads", &[1, 1, 1, 1]),
        conv("same, upper", &[1, 1, 5, 6], &[2, 1, 2, 3]).text("auto_pad", "SAME_UPPER"),
        conv("same, lower", &[1, 1, 5, 6], &[2, 1, 2, 3]).text("auto_pad", "SAME_LOWER"),
        conv("same, stride", &[1, 1, 5, 6], &[2, 1, 3, 3]).text("auto_pad", "SAME_UPPER").ints("strides", &[2, 2]),
        conv("valid", &[1, 1, 5, 6], &[2, 1, 2, 3]).text("auto_pad", "VALID"),
        conv("a line", &[2, 2, 7], &[3, 2, 3]).ints("strides", &[2]).ints("pads", &[1, 1]),
        conv("a block", &[1, 1, 3, 4, 3], &[2, 1, 2, 2, 2]),
        by("twice, as both exporters write", &[1.0, 1.0, 2.0, 2.0], &[1, 2, 2, 3])
            .text("mode", "nearest")
            .text("coordinate_transformation_mode", "asymmetric")
            .text("nearest_mode", "floor"),
        by("half a pixel", &[1.0, 1.0, 3.0, 2.0], &[1, 2, 2, 3]),
        by("one axis", &[1.0, 1.0, 1.0, 2.0], &[1, 1, 3, 2]).text("coordinate_transformation_mode", "half_pixel"),
        by("by one", &[1.0, 1.0, 1.0, 1.0], &[1, 1, 3, 2]),
        single(
            case("Resize", "to a size")
                .wanted("x", &[1, 2, 2, 3])
                .whole("sizes", &[1, 2, 4, 9])
                .reads(&["x", "", "", "sizes"])
                .text("coordinate_transformation_mode", "asymmetric")
                .text("nearest_mode", "floor"),
        ),
    ]
}

/// Layer, instance and group normalisation.
pub(crate) fn normalisations() -> Vec<Case> {
    let layer = |form, x: &[usize], scale: &[usize]| {
        case("LayerNormalization", form).wanted("x", x).fixed("scale", scale).fixed("bias", scale)
    };
    let instance = |form, x: &[usize]| {
        let instance =
            case("InstanceNormalization", form).wanted("x", x).fixed("scale", &[x[1]]).fixed("bias", &[x[1]]);
        instance.precision(Precision::NoDouble)
    };
    let group = |form, x: &[usize], groups, scales: usize| {
        let group = case("GroupNormalization", form).wanted("x", x).fixed("scale", &[scales]).fixed("bias", &[scales]);
        // ONNX's own definition, which ONNX Runtime follows, has float32 inside whatever the type.
        group.int("num_groups", groups).precision(Precision::Single)
    };
    vec![
        layer("last axis", &[2, 3, 5], &[5]),
        layer("two axes", &[2, 3, 4], &[3, 4]).int("axis", 1).float("epsilon", 0.01),
        layer("one number scales all", &[2, 5], &[1]),
        case("LayerNormalization", "no bias").wanted("x", &[2, 5]).fixed("scale", &[5]),
        instance("a picture", &[2, 3, 3, 4]),
        instance("a line", &[1, 2, 6]).float("epsilon", 0.1),
        group("two groups", &[2, 4, 2, 3], 2, 4),
        group("one group", &[1, 4, 5], 1, 4).float("epsilon", 0.1),
        group("a group for each channel", &[2, 3, 4], 3, 3),
    ]
}

/// In float64 ONNX Runtime writes attention out as other nodes, whose scale has the precision of float32.
fn attended(case: Case) -> Case {
    case.within(2e-7)
}

/// Scaled dot-product attention as ONNX Runtime's own node, with two heads side by side. Its kernel is of float32.
pub(crate) fn multihead() -> Vec<Case> {
    let apart = |form| {
        let case = case("MultiHeadAttention", form).microsoft().int("num_heads", 2).precision(Precision::NoDouble);
        case.wanted("q", &[2, 3, 4]).wanted("k", &[2, 5, 4]).wanted("v", &[2, 5, 4])
    };
    let itself = |form| {
        let case = case("MultiHeadAttention", form).microsoft().int("num_heads", 2).precision(Precision::NoDouble);
        case.wanted("q", &[1, 4, 6])
    };
    vec![
        apart("heads side by side"),
        apart("a given scale").float("scale", 0.3),
        apart("a mask of numbers").fixed("mask", &[1, 1, 3, 5]).reads(&["q", "k", "v", "", "", "mask"]),
        itself("with itself").reads(&["q", "q", "q"]),
        itself("causal").reads(&["q", "q", "q"]).int("unidirectional", 1),
    ]
}

/// Scaled dot-product attention.
pub(crate) fn attention() -> Vec<Case> {
    let attention = |form, q: &[usize], k: &[usize], v: &[usize]| {
        attended(case("Attention", form).wanted("q", q).wanted("k", k).wanted("v", v))
    };
    let apart = |form| attention(form, &[1, 2, 3, 4], &[1, 2, 5, 4], &[1, 2, 5, 3]);
    vec![
        apart("four dimensions"),
        apart("a given scale").float("scale", 0.3),
        apart("causal").int("is_causal", 1),
        apart("a mask of numbers").fixed("mask", &[3, 5]),
        apart("a mask of switches").switches("mask", &[3, 5]),
        apart("a mask for each head").fixed("mask", &[1, 2, 3, 5]),
        attention("heads side by side", &[2, 3, 4], &[2, 5, 4], &[2, 5, 6])
            .int("q_num_heads", 2)
            .int("kv_num_heads", 2),
        attended(
            case("Attention", "constant queries")
                .fixed("q", &[1, 1, 3, 4])
                .wanted("k", &[1, 1, 5, 4])
                .wanted("v", &[1, 1, 5, 4]),
        ),
        attended(case("Attention", "with itself").wanted("q", &[1, 2, 4, 3]).reads(&["q", "q", "q"])),
    ]
}
