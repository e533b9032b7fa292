"""Golden trajectories of diffusers' schedulers: what `core::sampling::scheduler` must follow to 1e-5.

    python make_schedulers.py   # with requirements.txt installed; writes schedulers/cases.json and values.safetensors

Each case runs one scheduler as StableDiffusionPipeline (or, with a strength, StableDiffusionImg2ImgPipeline) does, with
the function `model` below in place of the U-Net, on a [1, 4, 8, 8] sample. `values` holds for each case, in order, every
fourth element of the sample after the middle step and after the last; `timesteps` those of all cases one after another.
A case that diffusers refuses, or comes to no finite number in, carries its message instead.
"""

import itertools
import json
import pathlib

import diffusers
import numpy
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    TCDScheduler,
)
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "schedulers"
SHAPE = (1, 4, 8, 8)
SEED = 42
KINDS = {
    "ddim": (DDIMScheduler, {"clip_sample": False}),
    "dpm++2m": (DPMSolverMultistepScheduler, {}),
    "dpm++2m-karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler-a": (EulerAncestralDiscreteScheduler, {}),
    "lcm": (LCMScheduler, {}),
    "tcd": (TCDScheduler, {}),
}
# Stable Diffusion's and Toybox's.
BETAS = [(0.00085, 0.012, "scaled_linear"), (0.00085, 0.02, "scaled_linear"), (0.0001, 0.02, "linear")]
SPACINGS = [("leading", 1), ("trailing", 0), ("linspace", 0)]


def model(sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """In float64, so that no library's tanh matters."""
    x = sample.double()
    return (0.3 * torch.tanh(x * 0.7 + timestep.double() / 1000) + 0.05 * x).float()


def picture() -> torch.Tensor:
    """The latent that img2img starts from."""
    count = numpy.prod(SHAPE)
    return torch.tensor([(i % 17 - 8) / 8 for i in range(count)], dtype=torch.float32).reshape(SHAPE)


def build(config: dict):
    scheduler, extra = KINDS[config["kind"]]
    keys = ["beta_start", "beta_end", "beta_schedule", "prediction_type", "timestep_spacing", "steps_offset"]
    options = {key: config[key] for key in keys} | extra
    if config["kind"] in ("ddim", "lcm", "tcd"):
        options["set_alpha_to_one"] = config["set_alpha_to_one"]
    options |= {key: config[key] for key in ["rescale_betas_zero_snr", "original_inference_steps"] if key in config}
    return scheduler(num_train_timesteps=1000, **options)


def start(scheduler, config: dict, generator: torch.Generator):
    """The timesteps visited and the first sample, as the pipelines have them."""
    noise = torch.randn(SHAPE, generator=generator)
    if config["strength"] is None:
        return scheduler.timesteps, noise * scheduler.init_noise_sigma
    steps = config["steps"]
    first = max(steps - min(int(steps * config["strength"]), steps), 0)
    timesteps = scheduler.timesteps[first:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return timesteps, scheduler.add_noise(picture(), noise, timesteps[:1])


def trajectory(config: dict):
    scheduler = build(config)
    scheduler.set_timesteps(config["steps"])
    generator = torch.Generator().manual_seed(SEED)
    timesteps, sample = start(scheduler, config, generator)
    # DDIM's generator is for eta > 0 only; without that it is not drawn from.
    extra = {} if config["kind"].startswith("dpm") else {"generator": generator}
    if "eta" in config:
        extra["eta"] = config["eta"]
    kept = []
    for i, t in enumerate(timesteps):
        output = model(scheduler.scale_model_input(sample, t), t)
        sample = scheduler.step(output, t, sample, **extra).prev_sample
        if i == (len(timesteps) - 1) // 2:
            kept.append(sample)
    kept.append(sample)
    if not torch.stack(kept).isfinite().all():
        raise ValueError("not finite")
    return timesteps.float(), torch.stack([s.flatten()[::4] for s in kept]), float(scheduler.init_noise_sigma)


def config(kind, betas, prediction, spacing, steps, strength, **more) -> dict:
    return {
        "kind": kind,
        "beta_start": betas[0],
        "beta_end": betas[1],
        "beta_schedule": betas[2],
        "prediction_type": prediction,
        "timestep_spacing": spacing[0],
        "steps_offset": spacing[1],
        # Both settings of what only DDIM's last step looks at.
        "set_alpha_to_one": prediction == "v_prediction",
        "steps": steps,
        "strength": strength,
    } | more


def configs():
    for kind, betas, prediction, spacing, steps, strength in itertools.product(
        KINDS, BETAS, ["epsilon", "v_prediction"], SPACINGS, [1, 4, 7, 20, 51], [None, 0.6]
    ):
        redundant = kind in ("lcm", "tcd") and spacing[0] != "leading"
        sampled = betas[2] == "linear" and steps != 20
        if redundant or sampled or (strength and (steps in (1, 51) or betas[1] == 0.012)):
            continue
        yield config(kind, betas, prediction, spacing, steps, strength)
    # Fresh noise, and models distilled on another schedule.
    for prediction, steps, strength in itertools.product(["epsilon", "v_prediction"], [1, 4, 20], [None, 0.6]):
        if strength and steps == 1:
            continue
        for kind, eta in [("ddim", 0.5), ("ddim", 1.0), ("tcd", 0.0), ("tcd", 0.7), ("tcd", 1.0)]:
            yield config(kind, BETAS[0], prediction, SPACINGS[0], steps, strength, eta=eta)
    for kind, steps in itertools.product(["lcm", "tcd"], [4, 25, 26]):
        yield config(kind, BETAS[0], "epsilon", SPACINGS[0], steps, None, original_inference_steps=25)
    # Zero-terminal SNR.
    for kind, prediction, spacing, steps, strength in itertools.product(
        KINDS, ["epsilon", "v_prediction"], SPACINGS, [1, 4, 20], [None, 0.6]
    ):
        redundant = kind in ("lcm", "tcd") and spacing[0] != "leading"
        if redundant or (strength and steps != 4) or (steps == 1 and spacing[0] == "leading" and kind not in ("lcm", "tcd")):
            continue
        yield config(kind, BETAS[0], prediction, spacing, steps, strength, rescale_betas_zero_snr=True)
    yield config("ddim", BETAS[1], "v_prediction", SPACINGS[1], 20, None, rescale_betas_zero_snr=True, eta=0.5)


def main() -> None:
    cases, timesteps, values = [], [], []
    for config in configs():
        try:
            visited, kept, sigma = trajectory(config)
        except ValueError as refusal:
            cases.append(config | {"refused": str(refusal)})
            continue
        cases.append(config | {"visited": len(visited), "init_noise_sigma": sigma})
        timesteps.append(visited)
        values.append(kept)
    versions = {"torch": str(torch.__version__), "diffusers": diffusers.__version__, "numpy": numpy.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    HERE.joinpath("cases.json").write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    tensors = {"timesteps": torch.cat(timesteps), "values": torch.stack(values)}
    save_file(tensors, HERE / "values.safetensors", metadata=versions)
    print(f"{len(cases)} cases, {len(cases) - len(values)} refused")


if __name__ == "__main__":
    main()
