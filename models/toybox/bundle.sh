#!/usr/bin/env bash
# Exports Toybox's pipeline to ONNX and imports it as models/toybox/bundle; the same bytes every time. Without PIPELINE it is
# the one that the bundle in place was made from. What a new bundle does not say of its pipeline is kept in models/toybox/diffusers.
#
#   models/toybox/bundle.sh PYTHON WORK_FOLDER [PIPELINE [OUT]]      # PYTHON has models/export/requirements.txt installed
set -euo pipefail
python=${1:?give a Python interpreter} work=${2:?give a work folder}
pipeline=${3:-} out=${4:-}
cd "$(dirname "$0")/../.."
mkdir -p "$work"
if [ -z "$pipeline" ]; then
    pipeline=$work/pipeline
    "$python" models/toybox/pipeline.py "$pipeline"
fi
for dialect in fused plain; do
    rm -rf "${work:?}/$dialect"
    "$python" models/export/export_onnx.py "$pipeline" "$work/$dialect" --dialect "$dialect"
done
cargo xtask setup
cargo build --release -p cones-companion
target/release/cones import --onnx "$work/fused" --plain "$work/plain" --weights "$pipeline" \
    --out "${out:-models/toybox/bundle}" --name toybox --licence "MIT OR Apache-2.0 (artwork: see models/toybox/README.md)" \
    --dtype float16 --guidance 3 --force
if [ -z "$out" ]; then
    "$python" models/toybox/pipeline.py --record "$pipeline"
fi
