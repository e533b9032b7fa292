#!/usr/bin/env bash
# Makes the measures of `cones evaluate` from the artwork and the Toybox in place: redrawn pictures, two networks, references.
# Resumable: run it again and each stage goes on from its checkpoint. About 80 minutes of one core.
#
#   models/toybox/recipe/measure.sh WORK_FOLDER      # WORK_FOLDER is train.sh's
set -euo pipefail
work=$(cd "${1:?give the work folder of train.sh}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
python="$work/venv/bin/python"
export OMP_NUM_THREADS=1

"$work/venv/bin/pip" install --quiet -r "$here/../../export/requirements.txt"
cd "$here"
"$python" ../pipeline.py "$work/toybox"
"$python" redraw.py --npm "$work/npm" --work "$work" --pipeline "$work/toybox" --shards "${SHARDS:-10}"
"$python" train_embedding.py --npm "$work/npm" --work "$work" --steps "${EMBEDDING_STEPS:-3000}"
"$python" train_classifier.py --npm "$work/npm" --work "$work" --steps "${CLASSIFIER_STEPS:-3000}"
"$python" export_measure.py --npm "$work/npm" --work "$work" --out ../measure
# The drawings of artists that Toybox does not know: the folder where toybox2's train.sh put its sprites.
if [ -n "${TOYBOX2_WORK:-}" ]; then "$python" distractors.py --sprites "$TOYBOX2_WORK" --measure ../measure; fi
