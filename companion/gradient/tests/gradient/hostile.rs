//! Graphs that have no derivative, and inputs that do not fit: errors that name the node or value.

use std::collections::BTreeMap;

use cones_gradient::{DerivativeSpec, Memory, Objective, differentiate};
use cones_onnx::proto::ModelProto;
use cones_onnx::proto::tensor_proto::DataType;

use crate::rules::case::{Case, case};
use crate::rules::session::model;

/// The error of differentiating a graph with respect to some values, the output not being weighted.
fn refusal(proto: ModelProto, values: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = DerivativeSpec {
        inputs: BTreeMap::new(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        objective: Objective::Cotangent,
        memory: Memory::Normal,
        blocks: None,
    };
    let found = differentiate(model(proto, folder.path()), &plan);
    let text = found.err().unwrap_or_else(|| panic!("{values:?} could be differentiated")).to_string();
    assert!(text.contains("case.onnx"), "the file is not named: {text}");
    text
}

fn refusal_of(case: &Case) -> String {
    let values = case.wanted_values();
    refusal(case.model(DataType::Float), &values.iter().map(|(name, ..)| *name).collect::<Vec<_>>())
}

#[test]
fn a_node_without_a_rule_is_named_with_its_kind() {
    let text = refusal_of(&case("Softplus", "no rule").wanted("x", &[2, 3]));
    assert!(text.contains("node `tested` (Softplus) has no derivative rule"), "{text}");
}

#[test]
fn a_node_of_another_domain_is_named_with_it() {
    let mut proto = case("FastGelu", "no rule").wanted("x", &[2, 3]).model(DataType::Float);
    let graph = proto.graph.as_mut().expect("a graph");
    graph.node[0].domain = Some("com.microsoft".into());
    proto
        .opset_import
        .push(cones_onnx::proto::OperatorSetIdProto { domain: Some("com.microsoft".into()), version: Some(1) });
    let text = refusal(proto, &["x"]);
    assert!(text.contains("node `tested` (com.microsoft:FastGelu) has no derivative rule"), "{text}");
}

#[test]
fn forms_that_a_rule_does_not_cover_are_named_with_their_node() {
    let slice =
        case("Slice", "").wanted("x", &[4]).whole("s", &[0]).whole("e", &[4]).whole("a", &[0]).whole("st", &[2]);
    let conv = |name: &str| {
        let of =
            |c: Case, own: bool, name, dims: &[usize]| if own { c.wanted(name, dims) } else { c.fixed(name, dims) };
        let c = of(case("Conv", "").wanted("x", &[1, 1, 3, 3]), name == "w", "w", &[2, 1, 2, 2]);
        of(c, name == "b", "b", &[2])
    };
    let attention = |groups: usize| {
        case("Attention", "").wanted("q", &[1, 2, 3, 4]).wanted("k", &[1, groups, 3, 4]).wanted("v", &[1, groups, 3, 4])
    };
    let table: Vec<(Case, &str)> = vec![
        (slice, "steps other than one"),
        (
            case("Resize", "")
                .wanted("x", &[1, 1, 2, 2])
                .scales("s", &[1.0, 1.0, 2.0, 2.0])
                .reads(&["x", "", "s"])
                .text("mode", "linear"),
            "interpolates",
        ),
        (
            case("Resize", "").wanted("x", &[1, 1, 4, 4]).scales("s", &[1.0, 1.0, 0.5, 0.5]).reads(&["x", "", "s"]),
            "no whole repetition",
        ),
        (case("MatMul", "").wanted("a", &[3]).wanted("b", &[3, 2]), "multiplies vectors"),
        (conv("w"), "weights that depend on the inputs"),
        (conv("b"), "a bias that depends on the inputs"),
        (
            case("LayerNormalization", "").wanted("x", &[2, 3]).wanted("scale", &[3]),
            "a scale or bias that depends on the inputs",
        ),
        (attention(2).float("softcap", 2.0), "a soft cap"),
        (attention(1), "shares keys between heads"),
        (
            case("Dropout", "").wanted("x", &[2, 3]).number("ratio", 0.5).switches("training", &[]),
            "says whether it is training",
        ),
    ];
    for (case, reason) in table {
        let text = refusal_of(&case);
        assert!(text.contains(reason), "{}: {text}", case.op);
        assert!(text.contains(&format!("`tested` ({})", case.op)), "{}: the node is not named: {text}", case.op);
    }
}

#[test]
fn values_that_cannot_be_differentiated_for_are_named() {
    let exp = case("Exp", "").wanted("x", &[2, 3]).model(DataType::Float);
    let add = case("Add", "").wanted("x", &[2, 3]).fixed("w", &[3]).model(DataType::Float);
    let unrelated = case("Exp", "").wanted("x", &[2]).wanted("z", &[2]).reads(&["x"]).model(DataType::Float);
    let whole = case("Cast", "").wanted("x", &[2]).int("to", 7).gives(&["i"]).after(
        "Cast",
        &["i"],
        "y",
        vec![cones_onnx::attribute::int("to", 1)],
    );
    let table = [
        (exp.clone(), "nothing", "`nothing` is not in the graph"),
        (add, "w", "`w` is a weight, and weights are frozen"),
        (unrelated, "z", "`y` is the result, and does not depend on the values in question"),
        (whole.model(DataType::Float), "i", "`i` holds INT64, which has no derivative"),
        (whole.model(DataType::Float), "x", "does not depend on the values in question"),
    ];
    for (proto, value, reason) in table {
        let text = refusal(proto, &[value]);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn graphs_of_an_unknown_form_are_told() {
    let exp = || case("Exp", "").wanted("x", &[2, 3]).model(DataType::Float);
    let mut old = exp();
    old.opset_import[0].version = Some(12);
    assert!(refusal(old, &["x"]).contains("opset 12"));
    let mut mute = exp();
    mute.graph.as_mut().expect("a graph").output.clear();
    assert!(refusal(mute, &["x"]).contains("no output"));
    let mut taken = exp();
    let graph = taken.graph.as_mut().expect("a graph");
    graph.node[0].output = vec!["cotangent".into()];
    graph.output[0].name = Some("cotangent".into());
    let text = refusal(taken, &["x"]);
    assert!(text.contains("`cotangent` is in the graph already"), "{text}");
    let mut free = exp();
    let declared = &mut free.graph.as_mut().expect("a graph").input[0];
    *declared = cones_onnx::info::untyped("x");
    assert!(refusal(free, &["x"]).contains("`x` is an input of free size"));
    let mut torn = exp();
    torn.graph.as_mut().expect("a graph").node[0].input = vec!["gone".into()];
    assert!(refusal(torn, &["x"]).contains("finding the shapes"));
}
