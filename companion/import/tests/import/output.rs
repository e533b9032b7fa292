//! Where the bundle goes, and what is left behind when an import fails.

use std::fs;

use cones_core::CancelToken;
use cones_import::{Stage, import};

use crate::fixture::{arguments, export, manifest, run, temporary, told};

#[test]
fn an_existing_bundle_is_replaced_only_with_force() {
    let (export, out) = (export("plain"), temporary());
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    run(&args).expect("an import");
    args.name = Some("second".into());
    let error = told(&run(&args).expect_err("it is there already"));
    assert!(error.contains("is there already") && error.contains("--force"), "{error}");
    assert_eq!(manifest(&args.out).name, "tiny");
    args.replace = true;
    run(&args).expect("a replacement");
    assert_eq!(manifest(&args.out).name, "second");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 1, "nothing is left beside it");
}

#[test]
fn force_does_not_replace_what_is_no_bundle() {
    let export = export("plain");
    let mut args = arguments(export.path(), export.path());
    args.replace = true;
    let error = told(&run(&args).expect_err("the export itself"));
    assert!(error.contains("is no bundle"), "{error}");
    assert!(export.path().join("unet.onnx").is_file());
}

#[test]
fn a_failed_import_leaves_nothing_behind() {
    let (export, out) = (export("plain"), temporary());
    fs::write(export.path().join("vae_decoder.onnx"), b"no graph").expect("a file");
    let error = told(&run(&arguments(export.path(), &out.path().join("bundle"))).expect_err("a broken decoder"));
    assert!(error.contains("vae_decoder.onnx"), "{error}");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0);
}

#[test]
fn a_cancelled_import_leaves_nothing_behind() {
    let (export, out) = (export("fused"), temporary());
    let cancel = CancelToken::new();
    let mut stages = 0;
    let mut told = |_: Stage<'_>| {
        stages += 1;
        if stages == 3 {
            cancel.cancel();
        }
    };
    let error =
        import(&arguments(export.path(), &out.path().join("bundle")), &mut told, &cancel).expect_err("cancelled");
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(stages, 3, "it stops between two stages");
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0);
}
