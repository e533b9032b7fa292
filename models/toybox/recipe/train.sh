#!/usr/bin/env bash
# Trains Toybox from nothing and puts it into place: artwork, VAE, latents, text encoder and U-Net, pipeline.
# Everything is resumable: run it again and each stage goes on from its checkpoint.
#
#   models/toybox/recipe/train.sh WORK_FOLDER
#
# With a GPU, TOYBOX=large trains the 128x128 world with 84 classes instead of the 64x64 one with 40; set it for
# install.sh too. MINUTES (98), VAE_MINUTES (20) and SHARDS (60) are the length of the stages; a larger MINUTES later trains on.
# Afterwards: models/toybox/recipe/install.sh WORK_FOLDER
set -euo pipefail
work=$(mkdir -p "${1:?give a work folder}" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
minutes=${MINUTES:-98} vae_minutes=${VAE_MINUTES:-20} shards=${SHARDS:-60}
export OMP_NUM_THREADS=1

if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
fi
python="$work/venv/bin/python"

for package in fluent-emoji-flat@1.2.6 noto@1.2.9 twemoji@1.2.5; do
    folder="$work/npm/@iconify-json/${package%@*}"
    if [ ! -f "$folder/icons.json" ]; then
        mkdir -p "$folder"
        (cd "$work" && tar xzf "$(npm pack --silent "@iconify-json/$package")" -C "$folder" --strip-components 1)
    fi
done

cd "$here"
[ -f "$work/tokenizer/tokenizer.json" ] || "$python" make_tokenizer.py "$work/tokenizer"
[ -f "$work/vae.pt" ] || "$python" train_vae.py --npm "$work/npm" --work "$work" --minutes "$vae_minutes" --batch 8
"$python" make_latents.py --npm "$work/npm" --work "$work" --shards "$shards"
"$python" train_toybox.py --work "$work" --minutes "$minutes"
