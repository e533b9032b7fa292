"""Golden trajectories of the schedulers of flow models: what `core::sampling::scheduler` must follow.

    python make_flow_schedulers.py   # writes flow/cases.json and flow/values.safetensors

The format is that of `make_schedulers.py`, and so are the sample, the function in place of the model and the seed. More than there:
`sigmas` holds, one case after another, those of the timesteps visited and the last, zero: one more a case than `timesteps` has.

- `euler-flow` is FlowMatchEulerDiscreteScheduler. With `use_dynamic_shifting` it is driven as DreamLiteMobilePipeline does: sigmas from
  one to 1/steps in equal steps, and `mu` by `calculate_shift` from `image_seq_len`, a quarter of the latent's pixels. Without, as
  SanaPipeline does: by the number of steps alone.
- `dpm++2m-flow` is DPMSolverMultistepScheduler with the released Sana's configuration. Its timesteps are whole numbers.

With a strength the first sample is `scale_noise` (DPM-Solver: `add_noise`) of the picture at the first timestep visited. Only such
numbers of steps are here where pipelines agree which that is.
"""

import itertools
import json

import diffusers
import numpy
import torch
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.dreamlite.pipeline_dreamlite_mobile import calculate_shift
from safetensors.torch import save_file

from make_schedulers import SEED, SHAPE, model, picture
from toybox import HERE

OUT = HERE / "flow"
STEPS = [1, 2, 4, 20]
DYNAMIC = dict(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.16, base_image_seq_len=256, max_image_seq_len=4096)
SHIFT = ["base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift"]


def build(config: dict):
    if config["kind"] == "dpm++2m-flow":
        found = DPMSolverMultistepScheduler(
            use_flow_sigmas=True, prediction_type=config["prediction_type"], flow_shift=config["flow_shift"])
        found.set_timesteps(config["steps"])
    elif config.get("use_dynamic_shifting"):
        found = FlowMatchEulerDiscreteScheduler(**{key: config[key] for key in DYNAMIC})
        steps = config["steps"]
        found.set_timesteps(sigmas=numpy.linspace(1.0, 1 / steps, steps), mu=config["mu"])
    else:
        found = FlowMatchEulerDiscreteScheduler(shift=config["shift"])
        found.set_timesteps(config["steps"])
    return found


def start(scheduler, config: dict):
    """The first step visited and the first sample."""
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(SEED))
    if config["strength"] is None:
        return 0, noise
    steps = config["steps"]
    first = steps - int(steps * config["strength"])
    scheduler.set_begin_index(first)
    at = scheduler.timesteps[first : first + 1]
    if hasattr(scheduler, "scale_noise"):
        return first, scheduler.scale_noise(picture(), at, noise)
    return first, scheduler.add_noise(picture(), noise, at)


def trajectory(config: dict):
    scheduler = build(config)
    first, sample = start(scheduler, config)
    visited = scheduler.timesteps[first:]
    kept = []
    for i, t in enumerate(visited):
        sample = scheduler.step(model(sample, t), t, sample).prev_sample
        if i == (len(visited) - 1) // 2:
            kept.append(sample)
    kept.append(sample)
    assert torch.stack(kept).isfinite().all()
    return visited.float(), scheduler.sigmas[first:].float(), torch.stack([s.flatten()[::4] for s in kept])


def configs():
    for steps, strength in itertools.product(STEPS, [None, 0.5]):
        if strength and steps == 1:
            continue
        more = dict(steps=steps, strength=strength)
        for shift in [1.0, 3.0]:
            yield dict(kind="euler-flow", shift=shift) | more
        for image_seq_len in [24, 256, 1024, 4096]:
            mu = calculate_shift(image_seq_len, *(DYNAMIC[key] for key in SHIFT))
            yield dict(kind="euler-flow") | DYNAMIC | dict(image_seq_len=image_seq_len, mu=mu) | more
        for flow_shift in [1.0, 3.0]:
            yield dict(kind="dpm++2m-flow", prediction_type="flow_prediction", flow_shift=flow_shift) | more


def main() -> None:
    cases, timesteps, sigmas, values = [], [], [], []
    for config in configs():
        visited, levels, kept = trajectory(config)
        cases.append(config | {"visited": len(visited)})
        timesteps.append(visited)
        sigmas.append(levels)
        values.append(kept)
    OUT.mkdir(exist_ok=True)
    versions = {"torch": str(torch.__version__), "diffusers": diffusers.__version__, "numpy": numpy.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUT.joinpath("cases.json").write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    tensors = {"timesteps": torch.cat(timesteps), "sigmas": torch.cat(sigmas), "values": torch.stack(values)}
    save_file(tensors, OUT / "values.safetensors", metadata=versions)
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
