//! A U-Net that takes an attention bias: any bundle's graph, edited in memory before it is loaded.
//!
//! Cross-attention is `com.microsoft.MultiHeadAttention` in a bundle's graph, and that node takes numbers to be added to its scores
//! ([batch, 1, places, tokens]) as its sixth input. Bundles give it none, for with them ONNX Runtime computes another way, slower and
//! not to the same bit. So the input is put there only for pictures that need it: names of inputs are appended to nodes, inputs to the
//! graph, and all other bytes stay as they are. Layers that look from as many places share one input.

use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::protobuf::{Fault, Reader, write_bytes, write_varint};

/// What the names of the inputs begin with.
const INPUT: &str = "attention_bias_";
/// What a name in a graph is at most as long as.
const LONGEST: u64 = 1 << 16;
/// Nodes between an input of K and the attention that reads it: casts, and what quantised forms put there.
const MOST_BETWEEN: usize = 8;
/// The input of the node that is the bias.
const BIAS: usize = 5;

/// The input for layers that see the picture so many times smaller than the latent, across and down.
pub(crate) fn input(downsampling: usize) -> String {
    format!("{INPUT}{downsampling}")
}

/// How many times smaller, where that is the name of such an input.
pub(crate) fn downsampling_of(input: &str) -> Option<usize> {
    input.strip_prefix(INPUT)?.parse().ok()
}

/// The U-Net at `path` with inputs for a bias, as bytes of an ONNX model. Weights lie where they did, in files beside `path`.
///
/// # Errors
/// [`Error::BadRequest`] where its attention is of another form or its layers do not say from how many places they look;
/// [`Error::BadBundle`] where it is no graph; [`Error::Io`].
pub fn add(path: &Path, manifest: &Manifest) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let keys: HashMap<&str, Option<usize>> = manifest
        .layers
        .iter()
        .filter(|layer| layer.name.ends_with(".to_k"))
        .map(|layer| (layer.name.as_str(), downsampling(&layer.name, manifest)))
        .collect();
    match edited(&bytes, &keys) {
        Ok(model) => Ok(model),
        Err(Reason::Fault(Fault::Damaged(reason))) => {
            Err(Error::bundle(path, format!("it is no ONNX graph: {reason}")))
        }
        Err(Reason::Fault(Fault::Io(error))) => Err(Error::io("read", path)(error)),
        Err(Reason::Form(reason)) => {
            let name = &manifest.name;
            Err(Error::request("boxes", format!("cannot be had with `{name}`, whose U-Net {reason}")))
        }
    }
}

/// How many times smaller than the latent a U-Net's layer sees the picture, by diffusers' name of it: block `i` on the way down
/// sees it behind `i` halvings, and one on the way up behind all but `i`. `multiple` over `scale` is all halvings.
fn downsampling(layer: &str, manifest: &Manifest) -> Option<usize> {
    let halvings = (manifest.latent.multiple / manifest.latent.scale.max(1)).checked_ilog2()?;
    let mut parts = layer.split('.');
    let (block, number) = (parts.next()?, parts.next().and_then(|number| number.parse::<u32>().ok()));
    let level = match block {
        "down_blocks" => number?,
        "mid_block" => halvings,
        "up_blocks" => halvings.checked_sub(number?)?,
        _ => return None,
    };
    (level <= halvings).then(|| 1usize.checked_shl(level)).flatten()
}

/// Why there is no bias.
#[derive(Debug)]
enum Reason {
    Fault(Fault),
    /// What the U-Net is.
    Form(String),
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What there is to know of a node.
#[derive(Debug, Default)]
struct Node {
    bytes: Range<usize>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    op_type: String,
}

fn edited(bytes: &[u8], keys: &HashMap<&str, Option<usize>>) -> Result<Vec<u8>, Reason> {
    let mut model = Vec::with_capacity(bytes.len() + (bytes.len() >> 6));
    for Part { number, whole, content } in parts(bytes, 0..bytes.len())? {
        match content.filter(|_| number == 7) {
            Some(graph) => {
                write_bytes(&mut model, 7, &edited_graph(bytes, graph, keys)?);
            }
            None => model.extend_from_slice(&bytes[whole]),
        }
    }
    Ok(model)
}

fn edited_graph(bytes: &[u8], graph: Range<usize>, keys: &HashMap<&str, Option<usize>>) -> Result<Vec<u8>, Reason> {
    let parts = parts(bytes, graph.clone())?;
    let is_node = |part: &&Part| part.number == 1;
    let nodes = parts.iter().filter(is_node).filter_map(|part| part.content.clone());
    let nodes = nodes.map(|content| node(bytes, content)).collect::<Result<Vec<_>, _>>()?;
    let places = places(&nodes, keys)?;
    let mut out = Vec::with_capacity(graph.len());
    let mut at = 0;
    for part in &parts {
        let own = if is_node(&part) && part.content.is_some() { nodes.get(at) } else { None };
        at += usize::from(own.is_some());
        match own.and_then(|node| Some((node, places.get(&(at - 1))?))) {
            Some((node, downsampling)) => {
                let mut changed = bytes[node.bytes.clone()].to_vec();
                // Fields of a list may stand anywhere in a message: what comes last is last in the list.
                (node.inputs.len()..BIAS).for_each(|_| write_bytes(&mut changed, 1, b""));
                write_bytes(&mut changed, 1, input(*downsampling).as_bytes());
                write_bytes(&mut out, 1, &changed);
            }
            None => out.extend_from_slice(&bytes[part.whole.clone()]),
        }
    }
    for downsampling in places.values().copied().collect::<BTreeSet<_>>() {
        write_bytes(&mut out, 11, &value_info(downsampling));
    }
    Ok(out)
}

/// Which nodes are the cross-attention, and from how many places each looks.
fn places(nodes: &[Node], keys: &HashMap<&str, Option<usize>>) -> Result<HashMap<usize, usize>, Reason> {
    let form = |reason: String| Err(Reason::Form(reason));
    let makers: HashMap<&str, &Node> =
        nodes.iter().flat_map(|node| node.outputs.iter().map(move |output| (output.as_str(), node))).collect();
    let mut missing: BTreeSet<&str> = keys.keys().copied().collect();
    let mut places = HashMap::new();
    for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.op_type == "MultiHeadAttention") {
        let mut value = node.inputs.get(1).map(String::as_str);
        for _ in 0..MOST_BETWEEN {
            let made = value.filter(|value| !keys.contains_key(value)).and_then(|value| makers.get(value));
            let Some(maker) = made else { break };
            value = maker.inputs.first().map(String::as_str);
        }
        let Some((layer, downsampling)) = value.and_then(|value| keys.get_key_value(value)) else { continue };
        let Some(downsampling) = downsampling else {
            return form(format!("does not say how large the picture is where `{layer}` looks at it"));
        };
        // What stands behind them would move.
        if node.inputs.len() > BIAS {
            return form(format!("has a bias of its own in the attention of `{layer}`"));
        }
        missing.remove(layer);
        places.insert(at, *downsampling);
    }
    match missing.first() {
        Some(layer) => form(format!("has no `MultiHeadAttention` that reads `{layer}`: there is no place for a bias")),
        None => Ok(places),
    }
}

/// An input of a graph: float32 [batch, 1, places, tokens].
fn value_info(downsampling: usize) -> Vec<u8> {
    let name = input(downsampling);
    let places = format!("{name}_places");
    let mut shape = Vec::new();
    for dimension in [Some("batch"), None, Some(places.as_str()), Some("tokens")] {
        let mut size = Vec::new();
        match dimension {
            Some(name) => write_bytes(&mut size, 2, name.as_bytes()),
            None => write_varint(&mut size, 1, 1),
        }
        write_bytes(&mut shape, 1, &size);
    }
    let (mut tensor, mut kind, mut info) = (Vec::new(), Vec::new(), Vec::new());
    write_varint(&mut tensor, 1, 1);
    write_bytes(&mut tensor, 2, &shape);
    write_bytes(&mut kind, 1, &tensor);
    write_bytes(&mut info, 1, name.as_bytes());
    write_bytes(&mut info, 2, &kind);
    info
}

/// A field of a message.
struct Part {
    number: u64,
    /// With its number and length.
    whole: Range<usize>,
    /// What it holds, where that has a length.
    content: Option<Range<usize>>,
}

/// The fields of the message that lies at `range`.
fn parts(bytes: &[u8], range: Range<usize>) -> Result<Vec<Part>, Fault> {
    // Within `bytes`, whose length is a `usize`.
    let place = |at: u64| range.start + at as usize;
    let end = range.len() as u64;
    let mut reader = Reader::new(Cursor::new(&bytes[range.clone()]));
    let mut parts = Vec::new();
    while reader.at() < end {
        let start = reader.at();
        let field = reader.field(end)?;
        let content = field.end.map(|stop| place(reader.at())..place(stop));
        field.end.map_or(Ok(()), |stop| reader.skip_to(stop))?;
        parts.push(Part { number: field.number, whole: place(start)..place(reader.at()), content });
    }
    Ok(parts)
}

fn node(bytes: &[u8], range: Range<usize>) -> Result<Node, Fault> {
    let mut node = Node { bytes: range.clone(), ..Node::default() };
    for Part { number, content, .. } in parts(bytes, range)? {
        let Some(content) = content.filter(|_| [1, 2, 4].contains(&number)) else { continue };
        if content.len() as u64 > LONGEST {
            return Err(Fault::Damaged("a name in it is too long"));
        }
        let text = String::from_utf8_lossy(&bytes[content]).into_owned();
        match number {
            1 => node.inputs.push(text),
            2 => node.outputs.push(text),
            _ => node.op_type = text,
        }
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node_of(op_type: &str, inputs: &[&str], output: &str) -> Vec<u8> {
        let mut node = Vec::new();
        inputs.iter().for_each(|input| write_bytes(&mut node, 1, input.as_bytes()));
        write_bytes(&mut node, 2, output.as_bytes());
        write_bytes(&mut node, 4, op_type.as_bytes());
        node
    }

    fn model_of(nodes: &[Vec<u8>]) -> Vec<u8> {
        let (mut graph, mut model) = (Vec::new(), Vec::new());
        nodes.iter().for_each(|node| write_bytes(&mut graph, 1, node));
        write_bytes(&mut graph, 2, b"unet");
        write_varint(&mut model, 1, 10);
        write_bytes(&mut model, 7, &graph);
        write_bytes(&mut model, 8, b"opset");
        model
    }

    fn keys() -> HashMap<&'static str, Option<usize>> {
        HashMap::from([("a.to_k", Some(1)), ("b.to_k", Some(2))])
    }

    #[test]
    fn a_bias_goes_to_each_cross_attention_and_to_no_other() -> Result<(), Reason> {
        let nodes = [
            node_of("MultiHeadAttention", &["q", "a.to_k", "a.to_v"], "x"),
            node_of("MultiHeadAttention", &["q", "k", "v"], "y"),
            node_of("Cast", &["b.to_k"], "cast"),
            node_of("MultiHeadAttention", &["q", "cast", "b.to_v", ""], "z"),
        ];
        let model = model_of(&nodes);
        let changed = edited(&model, &keys())?;
        let whole = parts(&changed, 0..changed.len())?;
        let graph = whole.iter().find(|part| part.number == 7).and_then(|part| part.content.clone());
        let inner = parts(&changed, graph.unwrap_or_default())?;
        let of = |number: u64| inner.iter().filter(move |part| part.number == number).filter_map(|p| p.content.clone());
        let inputs = of(1).map(|content| Ok(node(&changed, content)?.inputs)).collect::<Result<Vec<_>, Fault>>()?;
        assert_eq!(inputs[0], ["q", "a.to_k", "a.to_v", "", "", "attention_bias_1"]);
        assert_eq!(inputs[1], ["q", "k", "v"]);
        assert_eq!(inputs[3], ["q", "cast", "b.to_v", "", "", "attention_bias_2"]);
        assert_eq!(of(11).count(), 2);
        // All else is as it was.
        assert_eq!((whole[0].whole.clone(), whole.len()), (0..2, 3));
        Ok(())
    }

    #[test]
    fn a_layer_without_its_attention_is_named() {
        let model = model_of(&[node_of("MultiHeadAttention", &["q", "a.to_k", "a.to_v"], "x")]);
        let reason = edited(&model, &keys()).map(drop);
        assert!(matches!(&reason, Err(Reason::Form(reason)) if reason.contains("`b.to_k`")), "{reason:?}");
    }

    #[test]
    fn what_is_cut_off_is_no_graph() {
        let model = model_of(&[node_of("MultiHeadAttention", &["q", "a.to_k", "a.to_v"], "x")]);
        for end in 1..model.len() {
            // Never a panic; where a field ends, what is there may be whole.
            let _ = edited(&model[..end], &keys());
        }
        assert!(matches!(edited(&model[..10], &keys()), Err(Reason::Fault(_))));
    }
}
