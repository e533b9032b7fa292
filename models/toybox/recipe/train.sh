#!/usr/bin/env bash
# Trains Toybox from nothing, or on from the model in place: artwork, VAE, latents, text encoder and U-Net.
# It may be killed at any second and started again: each stage goes on from its last checkpoint, a minute or two old at most.
#
#   models/toybox/recipe/train.sh WORK             # train, one hour of the U-Net after the other, until HOURS are reached
#   models/toybox/recipe/train.sh WORK status      # one line: what it has reached and how long to go
#
# WORK lies outside version control. One core, beside other work: CORE (a core's number, default: any) and NICE (10) say how; PROCESSES=2
# trains the U-Net on two cores, 1.6 times as fast.
# VAE_MINUTES (90), HOURS (12, of the U-Net's training) and SHARDS (60 of 4096 pictures) are the lengths of the stages; a larger
# HOURS later trains on. BEGIN=model begins an empty WORK with the model in place (10.9 hours). After each hour WORK/figures.jsonl has a line of figures and WORK/drawn.png a sheet of pictures.
set -euo pipefail
work=$(mkdir -p "${1:?give a work folder}" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
vae_minutes=${VAE_MINUTES:-90} hours=${HOURS:-12} shards=${SHARDS:-60} channels=${CHANNELS:-8}
export OMP_NUM_THREADS=1

if [ "${2:-}" = status ]; then
    grep -h '^vae: ' "$work/train.log" | tail -n 1 || true
    grep -h '^unet: ' "$work/train.log" | tail -n 1 || echo "unet: not begun"
    tail -n 1 "$work/figures.jsonl" 2>/dev/null || true
    exit
fi

if [ ! -x "$work/venv/bin/python" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
fi
run=(nice -n "${NICE:-10}" "$work/venv/bin/python")
[ -z "${CORE:-}" ] || run=(taskset -c "$CORE" "${run[@]}")
exec > >(tee -a "$work/train.log") 2>&1
cd "$here"

if [ ! -f "$work/sprites.npz" ]; then
    sets=$("${run[@]}" -c 'import artwork; print(*(f"{n}@{v[0]}" for n, v in artwork.SETS.items()))')
    for package in $sets; do
        folder="$work/npm/@iconify-json/${package%@*}"
        [ ! -f "$folder/icons.json" ] || continue
        mkdir -p "$folder"
        (cd "$work" && tar xzf "$(npm pack --silent "@iconify-json/$package")" -C "$folder" --strip-components 1)
    done
    "${run[@]}" artwork.py --npm "$work/npm" --out "$work/sprites.npz"
fi
if [ "${BEGIN:-nothing}" = model ] && [ ! -f "$work/vae.pt" ]; then
    "${run[@]}" ../pipeline.py "$work/before"
    "${run[@]}" carry.py begin --work "$work" --folder "$work/before"
fi
[ -f "$work/tokenizer/tokenizer.json" ] || "${run[@]}" make_tokenizer.py "$work/tokenizer"

"${run[@]}" train_vae.py --work "$work" --minutes "$vae_minutes" --channels "$channels"
have() { find "$work/latents" -name '[0-9]*.npz' ! -name '*.part.npz' 2>/dev/null | wc -l; }
# A latent costs a core as much as three that are trained on. So the U-Net starts on a few shards, and each hour of it is
# followed by a few more, until there are all.
first=$((shards < 4 ? shards : 4))
[ "$(have)" -ge "$first" ] || "${run[@]}" make_latents.py --work "$work" --shards "$first"
for ((hour = 1; hour <= hours; hour++)); do
    # The learning rate follows the whole length, so an hour is a part of it and not a training of its own.
    "${run[@]}" train_unet.py --work "$work" --processes "${PROCESSES:-1}" --minutes "$((60 * hours))" --until "$((60 * hour))"
    # Figures stop nothing: a training without them is still a training.
    "${run[@]}" evaluate.py --work "$work" || echo "evaluate: failed; the training goes on"
    now=$(have)
    [ "$now" -ge "$shards" ] || "${run[@]}" make_latents.py --work "$work" --shards "$((now + 8 < shards ? now + 8 : shards))"
done
