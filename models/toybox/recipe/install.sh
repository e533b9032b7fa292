#!/usr/bin/env bash
# Puts a trained Toybox into place: pipeline, bundle, figures, example masks, golden vectors, sheets. One command replaces the model.
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
rm -rf "$work/pipeline"
"$python" save_pipeline.py --work "$work" --out "$work/pipeline"

cd "$root"
"$root/models/toybox/bundle.sh" "$python" "$work/onnx" "$work/pipeline"
"$python" models/toybox/recipe/evaluate.py --npm "$work/npm" --work "$work" --pipeline "$work/pipeline"
# Packs are bound to the weights they were found in.
for subject in dog owl robot cat car; do
    target/release/cones find --images "models/subjects/fluent-$subject" --class "$subject" --steps 200 --only both --alone --timesteps even --threads 1 \
        --bundle models/toybox/bundle --out "models/packs/fluent-$subject.cones" --author 'Cones on device' \
        --licence 'MIT, Microsoft Corporation' --show 0 --preview "models/subjects/fluent-$subject/3.png"
    # What a report would show of it is for whoever makes packs of their own.
    rm "models/packs/fluent-$subject.finding.json"
done
target/release/cones tune --packs models/packs/fluent-dog.cones models/packs/fluent-robot.cones --threads 1 \
    --images models/subjects/fluent-dog models/subjects/fluent-robot --precision quaternary --out models/packs/together
for script in tokens text pictures masks; do
    "$python" "tests/golden/make_$script.py"
done
target/release/cones sheet --bundle models/toybox/bundle --out "$work/sheet" && cp "$work/sheet/sheet.png" models/toybox/
"$python" models/toybox/recipe/pack_sheets.py target/release/cones
echo "The LoRA of models/toybox/few-steps is of the model before: make it anew with recipe/few_steps.py --work $work --pipeline $work/pipeline"
