"""What makes PyTorch train these models quickly on a CPU: bf16 autocast where the CPU computes in it, channels_last convolutions, plain
attention, group norm on a contiguous copy (its channels_last bf16 backward is nine times slower), and small convolutions' gradients
by a matrix product. With a GPU all of it goes there as it is."""
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


class Convolve(torch.autograd.Function):
    """A 3 x 3 convolution in bf16, stride 1, padding 1, whose weight's gradient is one product of matrices: oneDNN's own takes two to
    six times as long where there are few places (AMX, 16 pictures of 256 channels: 3.9 ms against 0.65 at 4 x 4, 5.9 against 2.8 at 8 x 8)."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        x, w = x.contiguous(memory_format=torch.channels_last), weight.bfloat16()
        ctx.save_for_backward(x, w)
        return F.conv2d(x, w, bias.bfloat16(), padding=1)

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        (n, channels, high, wide), out = x.shape, w.shape[0]
        grad = grad.contiguous(memory_format=torch.channels_last)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = torch.ops.aten.convolution_backward(grad, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, (True, False, False))[0]
        if not ctx.needs_input_grad[1]:
            return to_x, None, None
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        a, b, c, d = padded.stride()
        seen = padded.as_strided((n, high, wide, 3, 3, channels), (a, b, c, b, c, d)).reshape(n * high * wide, 9 * channels)
        rows = grad.permute(0, 2, 3, 1).reshape(-1, out)
        to_weight = (rows.t().contiguous() @ seen).reshape(out, 3, 3, channels).permute(0, 3, 1, 2)
        return to_x, to_weight.float(), rows.sum(0, dtype=torch.float32)


class Conv2d(torch.nn.Conv2d):
    def forward(self, x):
        if x.device.type != "cpu" or x.dtype != torch.bfloat16 or x.shape[-1] > 8 or not torch.is_grad_enabled():
            return super().forward(x)
        return Convolve.apply(x, self.weight, self.bias)


def prepare(model, device=DEVICE):
    """Switches `model` to the fast layout and to `device` in place and returns it; values and state_dict are unchanged."""
    for module in model.modules():
        if type(module) is torch.nn.GroupNorm:
            module.__class__ = GroupNorm
        small = type(module) is torch.nn.Conv2d and module.kernel_size == (3, 3) and module.stride == (1, 1) == module.padding
        if small and module.groups == 1 and module.bias is not None:
            module.__class__ = Conv2d
    return model.to(device, memory_format=torch.channels_last)
