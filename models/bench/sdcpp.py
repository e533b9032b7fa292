"""stable-diffusion.cpp for `cargo xtask bench size`: its package, and our model as it wants it."""
import os
import subprocess
import sys

from worker import WorkerFailed

PACKAGE = "stable-diffusion-cpp-python==0.4.7"
# What it calls the text encoder's weights, which newer transformers save without it.
PREFIX = "text_model."


def package(work):
    """The folder that the package is in, built from source at the first time: it takes a compiler, CMake and minutes."""
    folder = work / "sdcpp-python"
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == PACKAGE:
        return folder
    print(f"Building {PACKAGE} (once: some minutes)", flush=True)
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps",
                           "--upgrade", "--target", str(folder), PACKAGE], capture_output=True, text=True,
                          env=dict(os.environ, CMAKE_ARGS="-DGGML_NATIVE=ON", CMAKE_BUILD_PARALLEL_LEVEL="2"))
    if done.returncode:
        raise WorkerFailed(f"it could not be built; leave it out with --only, or see why:\n{done.stderr[-2000:]}")
    stamp.write_text(PACKAGE, encoding="utf-8")
    return folder


def model(diffusers, work):
    """A pipeline folder with the same weights: links, and a text encoder whose weights have the prefix."""
    from safetensors.torch import load_file, save_file

    folder = work / "sdcpp"
    encoder = folder / "text_encoder/model.safetensors"
    source = diffusers / "text_encoder/model.safetensors"
    for part in ("unet", "vae", "scheduler", "tokenizer", "model_index.json"):
        link = folder / part
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to((diffusers / part).resolve())
    if not encoder.exists() or encoder.stat().st_mtime < source.stat().st_mtime:
        encoder.parent.mkdir(exist_ok=True)
        weights = {name if name.startswith(PREFIX) else PREFIX + name: value for name, value in load_file(source).items()}
        save_file(weights, encoder)
    return folder
