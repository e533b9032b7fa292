#!/usr/bin/env bash
# Makes the measures of `cones evaluate` from the artwork and the Toybox in WORK: redrawn pictures, two networks, references.
# Resumable: run it again and each stage goes on from its checkpoint. About two and a half hours of one core with AVX2 alone.
#
#   models/toybox/recipe/measure.sh WORK_FOLDER      # WORK_FOLDER is train.sh's
set -euo pipefail
work=$(cd "${1:?give the work folder of train.sh}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
python="$work/venv/bin/python"
export OMP_NUM_THREADS=1

"$work/venv/bin/pip" install --quiet -r "$here/../../export/requirements.txt"
cd "$here"
"$python" redraw.py --work "$work" --shards "${SHARDS:-10}"
"$python" train_embedding.py --work "$work" --steps "${EMBEDDING_STEPS:-4000}"
"$python" train_classifier.py --work "$work" --steps "${CLASSIFIER_STEPS:-6000}"
"$python" export_measure.py --work "$work" --out ../measure
"$python" evaluate_measure.py --work "$work" --measure ../measure
