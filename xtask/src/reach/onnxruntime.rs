//! Toybox with each version of ONNX Runtime.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::reach::picture::psnr;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process};

/// One way of drawing.
struct Case {
    name: &'static str,
    /// The form drawn with; `exact` is Toybox's bundle itself.
    form: &'static str,
    prompt: &'static str,
    more: &'static [&'static str],
}

const TWO: &str = "a dog and an apple on grass";
const CASES: [Case; 6] = [
    Case { name: "exact", form: "exact", prompt: TWO, more: &[] },
    Case { name: "mapped", form: "exact", prompt: TWO, more: &["--low-memory"] },
    Case {
        name: "subject",
        form: "exact",
        prompt: "a {fluent-dog} on grass",
        more: &["--subject", "models/packs/fluent-dog.cones"],
    },
    Case {
        name: "from a picture",
        form: "exact",
        prompt: TWO,
        more: &["--init", "models/subjects/fluent-cat/0.png", "--strength", "0.6"],
    },
    Case { name: "int8", form: "int8", prompt: TWO, more: &[] },
    Case { name: "int8-static", form: "int8-static", prompt: TWO, more: &[] },
];

/// What is made by `cones quantise`.
const FORMS: [(&str, &[&str]); 2] = [
    ("int8", &["--weights", "int8"]),
    (
        "int8-static",
        &["--weights", "int8", "--activations", "int8", "--calibrate", "models/toybox/prompts/calibrate.txt"],
    ),
];

/// Draws every case with every version, or those in `versions`, and prints how far each picture is from that of the version that is fetched.
pub(crate) fn run(workspace: &Workspace, options: &Options, versions: &[String]) -> Result {
    let (reference, library) = onnxruntime::pinned(workspace)?;
    let others: Vec<&str> = match versions {
        [] => onnxruntime::other_versions().collect(),
        some => some.iter().map(String::as_str).filter(|version| *version != reference).collect(),
    };
    let others: Vec<(&str, PathBuf)> = others
        .into_iter()
        .map(|version| Ok((version, onnxruntime::other(workspace, version)?)))
        .collect::<Result<_>>()?;
    demo::build(workspace, options)?;
    let folder = workspace.target().join("reach/onnxruntime");
    let forms = forms(workspace, &library, &folder)?;
    for case in &CASES {
        drawn(workspace, &library, &forms, case, &file(&folder, reference, case)?)?.map_err(|words| {
            Failure::new(format!("{reference} does not draw `{}`: {words}", case.name), "It should.")
        })?;
    }
    println!("\nPSNR in dB against the pictures of ONNX Runtime {reference}\n");
    println!("| ONNX Runtime | {} |", CASES.map(|case| case.name).join(" | "));
    println!("|---|{}", "---|".repeat(CASES.len()));
    let mut refused = Vec::new();
    for (version, library) in &others {
        let mut cells = Vec::new();
        for case in &CASES {
            let picture = file(&folder, version, case)?;
            cells.push(match drawn(workspace, library, &forms, case, &picture)? {
                Ok(()) => {
                    psnr(&picture, &file(&folder, reference, case)?)?.map_or("equal".into(), |db| format!("{db:.1}"))
                }
                Err(words) => {
                    refused.push(format!("{version}, {}: {words}", case.name));
                    "refused".into()
                }
            });
        }
        println!("| {version} | {} |", cells.join(" | "));
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("not drawn:\n        {}", refused.join("\n        ")),
        "README says 1.23 or newer will do.",
    ))
}

/// The folder that holds the forms, each made anew.
fn forms(workspace: &Workspace, library: &Path, folder: &Path) -> Result<PathBuf> {
    let forms = folder.join("forms");
    fs::create_dir_all(&forms).map_err(|error| Failure::file("create", &forms, &error))?;
    for (name, how) in FORMS {
        println!("Making the form {name}");
        let mut cones = demo::cones(workspace, library);
        cones.args(["quantise", "models/toybox/bundle", "--force", "--threads", "1"]).args(how);
        let output = process::capture(cones.arg("--out").arg(forms.join(name)))?;
        if !output.status.success() {
            let words = process::last_words(&output);
            return Err(Failure::new(format!("cannot make the form {name}: {words}"), "See `cones quantise --help`."));
        }
    }
    Ok(forms)
}

fn file(folder: &Path, version: &str, case: &Case) -> Result<PathBuf> {
    let folder = folder.join(version);
    fs::create_dir_all(&folder).map_err(|error| Failure::file("create", &folder, &error))?;
    Ok(folder.join(format!("{}.png", case.name.replace(' ', "-"))))
}

/// Draws one picture; within, what was said where that failed.
fn drawn(
    workspace: &Workspace,
    library: &Path,
    forms: &Path,
    case: &Case,
    out: &Path,
) -> Result<std::result::Result<(), String>> {
    let bundle = match case.form {
        "exact" => workspace.root().join("models/toybox/bundle"),
        form => forms.join(form),
    };
    let mut cones = demo::cones(workspace, library);
    cones.args(["generate", "--prompt", case.prompt, "--seed", "7", "--threads", "1"]).args(case.more);
    let output = process::capture(cones.arg("--bundle").arg(bundle).arg("--out").arg(out))?;
    Ok(if output.status.success() { Ok(()) } else { Err(process::last_words(&output)) })
}
