#!/usr/bin/env bash
# Puts a trained Toybox into place: pipeline, bundle, figures, golden vectors. One command replaces the model.
#
#   models/toybox/recipe/install.sh WORK_FOLDER
set -euo pipefail
work=$(cd "${1:?give the work folder of train.sh}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python="$work/venv/bin/python"
export OMP_NUM_THREADS=1

"$work/venv/bin/pip" install --quiet -r "$root/models/export/requirements.txt"
cd "$here"
"$python" make_subjects.py --npm "$work/npm" --work "$work" --out "$root/models/subjects"
rm -rf "$root/models/toybox/diffusers"
"$python" save_pipeline.py --work "$work" --out "$root/models/toybox/diffusers"

cd "$root"
"$root/models/toybox/bundle.sh" "$python" "$work/onnx"
"$python" models/toybox/recipe/evaluate.py --npm "$work/npm" --work "$work" --pipeline models/toybox/diffusers
for script in tokens text pictures; do
    "$python" "tests/golden/make_$script.py"
done
