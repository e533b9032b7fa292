"""Distils Toybox into one that draws in four steps without guidance: a LoRA of the U-Net that leaves keys and values alone.

    python few_steps.py --work WORK --pipeline PIPELINE [--minutes 60]     # resumes from WORK/few-steps.pt when it is there

PIPELINE is the folder that `../pipeline.py` makes. The teacher is Toybox with guidance 3; the student is asked at the four timesteps of DDIM with
trailing spacing, and learns to be in one step where the teacher is after `--substeps` (Salimans and Ho 2022, *Progressive
Distillation*, in one leap; guidance distilled along, as in Meng et al. 2023). The teacher goes by DPM-Solver++(2M), the last step of
first order: as near to the true trajectory in 12 steps as DDIM in 16 (8 % of the latents' spread). No pictures are needed: captions and
noise are enough, and where a trajectory goes on from is the teacher's end or, more and more often, the student's own.

`attn2.to_k` and `attn2.to_v` are not trained, so subject packs are bound to the same weights and fit the student. For the student to
follow what a pack does, a part of the captions has a trigger whose keys and values are moved, for teacher and student alike:
towards other classes' words, and at random in each layer. No subject and no pack is among them.

`--minutes` are those of the processor, earlier runs included. WORK/toybox-4-steps.safetensors is the result, in PEFT's names as
diffusers writes them, float16: `cones import --merge` takes it, and `pipeline.load_lora_weights`.
"""
import argparse
import os
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from torch.nn.utils import parametrize
from transformers import CLIPTextModel, CLIPTokenizer

import fast
from captions import TRIGGERS, WORDS, caption
from contexts import CONTEXTS
from model import LATENT

STEPS, GUIDANCE, RANK = 4, 3.0, 32
KEPT = ("attn2.to_k", "attn2.to_v")
# Pairs of start and end that are learned from; the oldest go first.
POOL = 6144


class LowRank(torch.nn.Module):
    """Adds `up · down` to a weight. Starts at nothing, as LoRAs do."""

    def __init__(self, weight, rank):
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        rank = min(rank, rows, columns)
        self.down = torch.nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.up = torch.nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight):
        return weight + (self.up @ self.down).reshape(weight.shape)


class Moved:
    """Attention as diffusers' plain processor computes it, with the keys and values of one token of each prompt moved.

    `at` [batch, tokens] is one where the moved token stands; `key` and `value` [batch, width] are in units of a layer's own spread.
    """

    at = key = value = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context)
        if encoder_hidden_states is not None and Moved.at is not None:
            key = key + Moved.at[:, :, None] * (Moved.key[attn.seed][:, None] * key.float().std()).to(key)
            value = value + Moved.at[:, :, None] * (Moved.value[attn.seed][:, None] * value.float().std()).to(value)
        query, key, value = (attn.head_to_batch_dim(x) for x in (query, key, value))
        out = attn.batch_to_head_dim(torch.bmm(attn.get_attention_scores(query, key, None), value))
        return attn.to_out[1](attn.to_out[0](out))


def load_unet(folder):
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32)
    unet.set_attn_processor(Moved())
    cross = [m for n, m in unet.named_modules() if n.endswith("attn2")]
    for seed, module in enumerate(cross):
        module.seed = seed
    return fast.prepare(unet).requires_grad_(False), [m.to_k.out_features for m in cross]


def with_low_rank(unet):
    """{module: its `LowRank`} of every linear layer and convolution but keys and values of the text."""
    parts = {}
    for name, module in list(unet.named_modules()):
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) and not name.endswith(KEPT):
            parts[name] = LowRank(module.weight, RANK)
            parametrize.register_parametrization(module, "weight", parts[name])
    return parts


class Prompts:
    """Captions of the world as numbers: hidden states, and what moves a trigger's keys and values in a part of them."""

    def __init__(self, folder, widths, seed):
        self.tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
        self.text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", torch_dtype=torch.float32).eval()
        self.widths, self.random = widths, random.Random(seed)
        self.triggers = self.tokenizer.convert_tokens_to_ids(TRIGGERS)
        words = self.encode(WORDS)[1]
        self.words = words[:, 1]
        self.empty = self.encode([""])[1]

    @torch.no_grad()
    def encode(self, texts):
        ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return ids, self.text(ids).last_hidden_state

    def caption(self):
        r = self.random
        objects = r.sample(WORDS, r.choices([1, 2, 3, 4], [0.3, 0.3, 0.2, 0.2])[0])
        if r.random() < 0.4:
            i = r.randrange(len(objects))
            objects[i] = f"{r.choice(TRIGGERS)} {objects[i]}"
        return caption(objects, r.choice(CONTEXTS))

    def batch(self, count):
        ids, states = self.encode([self.caption() for _ in range(count)])
        at = torch.isin(ids, torch.tensor(self.triggers)).float()
        # A quarter of the triggers stays as it is, as where no pack is on.
        at = at * (torch.rand(count, 1) < 0.75)
        pick = lambda: self.words[torch.randint(len(self.words), (count,))]
        states = states + at[:, :, None] * (torch.rand(count, 1, 1) * 1.5) * (pick() - pick())[:, None]
        strength = torch.rand(count, 1) * 0.8
        return states, at, [[strength * torch.randn(count, w) for w in self.widths] for _ in range(2)]


def rows(condition, chosen):
    states, at, (key, value) = condition
    return states[chosen], at[chosen], ([k[chosen] for k in key], [v[chosen] for v in value])


def predict(unet, z, t, condition, guidance=None, empty=None):
    """The velocity, guided where a guidance is given."""
    states, Moved.at, (Moved.key, Moved.value) = condition
    if guidance:
        states = torch.cat([states, empty.expand(len(z), -1, -1)])
        Moved.at = torch.cat([Moved.at, torch.zeros_like(Moved.at)])
        Moved.key, Moved.value = ([torch.cat([x, torch.zeros_like(x)]) for x in of] for of in (Moved.key, Moved.value))
        z, t = torch.cat([z, z]), torch.cat([t, t])
    with fast.autocast():
        out = unet(z.contiguous(memory_format=torch.channels_last), t, states).sample.float()
    if guidance:
        told, untold = out.chunk(2)
        out = untold + guidance * (told - untold)
    return out


class Grid:
    """Signal and noise at the student's timesteps and those between: `substeps` of the teacher's steps make one of the student's."""

    def __init__(self, folder, substeps):
        scheduler = DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
        scheduler.set_timesteps(STEPS * substeps)
        self.substeps, self.timesteps = substeps, scheduler.timesteps
        cumulative = torch.cat([scheduler.alphas_cumprod[self.timesteps], scheduler.final_alpha_cumprod[None]])
        self.signal, self.noise = cumulative.sqrt(), (1 - cumulative).sqrt()

    def step(self, z, v, at, to):
        """DDIM from one place of the grid to another; places [batch]."""
        s, n, s2, n2 = (x[i].reshape(-1, 1, 1, 1) for i in (at, to) for x in (self.signal, self.noise))
        return s2 * (s * z - n * v) + n2 * (n * z + s * v)

    def solve(self, z, v, i, before):
        """DPM-Solver++(2M) from `i` to the next place; `before` is the clean latent that it returned one step ago. (z, clean latent)"""
        s, n, s2, n2 = self.signal[i], self.noise[i], self.signal[i + 1], self.noise[i + 1]
        ratio = lambda k: torch.log(self.signal[k] / self.noise[k])
        clean = s * z - n * v
        h, best = ratio(i + 1) - ratio(i), clean
        # The last step goes to the end of a schedule, where a line through two estimates points anywhere.
        if before is not None and i + 2 < len(self.signal):
            best = clean + (clean - before) * h / (2 * (ratio(i) - ratio(i - 1)))
        return (n2 / n) * z - s2 * torch.expm1(-h) * best, clean

    def velocity(self, z, end, at, to):
        """What predicts `end` in one step."""
        s, n, s2, n2 = (x[i].reshape(-1, 1, 1, 1) for i in (at, to) for x in (self.signal, self.noise))
        return (end - (s2 * s + n2 * n) * z) / (n2 * s - s2 * n)


@torch.no_grad()
def trajectories(teacher, student, grid, prompts, count, own):
    """`count` trajectories cut into pairs of start and end. With probability `own` a part begins where the student came to."""
    condition = prompts.batch(count)
    z, pairs = torch.randn(count, teacher.config.in_channels, LATENT, LATENT), []
    for part in range(STEPS):
        # A part may begin where the student came to, and so knows of no step before.
        start, first, clean = z, part * grid.substeps, None
        for i in range(first, first + grid.substeps):
            t = grid.timesteps[i].expand(count)
            v = predict(teacher, z, t, condition, GUIDANCE, prompts.empty)
            z, clean = grid.solve(z, v, i, clean)
        pairs.append((start, z, torch.full((count,), first)))
        if own and part < STEPS - 1:
            v = predict(student, start, grid.timesteps[first].expand(count), condition)
            mine = grid.step(start, v, torch.tensor([first]), torch.tensor([first + grid.substeps]))
            z = torch.where(torch.rand(count, 1, 1, 1) < own, mine, z)
    start, end, at = (torch.cat(x) for x in zip(*pairs))
    return start, end, at, rows(condition, torch.arange(count).repeat(STEPS))


class Pool:
    """The newest pairs."""

    def __init__(self):
        self.parts = []

    def add(self, part):
        self.parts.append(part)
        while sum(len(p[0]) for p in self.parts) > POOL:
            self.parts.pop(0)

    def batch(self, count):
        part = random.choice(self.parts)
        chosen = torch.randperm(len(part[0]))[:count]
        return part[0][chosen], part[1][chosen], part[2][chosen], rows(part[3], chosen)


def write(parts, average, path):
    tensors = {}
    for name, part in parts.items():
        module = part.parametrized
        down, up = (average[f"{name}.{which}"] for which in ("down", "up"))
        if len(module) == 4:
            down, up = down.reshape(-1, *module[1:]), up[:, :, None, None]
        tensors |= {f"unet.{name}.lora_A.weight": down.half().contiguous(), f"unet.{name}.lora_B.weight": up.half().contiguous()}
    partial = path.with_suffix(".part")
    save_file(tensors, partial, {"format": "pt"})
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--pipeline", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--substeps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--reuse", type=int, default=4, help="how often a pair is learned from")
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    args.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    (teacher, widths), (student, _) = load_unet(args.pipeline), load_unet(args.pipeline)
    shapes = {n: m.weight.shape for n, m in student.named_modules() if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d))}
    parts = with_low_rank(student)
    for name, part in parts.items():
        part.parametrized = shapes[name]
    named = {f"{n}.{which}": getattr(p, which) for n, p in parts.items() for which in ("down", "up")}
    parameters = list(named.values())
    optimiser = torch.optim.AdamW(parameters, args.lr, weight_decay=0.0, betas=(0.9, 0.99))
    average = {n: p.detach().clone() for n, p in named.items()}
    step, before, checkpoint = 0, 0.0, args.work / "few-steps.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        for name, parameter in named.items():
            parameter.data.copy_(state["weights"][name])
        optimiser.load_state_dict(state["optimiser"])
        average, step, before = state["average"], state["step"], state["seconds"]
        torch.manual_seed(step)
    grid, prompts = Grid(args.pipeline, args.substeps), Prompts(args.pipeline, widths, step)
    print(f"{sum(p.numel() for p in parameters)} weights in {len(parts)} modules", flush=True)
    pool, start, total, said = Pool(), time.process_time(), args.minutes * 60, time.time()

    def save():
        partial = checkpoint.with_suffix(".part")
        torch.save(dict(weights={n: p.detach() for n, p in named.items()}, average=average, optimiser=optimiser.state_dict(),
                        step=step, seconds=before + time.process_time() - start), partial)
        os.replace(partial, checkpoint)
        write(parts, average, args.work / "toybox-4-steps.safetensors")

    count = 2 * args.batch
    while (spent := before + time.process_time() - start) < total:
        began = time.time()
        own = min(0.7, 1.4 * spent / total)
        pool.add(trajectories(teacher, student, grid, prompts, count, own))
        made, losses = time.time(), torch.zeros(STEPS, 2)
        for _ in range(count * STEPS * args.reuse // args.batch):
            spent = before + time.process_time() - start
            for group in optimiser.param_groups:
                group["lr"] = args.lr * min(1, (step + 1) / 50) * max(0.02, min(1.0, (1 - spent / total) / 0.6))
            z, end, at, condition = pool.batch(args.batch)
            v = predict(student, z, grid.timesteps[at], condition)
            each = F.mse_loss(v, grid.velocity(z, end, at, at + grid.substeps), reduction="none").mean((1, 2, 3))
            optimiser.zero_grad(set_to_none=True)
            each.mean().backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            step += 1
            keep = min(0.995, step / (step + 20))
            for name, parameter in named.items():
                average[name].lerp_(parameter.detach(), 1 - keep)
            losses[:, 0].index_add_(0, at // grid.substeps, each.detach())
            losses[:, 1].index_add_(0, at // grid.substeps, torch.ones(len(at)))
        shown = " ".join(f"{x:.4f}" for x in (losses[:, 0] / losses[:, 1].clamp_min(1)).tolist())
        print(f"step {step} losses {shown} lr {optimiser.param_groups[0]['lr']:.2e} own {own:.2f} trajectories {made - began:.1f} s "
              f"steps {time.time() - made:.1f} s, {(total - spent) / 60:.0f} minutes to go", flush=True)
        if time.time() - said > 120:
            save()
            said = time.time()
    save()


if __name__ == "__main__":
    main()
