//! `core::text::tokenizer` against transformers' CLIPTokenizer. Vectors: `tests/golden/make_tokens.py`.

use cones_core::model::bundle::TOKENIZER;
use cones_core::text::tokenizer::Tokenizer;
use cones_tests::{base, golden};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    /// As the text encoder gets them.
    ids: Vec<u32>,
    /// Without start, end, padding and limit.
    whole: Vec<u32>,
    /// What of the text the limit cut off.
    cut: Option<String>,
}

fn tokenizer() -> Tokenizer {
    let bundle = base::bundle();
    Tokenizer::open(&bundle.file(TOKENIZER).expect("a tokenizer"), bundle.manifest().text).expect("a tokenizer")
}

#[test]
fn tokens_are_transformers() {
    let tokenizer = tokenizer();
    let golden: Golden = golden::json("tokens/tokens.json");
    assert!(golden.cases.len() >= 150);
    for case in &golden.cases {
        let place = format!("{:?}", case.text);
        let tokens = tokenizer.encode(&case.text).expect("tokens");
        assert_eq!(tokenizer.ids(&case.text).expect("ids"), case.whole, "{place}");
        assert_eq!(tokens.ids, case.ids, "{place}");
        assert_eq!(tokens.used, (case.whole.len() + 2).min(case.ids.len()), "{place}");
    }
}

#[test]
fn what_was_cut_is_reported() {
    let golden: Golden = golden::json("tokens/tokens.json");
    let tokenizer = tokenizer();
    assert!(golden.cases.iter().any(|case| case.cut.is_some()));
    for case in &golden.cases {
        let tokens = tokenizer.encode(&case.text).expect("tokens");
        assert_eq!(tokens.cut, case.cut, "{:?}", case.text);
    }
}

#[test]
fn triggers_are_found_wherever_they_stand() {
    let tokenizer = tokenizer();
    let positions = |prompt: &str, trigger: &str| {
        let tokens = tokenizer.encode(prompt).expect("tokens");
        tokenizer.positions(&tokens, trigger).expect("positions")
    };
    // Position 0 is the start token.
    assert_eq!(positions("<v1> on grass", "<v1>"), [1]);
    assert_eq!(positions("a <v1> dog on grass", "<v1> dog"), [2, 3]);
    assert_eq!(positions("a <v1>dog", "<v1> dog"), [2, 3], "spaces around a trigger do not matter");
    assert_eq!(positions("A <v1> DOG", "<v1> dog"), [2, 3], "nor does case");
    assert_eq!(positions("a <v1> dog and a <v1> dog", "<v1> dog"), [2, 3, 6, 7], "every occurrence counts");
    assert_eq!(positions("<v1> <v1> <v1>", "<v1> <v1>"), [1, 2, 3], "overlapping ones once");
    assert_eq!(positions("a <v1> dog and a <v2> cat", "<v2> cat"), [6, 7]);
    assert!(positions("a <v1> cat", "<v1> dog").is_empty(), "the whole trigger must be there");
    assert!(positions("a dog", "<v1>").is_empty());
    assert!(positions("a <v1> dog", "").is_empty());
    assert!(positions("", "<v1>").is_empty());
}

#[test]
fn a_trigger_that_was_cut_is_not_found() {
    let tokenizer = tokenizer();
    let tokens = tokenizer.encode(&format!("{}<v1> dog", "dog ".repeat(40))).expect("tokens");
    assert!(tokenizer.positions(&tokens, "<v1> dog").expect("positions").is_empty());
    assert!(tokens.cut.is_some_and(|cut| cut.ends_with("<v1> dog")));
}
