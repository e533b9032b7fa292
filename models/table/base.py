"""The base model as diffusers has it, for methods that train it: texts, pictures, the loss of a step, and drawing."""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor

import paths  # noqa: F401
import boxed_attention
import fast

STEPS, GUIDANCE = 20, 3.0
# Pictures that are drawn at once.
AT_ONCE = 16
PLAIN = AttnProcessor()


class Base:
    """Text encoder, U-Net, VAE and scheduler in float32. Methods change the weights; `restore` puts all back."""

    def __init__(self, folder):
        pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
        pipeline.set_progress_bar_config(disable=True)
        self.pipeline, self.tokenizer, self.scheduler = pipeline, pipeline.tokenizer, pipeline.scheduler
        self.text_encoder, self.vae = pipeline.text_encoder.requires_grad_(False), pipeline.vae.requires_grad_(False)
        self.unet = fast.prepare(pipeline.unet).requires_grad_(False)
        self.unet.set_attn_processor(PLAIN)
        # Embeddings that stand in place of the tokenizer's own, by token.
        self.rows = {}
        self.text_encoder.get_input_embeddings().register_forward_hook(self.with_rows)
        self.first = {name: value.clone() for name, value in self.unet.state_dict().items()}

    @torch.no_grad()
    def restore(self):
        """Back to the weights that were read."""
        self.unet.requires_grad_(False).load_state_dict(self.first)
        self.rows = {}

    def with_rows(self, _, ids, out):
        for token, row in self.rows.items():
            out = torch.where((ids[0] == token)[..., None], row, out)
        return out

    def embedding(self, word):
        """A copy of the embedding of a word that is one token."""
        return self.text_encoder.get_input_embeddings().weight[self.token(word)].detach().clone()

    def ids(self, texts):
        return self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids

    def token(self, word):
        """The number of a word that is one token."""
        found = self.tokenizer(word, add_special_tokens=False).input_ids
        if len(found) != 1:
            raise SystemExit(f"{word!r} is not one token of {self.tokenizer.name_or_path}")
        return found[0]

    def text(self, texts):
        """Hidden states [texts, tokens, width]; gradients flow to `rows`."""
        return self.text_encoder(self.ids(texts)).last_hidden_state

    @torch.no_grad()
    def latents(self, pictures):
        """Of pictures [n, height, width, 3] in bytes."""
        x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.vae.encode(x).latent_dist.mean * self.vae.config.scaling_factor

    def losses(self, latents, states):
        """Of each picture at a random timestep with random noise: the mean squared error of what the U-Net predicts."""
        t = torch.randint(0, self.scheduler.config.num_train_timesteps, (len(latents),))
        return self.losses_at(latents, torch.randn_like(latents), t, states)

    def losses_at(self, latents, noise, t, states):
        """The same with this noise at these timesteps."""
        noisy = self.scheduler.add_noise(latents, noise, t).contiguous(memory_format=torch.channels_last)
        wanted = noise if self.scheduler.config.prediction_type == "epsilon" else self.scheduler.get_velocity(latents, noise, t)
        with fast.autocast():
            out = self.unet(noisy, t, states).sample
        return F.mse_loss(out.float(), wanted, reduction="none").mean((1, 2, 3))

    @torch.no_grad()
    def draw(self, prompts, seeds, boxes=None):
        """Pictures [n, height, width, 3] in bytes, each from the noise of its own seed; `boxes` say where the same words stand in all of them."""
        drawn = []
        for i in range(0, len(prompts), AT_ONCE):
            some = prompts[i:i + AT_ONCE]
            noise = [torch.Generator().manual_seed(seed) for seed in seeds[i:i + AT_ONCE]]
            if boxes:
                self.unet.set_attn_processor(boxed_attention.Boxed(boxed_attention.bias(self.tokenizer, some, [boxes] * len(some))))
            out = self.pipeline(some, generator=noise, num_inference_steps=STEPS, guidance_scale=GUIDANCE, output_type="np")
            drawn.append((out.images * 255).round().astype(np.uint8))
        self.unet.set_attn_processor(PLAIN)
        return np.concatenate(drawn)
