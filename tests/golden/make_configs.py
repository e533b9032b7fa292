"""Golden facts about diffusers' configurations and names: what `cones-import` must know of them.

    python make_configs.py        # writes configs/schedulers.json and configs/ldm_names.json; needs no weights

`schedulers.json`: for each scheduler class that takes Stable Diffusion's noise, what it has where its configuration is
silent. `ldm_names.json`: for U-Nets of several layouts, the cross-attention's names in a single-file checkpoint and what
diffusers' own conversion makes of them.
"""

import inspect
import json

import diffusers
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

from toybox import HERE

CLASSES = [
    "DDIMScheduler", "DDIMParallelScheduler", "DDPMScheduler", "DDPMParallelScheduler", "PNDMScheduler",
    "EulerDiscreteScheduler", "LMSDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2DiscreteScheduler",
    "EulerAncestralDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "DPMSolverSDEScheduler", "DEISMultistepScheduler", "UniPCMultistepScheduler",
    "SASolverScheduler", "LCMScheduler", "TCDScheduler",
]  # fmt: skip
KEYS = ["num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "timestep_spacing", "set_alpha_to_one"]
CROSS, PLAIN = "CrossAttn{}Block2D", "{}Block2D"


def scheduler_defaults(name: str) -> dict:
    parameters = inspect.signature(getattr(diffusers, name).__init__).parameters
    return {key: parameters[key].default for key in KEYS if key in parameters}


def layout(levels: list[bool], layers: int) -> dict:
    """A U-Net's configuration, with cross-attention at these levels, from the finest on."""
    kinds = [CROSS if level else PLAIN for level in levels]
    return {
        "layers_per_block": layers,
        "in_channels": 4,
        "down_block_types": [kind.format("Down") for kind in kinds],
        "up_block_types": [kind.format("Up") for kind in reversed(kinds)],
    }


def ldm_modules(levels: list[bool], layers: int) -> list[str]:
    """The modules of `ldm.modules.diffusionmodules.openaimodel.UNetModel`, in the order in which it makes them."""
    modules, block = ["input_blocks.0.0"], 1
    for level, attention in enumerate(levels):
        for _ in range(layers):
            modules += [f"input_blocks.{block}.0"] + [f"input_blocks.{block}.1"] * attention
            block += 1
        if level + 1 < len(levels):
            modules.append(f"input_blocks.{block}.0.op")
            block += 1
    modules += ["middle_block.0", "middle_block.1", "middle_block.2"]
    block = 0
    for level, attention in reversed(list(enumerate(levels))):
        for layer in range(layers + 1):
            modules += [f"output_blocks.{block}.0"] + [f"output_blocks.{block}.1"] * attention
            if level > 0 and layer == layers:
                modules.append(f"output_blocks.{block}.{1 + attention}.conv")
            block += 1
    return modules


def ldm_names(levels: list[bool], layers: int) -> dict:
    """Cross-attention names of a single-file checkpoint, each with diffusers' own."""
    checkpoint = {}
    for module in ldm_modules(levels, layers):
        is_attention = module.startswith(("input", "output")) and module.endswith(".1") or module == "middle_block.1"
        if is_attention:
            for part in ["attn1.to_k", "attn2.to_k", "attn2.to_v"]:
                name = f"model.diffusion_model.{module}.transformer_blocks.0.{part}.weight"
                checkpoint[name] = torch.zeros(1)
        elif module.endswith((".op", ".conv", "blocks.0.0")):
            for part in ["weight", "bias"]:
                checkpoint[f"model.diffusion_model.{module}.{part}"] = torch.zeros(1)
        else:
            checkpoint[f"model.diffusion_model.{module}.in_layers.0.weight"] = torch.zeros(1)
    names = {id(tensor): name.removeprefix("model.diffusion_model.") for name, tensor in checkpoint.items()}
    converted = convert_ldm_unet_checkpoint(dict(checkpoint), layout(levels, layers))
    return {names[id(tensor)]: name for name, tensor in converted.items() if ".attn2." in name}


def main() -> None:
    target = HERE / "configs"
    target.mkdir(exist_ok=True)
    defaults = {}
    for name in CLASSES:
        try:
            defaults[name] = scheduler_defaults(name)
        except KeyError:
            pass
    defaults = {name: values for name, values in defaults.items() if values}  # some need a package that is not here
    (target / "schedulers.json").write_text(json.dumps(defaults, indent=1) + "\n")
    layouts = [([True, True, True, False], 2), ([False, True, True], 1), ([True, False], 1), ([True, True], 3)]
    cases = [{"config": layout(*one), "names": ldm_names(*one)} for one in layouts]
    (target / "ldm_names.json").write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{len(defaults)} schedulers, {sum(len(case['names']) for case in cases)} names")


if __name__ == "__main__":
    main()
