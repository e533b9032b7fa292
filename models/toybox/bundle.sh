#!/usr/bin/env bash
# Exports models/toybox/diffusers to ONNX and imports it as models/toybox/bundle; the same bytes every time.
#
#   models/toybox/bundle.sh PYTHON WORK_FOLDER [OUT]      # PYTHON has models/export/requirements.txt installed
set -euo pipefail
python=${1:?give a Python interpreter} work=${2:?give a work folder}
cd "$(dirname "$0")/../.."
out=${3:-models/toybox/bundle}
mkdir -p "$work"
for dialect in fused plain; do
    rm -rf "${work:?}/$dialect"
    "$python" models/export/export_onnx.py models/toybox/diffusers "$work/$dialect" --dialect "$dialect"
done
cargo xtask setup
cargo build --release -p cones-companion
target/release/cones import --onnx "$work/fused" --plain "$work/plain" --weights models/toybox/diffusers \
    --out "$out" --name toybox --licence "MIT OR Apache-2.0 (artwork: see models/toybox/README.md)" \
    --store float16 --guidance 4 --force
