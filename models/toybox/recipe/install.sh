#!/usr/bin/env bash
# Puts a trained Toybox into place: pipeline, bundle, figures, subjects, example packs, golden vectors, sheets. One command replaces the
# model. Its measures come first (`measure.sh`), which is hours.
#
#   models/toybox/recipe/install.sh WORK_FOLDER [WEBUI]     # WEBUI: a checkout of stable-diffusion-webui-forge where there is no network
set -euo pipefail
work=$(cd "${1:?give the work folder of train.sh}" && pwd)
webui=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python="$work/venv/bin/python"
export OMP_NUM_THREADS=1

"$work/venv/bin/pip" install --quiet -r "$root/models/export/requirements.txt" -r "$root/tests/golden/requirements.txt"
cd "$here"
rm -rf "$root/models/subjects" "$work/pipeline"
"$python" make_subjects.py --work "$work" --out "$root/models/subjects"
"$python" save_pipeline.py --work "$work" --out "$work/pipeline"
"$python" carry.py reached --work "$work" --folder "$here"

cd "$root"
"$root/models/toybox/bundle.sh" "$python" "$work/onnx" "$work/pipeline"
"$python" models/toybox/recipe/evaluate.py --work "$work" --minutes 0 --guidance 3 --count 400
# Packs are bound to the weights they were found in.
for subject in dog owl robot cat car; do
    target/release/cones find --images "models/subjects/fluent-$subject" --class "$subject" --threads 1 \
        --bundle models/toybox/bundle --out "models/packs/fluent-$subject.cones" --author 'Cones on device' \
        --licence 'MIT, Microsoft Corporation' --show 0 --preview "models/subjects/fluent-$subject/3.png"
    # What a report would show of it is for whoever makes packs of their own.
    rm "models/packs/fluent-$subject.finding.json"
done
"$python" models/toybox/recipe/make_shapes.py --work "$work" --out models/shapes
for script in tokens layouts text pictures masks boxes adapters few_steps inpaint variation clip_skip gradients measure; do
    "$python" "tests/golden/make_$script.py"
done
"$python" tests/golden/make_emphasis.py ${webui:+--webui "$webui"}
target/release/cones sheet --bundle models/toybox/bundle --out "$work/sheet" && cp "$work/sheet/sheet.png" models/toybox/
"$python" tests/golden/make_safety.py
"$python" models/toybox/recipe/pack_sheets.py target/release/cones
echo "The LoRA of models/toybox/few-steps is of the model before: make it anew with recipe/few_steps.py --work $work --pipeline $work/pipeline"
