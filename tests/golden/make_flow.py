"""Golden pictures of flow models with text embeddings from outside: diffusers' SanaPipeline and DreamLiteMobilePipeline on the CPU in
float32, with the random weights of `models/export/make_flow_fixtures.py`.

    python make_flow.py  # writes flow/flow.json, a PNG a case, MODEL.safetensors (embeddings) and latents.safetensors

`sana.safetensors` and `dreamlite.safetensors` hold `prompt_embeds` and `negative_prompt_embeds`, [tokens, width], of the tokens that
count alone; the pipelines were given more, masked. `latents.safetensors` holds for each case what it began with (`NAME.0`) and the
latent after each step; `dreamlite-edit.image` is the latent of the picture that is edited, `sana.image` that of `sana-euler.png`, not
yet multiplied by the scaling factor. Masked cases have weights shut and keep their biases. `effects` says how near pictures come to the
case's that leave out one thing. The same loop with the exported graphs must come within 60 dB, or nothing is written.
"""

import json
import math
import sys
from types import SimpleNamespace

import numpy
import onnxruntime
import torch
from diffusers import DPMSolverMultistepScheduler, DreamLiteMobilePipeline, FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.dreamlite.pipeline_dreamlite_mobile import calculate_shift
from PIL import Image
from safetensors.torch import save_file

from toybox import HERE, fingerprint, random_mask, shut

sys.path.insert(0, str(HERE.parents[1] / "models/export"))
import make_flow_fixtures as fixtures  # noqa: E402

OUT = HERE / "flow"
GRAPHS = HERE.parent / "fixtures/flow"
MASK = {"share": 0.05, "seed": 1}
SEED, STEPS = 7, 4
# Tokens that count, and those that the pipeline is given.
SANA = dict(width=64, height=32, guidance_scale=4.5, tokens=9, negative_tokens=5, padded=12)
DREAMLITE = dict(width=48, height=32, tokens=11, padded=fixtures.DREAMLITE_TOKENS)
CASES = {
    "sana-euler": dict(model="sana", scheduler="scheduler"),
    "sana-dpm": dict(model="sana", scheduler="scheduler_dpm"),
    "sana-plain": dict(model="sana", scheduler="scheduler", guidance_scale=1.0),
    "sana-masked": dict(model="sana", scheduler="scheduler", masked=True),
    "dreamlite": dict(model="dreamlite"),
    "dreamlite-edit": dict(model="dreamlite", image="dreamlite.png"),
    "dreamlite-masked": dict(model="dreamlite", masked=True),
}
LEAST = 60.0


def psnr(a, b) -> float:
    """Of pictures with values of 0 to 1."""
    return 10 * math.log10(1 / max(float(((a - b) ** 2).mean()), 1e-15))


def text(seed: int, tokens: int, padded: int, width: int):
    """Embeddings as an encoder pads them, with values where the mask is zero too, and the mask."""
    drawn = torch.randn(1, padded, width, generator=torch.Generator().manual_seed(seed))
    mask = torch.zeros(1, padded, dtype=torch.int64)
    mask[:, :tokens] = 1
    return drawn, mask


def generator():
    return torch.Generator().manual_seed(SEED)


def scheduler(case):
    if case["model"] == "dreamlite":
        return FlowMatchEulerDiscreteScheduler(**fixtures.DREAMLITE_EULER)
    if case["scheduler"] == "scheduler_dpm":
        return DPMSolverMultistepScheduler(**fixtures.SANA_DPM)
    return FlowMatchEulerDiscreteScheduler(**fixtures.SANA_EULER)


def draw_sana(made, texts, case, **changed):
    """The picture, [3, height, width] of 0 to 1, and the latents of all steps."""
    pipeline = fixtures.sana_pipeline(made, scheduler(case))
    (prompt, mask), (negative, negative_mask) = texts["prompt"], texts["negative"]
    given = dict(prompt_embeds=prompt, prompt_attention_mask=mask, negative_prompt_embeds=negative,
                 negative_prompt_attention_mask=negative_mask, guidance_scale=case.get("guidance_scale", SANA["guidance_scale"]))
    start = torch.randn(1, 4, SANA["height"] // 4, SANA["width"] // 4, generator=generator())
    latents = [start]

    def keep(_pipeline, _step, _t, tensors):
        latents.append(tensors["latents"])
        return {}

    picture = pipeline(
        prompt=None, negative_prompt=None, generator=generator(), num_inference_steps=STEPS, height=SANA["height"], width=SANA["width"],
        use_resolution_binning=False, output_type="pt", callback_on_step_end=keep, **given | changed).images[0]
    return picture, latents


class Steps(FlowMatchEulerDiscreteScheduler):
    """Keeps what each step gives: DreamLite's pipeline calls nobody back."""

    def step(self, *given, **more):
        found = super().step(*given, **more)
        self.kept.append(found[0])
        return found


def draw_dreamlite(made, texts, case, image=None, mask=None):
    pipeline = DreamLiteMobilePipeline(None, None, None, made["dreamlite_vae"], made["dreamlite"], Steps(**fixtures.DREAMLITE_EULER))
    pipeline.set_progress_bar_config(disable=True)
    prompt, counted = texts["prompt"]
    pipeline.text_encoder = SimpleNamespace(dtype=torch.float32)
    pipeline.encode_prompt = lambda **_: (prompt, counted if mask is None else mask)
    start = torch.randn(1, 4, DREAMLITE["height"] // 4, DREAMLITE["width"] // 4, generator=generator())
    pipeline.scheduler.kept = latents = [start]
    picture = pipeline(prompt="", image=image, generator=generator(), num_inference_steps=STEPS, height=DREAMLITE["height"],
                       width=DREAMLITE["width"], output_type="pt").images[0]
    return picture, latents


class Graphs:
    """The exported graphs of a model in ONNX Runtime, one thread."""

    def __init__(self, model):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.sessions = {graph.stem: onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
                         for graph in (GRAPHS / model / "onnx").glob("*.onnx")}

    def run(self, name, **inputs):
        given = {key: value.numpy() for key, value in inputs.items()}
        return torch.from_numpy(self.sessions[name].run(None, given)[0])


def shown(image):
    return (image[0] / 2 + 0.5).clamp(0, 1)


def rerun_sana(made, texts, case, alone=False):
    """Both texts in one batch, or each `alone` with the tokens that count and no others."""
    graphs, steps = Graphs("sana"), scheduler(case)
    steps.set_timesteps(STEPS)
    guidance = case.get("guidance_scale", SANA["guidance_scale"])
    wanted = ["negative", "prompt"] if guidance > 1 else ["prompt"]
    given = [texts[name] for name in wanted]
    latents = torch.randn(1, 4, SANA["height"] // 4, SANA["width"] // 4, generator=generator())
    for t in steps.timesteps:
        if alone:
            velocity = torch.cat([graphs.run(
                "transformer", hidden_states=latents, encoder_hidden_states=embeds[:, : mask.sum()], timestep=t.float().expand(1),
                encoder_attention_mask=mask[:, : mask.sum()]) for embeds, mask in given])
        else:
            velocity = graphs.run(
                "transformer", hidden_states=latents.repeat(len(given), 1, 1, 1), encoder_hidden_states=torch.cat([e for e, _ in given]),
                timestep=t.float().expand(len(given)), encoder_attention_mask=torch.cat([mask for _, mask in given]))
        if guidance > 1:
            without, velocity = velocity.chunk(2)
            velocity = without + guidance * (velocity - without)
        latents = steps.step(velocity, t, latents).prev_sample
    return shown(graphs.run("vae_decoder", latent=latents / made["sana_vae"].config.scaling_factor))


def rerun_dreamlite(texts, case, image=None):
    graphs, steps = Graphs("dreamlite"), scheduler(case)
    (embeds, mask), (width, height) = texts["prompt"], (DREAMLITE["width"], DREAMLITE["height"])
    latents = torch.randn(1, 4, height // 4, width // 4, generator=generator())
    names = ["base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift"]
    mu = calculate_shift(latents[0, 0].numel() // 4, *(steps.config[name] for name in names))
    steps.set_timesteps(sigmas=numpy.linspace(1.0, 1 / STEPS, STEPS), mu=mu)
    beside = torch.zeros_like(latents) if image is None else graphs.run("vae_encoder", image=tensor(image))
    # What is masked does not count: zeros here, other values in the pipeline.
    embeds = embeds * mask[..., None]
    for t in steps.timesteps:
        velocity = graphs.run(
            "unet", sample=torch.cat([latents, beside], 3), timestep=t.expand(1), encoder_hidden_states=embeds,
            encoder_attention_mask=mask.float(), time_ids=torch.tensor([[float(width), float(height)]]))
        latents = steps.step(velocity[..., : latents.shape[-1]], t, latents).prev_sample
    return shown(graphs.run("vae_decoder", latent=latents))


def tensor(image):
    """A picture in -1..1, as VaeImageProcessor has it."""
    return torch.from_numpy(numpy.asarray(image, dtype="float32") / 255).permute(2, 0, 1)[None] * 2 - 1


def pil(picture):
    return Image.fromarray((picture.permute(1, 2, 0) * 255).round().byte().numpy())


def effects(made, texts, pictures):
    """How near a picture comes that leaves out one thing."""
    case, found = CASES["sana-euler"], {}
    expected, everything = pictures["sana-euler"], torch.ones(1, SANA["padded"], dtype=torch.int64)
    found["sana.negative"] = psnr(draw_sana(made, texts["sana"], case, negative_prompt_embeds=texts["sana"]["prompt"][0])[0], expected)
    found["sana.prompt"] = psnr(draw_sana(made, texts["sana"], case, prompt_embeds=texts["sana"]["negative"][0])[0], expected)
    found["sana.mask"] = psnr(draw_sana(made, texts["sana"], case, prompt_attention_mask=everything)[0], expected)
    found["sana.scheduler"] = psnr(pictures["sana-dpm"], expected)
    everything = torch.ones(1, DREAMLITE["padded"], dtype=torch.int64)
    found["dreamlite.mask"] = psnr(draw_dreamlite(made, texts["dreamlite"], {}, mask=everything)[0], pictures["dreamlite"])
    found["dreamlite.image"] = psnr(pictures["dreamlite-edit"], pictures["dreamlite"])
    for model, plain in [("sana", "sana-euler"), ("dreamlite", "dreamlite")]:
        found[f"{model}.masked"] = psnr(pictures[f"{model}-masked"], pictures[plain])
    for name, layer in [("norm_k", "down_blocks.0.attentions.0.transformer_blocks.0.attn2.norm_k"), ("text_norm", "encoder_hid_proj.1")]:
        weight = made["dreamlite"].get_submodule(layer).weight
        kept = weight.clone()
        weight.fill_(1.0)
        found[f"dreamlite.{name}"] = psnr(draw_dreamlite(made, texts["dreamlite"], {})[0], pictures["dreamlite"])
        weight.copy_(kept)
    bias = made["sana"].transformer_blocks[1].attn2.to_v.bias
    kept = bias.clone()
    bias.zero_()
    found["sana.bias"] = psnr(draw_sana(made, texts["sana"], case)[0], expected)
    bias.copy_(kept)
    return {name: round(value, 2) for name, value in found.items()}


def save_texts(texts):
    """Those tokens alone that count."""
    for name, given in texts.items():
        keys = {"prompt": "prompt_embeds", "negative": "negative_prompt_embeds"}
        save_file({keys[part]: embeds[0, : mask.sum()].contiguous() for part, (embeds, mask) in given.items()},
                  OUT / f"{name}.safetensors")


@torch.no_grad()
def main() -> None:
    OUT.mkdir(exist_ok=True)
    made = fixtures.parts()
    models = {"sana": made["sana"], "dreamlite": made["dreamlite"]}
    width = fixtures.SANA["caption_channels"]
    texts = {
        "sana": {"prompt": text(1, SANA["tokens"], SANA["padded"], width),
                 "negative": text(2, SANA["negative_tokens"], SANA["padded"], width)},
        "dreamlite": {"prompt": text(3, DREAMLITE["tokens"], DREAMLITE["padded"], fixtures.DREAMLITE["encoder_hid_dim"])},
    }
    found = {"seed": SEED, "steps": STEPS, "mask": MASK, "sana": SANA, "dreamlite": DREAMLITE, "cases": {}, "onnx": {}}
    found["fingerprints"] = {name: fingerprint(model) for name, model in models.items()}
    pictures, tensors = {}, {}
    for name, case in CASES.items():
        model, given = models[case["model"]], texts[case["model"]]
        kept = {key: value.clone() for key, value in model.state_dict().items()}
        image = pil(pictures["dreamlite"]) if "image" in case else None
        if case.get("masked"):
            shut(model, random_mask(model, **MASK))
        draw = draw_sana if case["model"] == "sana" else draw_dreamlite
        pictures[name], latents = draw(made, given, case) if image is None else draw(made, given, case, image)
        model.load_state_dict(kept)
        tensors |= {f"{name}.{i}": latent[0].contiguous() for i, latent in enumerate(latents)}
        if image is not None:
            tensors[f"{name}.image"] = made["dreamlite_vae"].encode(tensor(image)).latents[0].contiguous()
        if not case.get("masked"):
            again = {"": rerun_sana(made, given, case), " alone": rerun_sana(made, given, case, alone=True)} \
                if case["model"] == "sana" else {"": rerun_dreamlite(given, case, image)}
            found["onnx"] |= {name + how: round(psnr(picture, pictures[name]), 1) for how, picture in again.items()}
        found["cases"][name] = case
        print(name, {key: value for key, value in found["onnx"].items() if key.startswith(name)},
              "contrast", round(float(pictures[name].std()), 3), "clipped", round(float(((pictures[name] % 1) == 0).float().mean()), 3))
    image = tensor(pil(pictures["sana-euler"]))
    tensors["sana.image"] = made["sana_vae"].encode(image).latent[0].contiguous()
    found["onnx"]["sana encoder"] = round(psnr(Graphs("sana").run("vae_encoder", image=image)[0], tensors["sana.image"]), 1)
    assert min(found["onnx"].values()) >= LEAST, found["onnx"]
    found["effects"] = effects(made, texts, pictures)
    for name, picture in pictures.items():
        pil(picture).save(OUT / f"{name}.png", optimize=True)
    save_texts(texts)
    save_file(tensors, OUT / "latents.safetensors")
    (OUT / "flow.json").write_text(json.dumps(found, indent=1) + "\n")
    print(found["effects"])


if __name__ == "__main__":
    main()
