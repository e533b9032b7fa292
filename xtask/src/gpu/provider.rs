//! ONNX Runtime's CUDA provider and our programs, packed and cut into pieces that each fit into one call.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::gpu::tree::{self, Tree};
use crate::gpu::{archive, fatbin, limits, pieces, train};
use crate::onnxruntime;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Hopper: what is lent.
const ARCHITECTURE: u32 = 90;
/// The tree may grow by this between the preparation and the calls.
const GROWTH: u64 = 1 << 20;
const LIBRARY: &str = "libonnxruntime_providers_cuda.so";
/// As `check.py` joins it.
const ARCHIVE: &str = "cuda.tar";

/// Fills `.gpu/cuda-1`, `.gpu/cuda-2`, … and gives their number.
pub(crate) fn fill(workspace: &Workspace, options: &Options) -> Result<usize> {
    let cache = super::folders::cache(workspace);
    let libraries = libraries(workspace)?;
    let programs = programs(workspace, options, &cache)?;
    // Apart: the first never changes, and takes the longest.
    let packed = [("provider.tar.gz", libraries), ("tools.tar.gz", programs)];
    let mut inner = Vec::new();
    for (name, files) in packed {
        archive::pack(&cache.join(name), &files, true)?;
        inner.push((name.to_owned(), cache.join(name)));
    }
    let whole = cache.join(ARCHIVE);
    archive::pack(&whole, &inner, false)?;

    let tree = Tree::of(workspace.root()).bytes(&[])?;
    let taken = tree + limits::MARGIN + GROWTH;
    let room = limits::TREE.checked_sub(taken).filter(|room| *room > GROWTH).ok_or_else(|| {
        Failure::new(
            format!("the tree alone is {}", limits::mebibytes(tree)),
            "Move more of it aside: xtask/src/gpu/aside.rs.",
        )
    })?;
    let folder = cache.join("pieces");
    train::clear(&folder)?;
    let mut paths = pieces::split(&whole, ARCHIVE, &folder, room)?;
    let sums = paths.pop();
    forget(workspace)?;
    for (number, piece) in (1..).zip(&paths) {
        let target = workspace.path(&super::folders::piece_folder(number));
        train::clear(&target)?;
        // Every piece has the list of all: it is small, and whichever comes last is whole with it.
        for path in [Some(piece), sums.as_ref()].into_iter().flatten() {
            fs::copy(path, target.join(path.file_name().unwrap_or_default()))
                .map_err(|e| Failure::file("copy", path, &e))?;
        }
    }
    Ok(paths.len())
}

/// Pieces of an earlier preparation.
fn forget(workspace: &Workspace) -> Result {
    for number in 1.. {
        let folder = workspace.path(&super::folders::piece_folder(number));
        if !folder.exists() {
            break;
        }
        fs::remove_dir_all(&folder).map_err(|e| Failure::file("remove", &folder, &e))?;
    }
    Ok(())
}

/// The three libraries; the provider's without the code of other GPUs.
fn libraries(workspace: &Workspace) -> Result<Vec<(String, PathBuf)>> {
    let library = onnxruntime::with_cuda(workspace)?;
    let folder = library.parent().unwrap_or(&library);
    // Beside what it was made of: another version has another folder.
    let pruned = folder.join(LIBRARY).with_extension(format!("sm_{ARCHITECTURE}.so"));
    if !pruned.is_file() {
        let source = folder.join(LIBRARY);
        let mut bytes = fs::read(&source).map_err(|e| Failure::file("read", &source, &e))?;
        let freed = fatbin::prune(&mut bytes, ARCHITECTURE)?;
        println!(
            "{LIBRARY}: {} of {} are other GPUs' code",
            limits::mebibytes(freed as u64),
            limits::mebibytes(bytes.len() as u64)
        );
        let scratch = pruned.with_extension("part");
        fs::write(&scratch, bytes)
            .and_then(|()| fs::rename(&scratch, &pruned))
            .map_err(|e| Failure::file("write", &pruned, &e))?;
    }
    let mut files = vec![(format!("ort/{LIBRARY}"), pruned)];
    for name in ["libonnxruntime.so", "libonnxruntime_providers_shared.so"] {
        files.push((format!("ort/{name}"), folder.join(name)));
    }
    Ok(files)
}

/// `cones` and the bench of gradients with CUDA, and the bundle that they run on.
fn programs(workspace: &Workspace, options: &Options, cache: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut cargo =
        workspace.cargo(options, &["build", "--release", "--package", "cones-companion", "--package", "cones-find"]);
    cargo.args(["--features", "cones-companion/cuda", "--bin", "cones", "--example", "gradient_bench"]);
    process::run(&mut cargo, "The compiler's words above say why.")?;
    let mut files = Vec::new();
    for (name, built) in [("cones", "release/cones"), ("gradient_bench", "release/examples/gradient_bench")] {
        files.push((format!("bin/{name}"), stripped(&workspace.built().join(built), &cache.join(name))?));
    }
    let bundle = workspace.path("models/toybox/bundle");
    for file in tree::under(&bundle, Path::new(""))? {
        files.push((format!("bundle/{}", file.display()), bundle.join(file)));
    }
    Ok(files)
}

/// A program without its symbols, where there is a tool for it.
fn stripped(program: &Path, out: &Path) -> Result<PathBuf> {
    let done = Command::new("strip").arg("-o").arg(out).arg(program).status();
    if !done.is_ok_and(|status| status.success()) {
        fs::copy(program, out).map_err(|e| Failure::file("copy", program, &e))?;
    }
    Ok(out.to_owned())
}
