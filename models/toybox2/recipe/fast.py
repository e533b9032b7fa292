"""What makes PyTorch train these models quickly on a CPU: bf16 autocast where the CPU computes in it, channels_last convolutions, plain
attention, and group norm on a contiguous copy (its channels_last bf16 backward is nine times slower). With a GPU
all of it goes there as it is."""
import torch
import torch.nn.functional as F

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_bf16():
    """Whether bf16 is computed as such. A CPU without instructions for it (AVX2 alone) falls back to loops (`slow_conv2d`):
    on an EPYC with AVX2 a step of the VAE takes nine times as long as in float32. oneDNN says which CPU it is."""
    return DEVICE.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def autocast():
    return torch.autocast(DEVICE.type, torch.bfloat16, enabled=has_bf16())


class GroupNorm(torch.nn.GroupNorm):
    def forward(self, x):
        if x.dtype != torch.bfloat16 or x.dim() != 4:
            return super().forward(x)
        y = F.group_norm(x.contiguous(), self.num_groups, self.weight.bfloat16(), self.bias.bfloat16(), self.eps)
        return y.contiguous(memory_format=torch.channels_last)


def prepare(model, device=DEVICE):
    """Switches `model` to the fast layout and to `device` in place and returns it; values and state_dict are unchanged."""
    for module in model.modules():
        if type(module) is torch.nn.GroupNorm:
            module.__class__ = GroupNorm
    return model.to(device, memory_format=torch.channels_last)
