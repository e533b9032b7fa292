#!/usr/bin/env bash
# What runs on a borrowed machine with a GPU, in the root of a copy of this repository. `cargo xtask gpu` puts what it needs into
# .gpu/ and prints the calls. What fails says so and is left out: nothing stops the training, and nothing loses its weights.
#
#   gpu.sh take                               takes .gpu/train in: packages and artwork
#   gpu.sh start SECONDS VAE_SECONDS BATCH [VAE_FLAGS [UNET_FLAGS]]
#                                             takes .gpu/weights in, .gpu/train too where it was not, and trains in the background for so
#                                             long, the VAE first
#   gpu.sh bring K                            keeps .gpu/cuda-K, a piece of the CUDA provider and of our programs
#   gpu.sh check SECONDS PROVIDER [--tiny]    what was brought: parity, finding, gradient, pictures; at most so long
#   gpu.sh collect                            what the training has reached, into $OUT
#   gpu.sh finish SECONDS                     waits for the training's end, at most so long, and collects
set -uo pipefail
home=${CONES_GPU_HOME:-/tmp/cones-gpu}
# Processes that make latents, how many shards they make, and how many the U-Net waits for. A rehearsal has fewer and smaller ones.
workers=${CONES_GPU_WORKERS:-8} shards=${CONES_GPU_SHARDS:-128} first=${CONES_GPU_FIRST:-8} shard=${CONES_GPU_SHARD:-4096}
recipe=$home/recipe work=$home/work log=$home/train.log
export PYTHONPATH=$home/site${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1

say() { echo "gpu.sh: $*"; }

take() {
    mkdir -p "$work"
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target "$home/site" .gpu/train/*.whl ||
        say "the wheels were not installed"
    cp -r .gpu/train/work/. "$work" && touch "$home/taken" || say "taking the artwork in FAILED"
    say "artwork: $(du -sh "$work" | cut -f1)"
}

start() {
    if running; then
        say "the training runs already"
        return
    fi
    [ -e "$home/taken" ] || take
    # A copy: the next call writes this tree anew under the running scripts.
    rm -rf "$recipe" && cp -r models/toybox/recipe "$recipe"
    [ ! -f .gpu/weights/weights.sums ] || {
        python3 "$recipe/gpu/pieces.py" join weights "$home/weights" .gpu/weights &&
            python3 "$recipe/gpu/weights.py" unpack "$home/weights" "$work"
    } || say "the checkpoints were not taken in: the training begins anew"
    setsid bash "$recipe/gpu.sh" train "$@" >"$log" 2>&1 </dev/null &
    echo $! >"$home/pid"
    local until=$((SECONDS + ${CONES_GPU_WATCH:-25}))
    while running && [ $SECONDS -lt $until ]; do sleep 1; done
    running && say "the training runs" || say "the training has ended already"
    tail -n 25 "$log"
}

# Not the shell's own child: another call asks. A process that has ended and was not waited for is a zombie (Z).
running() {
    local pid
    pid=$(cat "$home/pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

train() {
    local end=$(($(date +%s) + $1)) vae_end=$(($(date +%s) + $2)) batch=$3 vae_flags=${4:-} unet_flags=${5:-}
    cd "$recipe" || exit 1
    date
    python3 -c 'import torch; print(torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")'
    if [ "$2" -gt 0 ]; then
        stage train_vae.py "$vae_end" $((batch / 4 > 0 ? batch / 4 : 1)) "--channels $(channels)" "$vae_flags"
    fi
    latents "$end"
    stage train_unet.py "$end" "$batch" "--every 60" "$(compiled) $unet_flags"
    # They lead no session of their own, and end with the training.
    jobs -p | xargs -r kill 2>/dev/null
    date
    say "the training has ended"
}

# Of a VAE that is there already, else train.sh's.
channels() {
    python3 -c 'import sys, torch; print(torch.load(sys.argv[1], weights_only=True, map_location="cpu")["numbers"]["channels"])' \
        "$work/vae.pt" 2>/dev/null || echo 8
}

compiled() { python3 -c 'import torch; print("--compile" if torch.cuda.is_available() else "")'; }

# Several processes encode pictures; the U-Net begins on the first of them and takes up more as they come.
latents() {
    local end=$1 k
    for ((k = 0; k < workers; k++)); do
        python3 -c "import make_latents; make_latents.SHARD = $shard; make_latents.main()" --work "$work" --shards "$shards" \
            --worker "$k/$workers" &
    done
    while [ "$(find "$work/latents" -name '[0-9]*.npz' ! -name '*.part.npz' 2>/dev/null | wc -l)" -lt "$first" ]; do
        [ -n "$(jobs -pr)" ] || { say "make_latents.py FAILED"; return; }
        [ "$(date +%s)" -lt "$end" ] || return
        sleep 1
    done
}

# One script until a point in time, when it is told to stop and saves. Where it fails, once more from its checkpoint, not compiled and
# with half the batch; then with a quarter and without the flags that it can do without.
stage() {
    local script=$1 end=$2 batch=$3 needed=$4 more=$5 attempt left minutes dynamo=0
    left=$((end - $(date +%s)))
    # Of all attempts together: a checkpoint counts what it has had. Loading is not counted, and the learning rate shall reach its end.
    left=$((left > 60 ? left - 20 : left))
    minutes="$((left / 60)).$(printf %02d $((left % 60 * 100 / 60)))"
    for attempt in 1 2 3; do
        left=$((end - $(date +%s)))
        [ $left -ge 5 ] || return 0
        say "$script, attempt $attempt: $left s, batch $batch $needed $more"
        # shellcheck disable=SC2086  # flags are words
        TORCHDYNAMO_DISABLE=$dynamo timeout --kill-after=40 "$left" \
            python3 "$script" --work "$work" --batch "$batch" --minutes "$minutes" $needed $more
        case $? in
        0 | 124) return 0 ;;
        *) say "$script FAILED" ;;
        esac
        dynamo=1 batch=$((batch > 1 ? batch / 2 : 1))
        [ $attempt -lt 2 ] || more=""
    done
}

bring() {
    mkdir -p "$home/cuda"
    cp ".gpu/cuda-$1"/* "$home/cuda/" && say "piece $1: $(du -sh "$home/cuda" | cut -f1) are here"
    tail -n 3 "$log"
}

check() {
    local seconds=$1 provider=$2 tiny=${3:-}
    timeout --kill-after=5 "$seconds" python3 models/toybox/recipe/gpu/check.py "$home" "$OUT" --provider "$provider" $tiny ||
        say "not all checks passed: see cuda.txt"
    collect
}

# A pack that fails leaves the one before it in place.
collect() {
    timeout 100 python3 "$recipe/gpu/weights.py" pack "$work" "$home/packed" || say "the weights were not packed anew"
    cp "$home"/packed/weights.* "$OUT/" 2>/dev/null || say "NO WEIGHTS"
    local notes=("train.log")
    while IFS= read -r file; do notes+=("$file"); done < <(cd "$home" &&
        find work check -maxdepth 2 -type f -size -600k \( -name '*.png' -o -name '*.json' -o -name '*.jsonl' -o -name '*.log' -o -name '*.csv' \
            -o -name '*.txt' \) 2>/dev/null | grep -v tokenizer | head -n 40)
    tar czf "$OUT/notes.tar.gz" -C "$home" "${notes[@]}" || say "the notes were not packed"
    tail -n 8 "$log"
}

finish() {
    local until=$((SECONDS + $1))
    while running && [ $SECONDS -lt $until ]; do sleep 1; done
    running && say "the training has not ended; its last checkpoint is taken"
    collect
}

"$@"
