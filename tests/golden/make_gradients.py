"""Golden gradients of PyTorch: what `cones_gradient` must give to 1e-4.

    python make_gradients.py [--pipeline DIR]      # writes gradients/*.safetensors

| file | model | gradients |
|---|---|---|
| toybox.safetensors | Toybox | of the weighted loss, with respect to each K and V |
| tiny.safetensors | the random one of `tests/fixtures/import` | the same |
| toybox_text.safetensors | Toybox's text encoder | of the hidden state times `cotangent`, with respect to the token embeddings |
| tiny_text.safetensors | the random one of `tests/fixtures/import` | the same |

For the U-Nets inputs lie beside the gradients: `sample`, `timestep`, `encoder_hidden_states`, `target`, `weights`; results are `loss`, `losses`
and `gradient.LAYER`. For the text encoders: `input_ids`, `cotangent`; `embeddings`, `hidden_state`, `gradient`.
"""

import sys

import onnxruntime
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from toybox import HERE, fingerprint, load_pipeline, pipeline_folder, projections

EXPORT = HERE.parents[1] / "models" / "export"
FIXTURES = HERE.parent / "fixtures" / "import"


def with_gradients(unet, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inputs, the losses, and the gradient of the weighted loss with respect to what each projection gives."""
    unet.eval().requires_grad_(False)
    seen = {}

    def keep(name):
        def hook(_module, _arguments, output):
            # The projections do not depend on each other, so each output can begin the graph.
            seen[name] = output.detach().requires_grad_()
            return seen[name]
        return hook

    names = [name for name, _ in projections(unet)]
    hooks = [unet.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    prediction = unet(inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"]).sample
    losses = (prediction - inputs["target"]).square().mean(dim=(1, 2, 3))
    loss = (losses * inputs["weights"]).sum()
    loss.backward()
    for hook in hooks:
        hook.remove()
    results = {"loss": loss.detach().reshape(1), "losses": losses.detach()}
    results |= {f"gradient.{name}": seen[name].grad.contiguous() for name in names}
    return inputs | results


def draw(channels: int, height: int, width: int, tokens: int, hidden: int) -> dict[str, torch.Tensor]:
    """Two pictures, not square, of different timesteps and weights."""
    torch.manual_seed(2)
    shape = (2, channels, height, width)
    return dict(sample=torch.randn(shape), timestep=torch.tensor([981.0, 20.0]),
                encoder_hidden_states=torch.randn(2, tokens, hidden), target=torch.randn(shape),
                weights=torch.tensor([1.0, 0.25]))


def text_gradient(encoder, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """The gradient of the last hidden state, weighted by a random cotangent, with respect to the embeddings."""
    encoder.eval().requires_grad_(False)
    seen = {}

    def hook(_module, _arguments, output):
        seen["embeddings"] = output.detach().requires_grad_()
        return seen["embeddings"]

    table = next(m for m in encoder.modules() if isinstance(m, torch.nn.Embedding) and m.num_embeddings == encoder.config.vocab_size)
    handle = table.register_forward_hook(hook)
    hidden = encoder(input_ids)[0]
    handle.remove()
    torch.manual_seed(3)
    cotangent = torch.randn_like(hidden)
    (hidden * cotangent).sum().backward()
    return dict(input_ids=input_ids, cotangent=cotangent, embeddings=seen["embeddings"].detach().contiguous(),
                hidden_state=hidden.detach().contiguous(), gradient=seen["embeddings"].grad.contiguous())


def tiny():
    """U-Net and text encoder of the import fixtures. They keep only the cross-attention, so both are drawn again as
    `make_import_fixtures.write_diffusers` draws them, and compared with what was kept."""
    sys.path.insert(0, str(EXPORT))
    from make_import_fixtures import TEXT, UNET, VAE

    torch.manual_seed(0)
    unet = UNet2DConditionModel(**UNET).half().float().eval()
    AutoencoderKL(**VAE)
    text = CLIPTextModel(CLIPTextConfig(**TEXT)).half().float().eval()
    golden = load_file(FIXTURES / "golden.safetensors")
    with torch.no_grad():
        found = unet(golden["sample"], golden["timestep"], golden["encoder_hidden_states"]).sample
    if (found - golden["out_sample"]).abs().max() > 1e-5:
        raise SystemExit("PyTorch draws other weights than those of tests/fixtures/import: make those again first")
    ids = torch.tensor([[0, 2, 3, 4, 5, 1, 1, 1], [0, 3, 1, 1, 1, 1, 1, 1]])
    exported = onnxruntime.InferenceSession(FIXTURES / "common/text_encoder.onnx").run(None, {"input_ids": ids.numpy()})[0]
    if (text(ids)[0] - torch.from_numpy(exported)).abs().max() > 1e-4:
        raise SystemExit("PyTorch draws another text encoder than that of tests/fixtures/import: make those again first")
    return unet, text, ids


def save(name: str, tensors: dict[str, torch.Tensor], **metadata: str) -> None:
    target = HERE / "gradients"
    target.mkdir(exist_ok=True)
    save_file(tensors, target / f"{name}.safetensors", metadata=metadata)
    (target / f"{name}.safetensors").chmod(0o644)
    gradients = [tensor.abs().max().item() for key, tensor in tensors.items() if key.startswith("gradient")]
    print(f"{name}: {len(gradients)} gradients, largest values {min(gradients):.2g} to {max(gradients):.2g}")


def main() -> None:
    pipeline = load_pipeline(pipeline_folder(__doc__))
    unet = pipeline.unet
    config = unet.config
    inputs = draw(config.in_channels, 8, 12, 7, config.cross_attention_dim)
    save("toybox", with_gradients(unet, inputs), fingerprint=fingerprint(unet))
    ids = pipeline.tokenizer("a <v1> dog on grass", padding="max_length", return_tensors="pt").input_ids
    save("toybox_text", text_gradient(pipeline.text_encoder, ids), fingerprint=fingerprint(unet))
    unet, text, ids = tiny()
    config = unet.config
    save("tiny_text", text_gradient(text, ids))
    save("tiny", with_gradients(unet, draw(config.in_channels, 8, 12, 8, config.cross_attention_dim)))


if __name__ == "__main__":
    main()
