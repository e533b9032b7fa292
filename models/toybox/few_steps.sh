#!/usr/bin/env bash
# Makes Toybox that draws in four steps: its pipeline with the LoRA `few-steps/toybox-4-steps.safetensors` merged, as any LoRA is.
# Keys and values stay as they are, and so do fingerprint and subject packs. The LoRA is made by `recipe/few_steps.py`.
#
#   models/toybox/few_steps.sh PYTHON WORK_FOLDER [OUT [LORA]]      # PYTHON has models/export/requirements.txt installed
set -euo pipefail
python=${1:?give a Python interpreter} work=${2:?give a work folder}
out=${3:-target/toybox-4-steps} lora=${4:-models/toybox/few-steps/toybox-4-steps.safetensors}
cd "$(dirname "$0")/../.."
mkdir -p "$work"
pipeline=$work/pipeline
"$python" models/toybox/pipeline.py "$pipeline"
for dialect in fused plain; do
    [ -f "$work/$dialect/unet.onnx" ] || "$python" models/export/export_onnx.py "$pipeline" "$work/$dialect" --dialect "$dialect"
done
cargo xtask setup
cargo build --release -p cones-companion
target/release/cones import --onnx "$work/fused" --plain "$work/plain" --weights "$pipeline" --merge "$lora" \
    --out "$out" --name toybox-4-steps --licence "MIT OR Apache-2.0 (artwork: see models/toybox/README.md)" \
    --dtype float16 --scheduler ddim --steps 4 --guidance 1 --force
