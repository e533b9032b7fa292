//! Prints how many nodes of each operator an ONNX file has: `list_nodes FILE.onnx`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use cones_onnx::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("give an ONNX file")?;
    let model = Model::open(Path::new(&file))?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &model.graph()?.node {
        *counts.entry(node.op_type()).or_default() += 1;
    }
    let mut out = std::io::stdout();
    for (operator, count) in counts {
        writeln!(out, "{count:6} {operator}")?;
    }
    Ok(())
}
