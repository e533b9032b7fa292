"""Toybox's text encoder and U-Net, and the noise schedule: the classes of a Stable Diffusion pipeline, small."""
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel

TEXT_WIDTH = 256
LATENT = 16
# A longer schedule than Stable Diffusion's: at 16 x 16 latents its last step would still show the mean colour.
SCHEDULER = dict(
    num_train_timesteps=1000, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.02, prediction_type="v_prediction",
    clip_sample=False, set_alpha_to_one=False, steps_offset=1, timestep_spacing="trailing")


def unet_config(channels):
    """Attention at 8 x 8 and 4 x 4 only. At 16 x 16, 256 places look at 256, which made up two fifths of a step on a CPU without AMX;
    without it, and with 64, 128, 256 channels for 96, 160, 256, 2.3 times as many pictures are trained on in the same time."""
    return dict(
        sample_size=LATENT, in_channels=channels, out_channels=channels, block_out_channels=(64, 128, 256), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH, attention_head_dim=4, norm_num_groups=16)


def models(tokenizer, channels):
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=TEXT_WIDTH, intermediate_size=3 * TEXT_WIDTH, projection_dim=TEXT_WIDTH,
        num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    # With so few tokens the plain one trains faster on a CPU than PyTorch's fused one.
    text.set_attn_implementation("eager")
    # CLIP's own initialisation (std 0.02 for every embedding) starts the words too close together.
    torch.nn.init.normal_(text.get_input_embeddings().weight, std=0.1)
    unet = UNet2DConditionModel(**unet_config(channels))
    unet.set_attn_processor(AttnProcessor())
    return text, unet
