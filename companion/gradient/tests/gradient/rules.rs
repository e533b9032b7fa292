//! The derivative rule of each operator against central differences.

pub(crate) mod case;
mod differences;
mod elements;
mod matrices;
mod parts;
pub(crate) mod session;

use std::collections::BTreeSet;

use cones_gradient::operators;

use case::Case;

fn all() -> Vec<Case> {
    let groups = [
        elements::activations(),
        elements::arithmetic(),
        elements::reductions(),
        elements::shapes(),
        matrices::products(),
        matrices::pictures(),
        matrices::normalisations(),
        matrices::attention(),
        matrices::multihead(),
        parts::parts(),
    ];
    groups.into_iter().flatten().collect()
}

/// Every case that fails is told, not the first alone.
fn check(cases: &[Case]) {
    let mut faults = Vec::new();
    for case in cases {
        match differences::check(case) {
            Ok(worst) => println!("{:45} {:>5.1} % of what is allowed", case.name(), 100.0 * worst),
            Err(fault) => faults.push(format!("{}: {fault}", case.name())),
        }
    }
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn functions_of_single_elements_have_the_slopes_of_differences() {
    check(&elements::activations());
}

#[test]
fn arithmetic_has_the_slopes_of_differences() {
    check(&elements::arithmetic());
}

#[test]
fn sums_and_means_have_the_slopes_of_differences() {
    check(&elements::reductions());
}

#[test]
fn changes_of_shape_have_the_slopes_of_differences() {
    check(&elements::shapes());
}

#[test]
fn products_of_matrices_have_the_slopes_of_differences() {
    check(&matrices::products());
}

#[test]
fn convolutions_and_enlarging_have_the_slopes_of_differences() {
    check(&matrices::pictures());
}

#[test]
fn normalisations_have_the_slopes_of_differences() {
    check(&matrices::normalisations());
}

#[test]
fn attention_has_the_slopes_of_differences() {
    check(&matrices::attention());
    check(&matrices::multihead());
}

#[test]
fn parts_of_values_have_the_slopes_of_differences() {
    check(&parts::parts());
}

#[test]
fn every_rule_has_a_case_and_every_case_a_rule() {
    let (rules, cases): (BTreeSet<&str>, BTreeSet<&str>) =
        (operators().collect(), all().into_iter().map(|case| case.op).collect());
    let untested: Vec<_> = rules.difference(&cases).collect();
    assert!(untested.is_empty(), "rules without a case: {untested:?}");
    let unknown: Vec<_> = cases.difference(&rules).collect();
    assert!(unknown.is_empty(), "cases without a rule: {unknown:?}");
}
