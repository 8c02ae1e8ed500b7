"""Vectors of kind `model`: timm's ResNet-18 and ViT-Tiny, their features, every gradient and every buffer.

For each case the condition is printed: the relative error of PyTorch's own float32 run against its float64 run. A case
is only worth having where that is far below the tolerance of 1e-4. One ReLU input that float32 rounds to the other
side of zero changes the gradients by a thousandth, whoever computes them: so the case keeps them all away from zero
(`clear_kinks`), and the two highest values of each pooling window apart.
"""

import torch
import torch.nn.functional as F

from culvert_vectors import generator, import_torchvision, normal, relative_error, save_case, uniform

import_torchvision()
import timm  # noqa: E402

# batch, height, width, training
RESNET18 = [(8, 64, 64, True), (4, 64, 64, False), (8, 33, 47, True), (3, 33, 47, False), (4, 96, 80, True),
            (1, 32, 32, False), (2, 128, 128, True)]
# batch, height, width, patch
VIT_TINY = [(3, 32, 32, 16), (2, 64, 64, 8), (3, 48, 32, 16), (1, 224, 224, 16)]
RELU_MARGIN, POOL_MARGIN = 2e-5, 2e-6  # activations are of order 1


def resnet18(gen):
    """ResNet-18 without its classifier, float32; gains, biases and running statistics moved off their defaults."""
    model = timm.create_model("resnet18", num_classes=0, zero_init_last=False)
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            value.fill_(3)
        elif value.ndim == 4:
            fan_out = value.shape[0] * value.shape[2] * value.shape[3]
            value.copy_(normal(gen, *value.shape, std=(2 / fan_out) ** 0.5))
        elif name.endswith("running_var"):
            value.copy_(uniform(gen, *value.shape, low=0.5, high=2))
        elif name.endswith("weight"):
            value.copy_(uniform(gen, *value.shape, low=0.5, high=1.5))
        else:
            value.copy_(normal(gen, *value.shape, std=0.2))
    return model


def clear_kinks(model, x, training, gen):
    """Shift batch-norm biases, first layer to last in one forward pass, until no ReLU input is within RELU_MARGIN of
    zero; return whether the pooling windows are clear of ties too."""
    twin = timm.create_model("resnet18", num_classes=0, zero_init_last=False).double()
    twin.load_state_dict(model.state_dict())
    twin.train(training)
    biases = dict(model.named_parameters())
    norm_of = {"act1": "bn1", "act2": "bn2"}
    clear = []

    def shift(name):
        parent, _, act = name.rpartition(".")
        bias = biases[(parent + "." if parent else "") + norm_of[act] + ".bias"]

        def hook(_, arguments):
            y = arguments[0]
            for c in range(y.shape[1]):
                while y[:, c].abs().min() < RELU_MARGIN:
                    before = bias[c].item()
                    bias[c] += normal(gen, 1, std=1e-2)[0]
                    y[:, c] += bias[c].item() - before
            return (y,)

        return hook

    def windows(_, arguments):
        y = arguments[0]
        patches = F.unfold(F.pad(y, (1, 1, 1, 1)), 3, stride=2).view(y.shape[0], y.shape[1], 9, -1)
        top = patches.topk(2, dim=2).values
        clear.append(bool(((top[:, :, 0] - top[:, :, 1] > POOL_MARGIN) | (top[:, :, 0] == 0)).all()))

    for name, module in twin.named_modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_pre_hook(shift(name))
    twin.maxpool.register_forward_pre_hook(windows)
    with torch.no_grad():
        twin(x.double())
    return all(clear)


def run(model, x, gradout, training, dtype):
    """Features, gradients and buffers of one forward and backward in the given precision."""
    twin = timm.create_model("resnet18", num_classes=0).to(dtype)
    twin.load_state_dict(model.state_dict())
    twin.train(training)
    x = x.to(dtype).requires_grad_()
    features = twin(x)
    features.backward(gradout.to(dtype))
    results = {"out/features": features.detach(), "grad/in/x": x.grad}
    results |= {f"grad/param/{k}": p.grad for k, p in twin.named_parameters()}
    if training:
        results |= {f"out/buffer/{k}": b for k, b in twin.named_buffers()}
    return results


def case(folder, n, h, w, training):
    name = f"model_resnet18_{n}x{h}x{w}_{'train' if training else 'eval'}"
    gen = generator(name)
    model = resnet18(gen)
    x, gradout = normal(gen, n, 3, h, w), normal(gen, n, 512)
    while not clear_kinks(model, x, training, gen):
        x = normal(gen, n, 3, h, w)
    truth = run(model, x, gradout, training, torch.float64)
    single = run(model, x, gradout, training, torch.float32)
    errors = sorted(((relative_error(single[k], truth[k]), k) for k in truth), reverse=True)
    print(f"{name}: float32 PyTorch is off by at most {errors[0][0]:.1e} ({errors[0][1]}), features by "
          f"{relative_error(single['out/features'], truth['out/features']):.1e}", flush=True)
    tensors = {"in/x": x, "gradout/features": gradout}
    tensors |= {f"param/{k}": p for k, p in model.named_parameters()}
    tensors |= {f"buffer/{k}": b for k, b in model.named_buffers()}
    tensors |= {k: v if v.dtype == torch.int64 else v.float() for k, v in truth.items()}
    params = {"image_size": h if h == w else [h, w], "training": training}
    save_case(folder / f"{name}.safetensors", "model", "resnet18", params, tensors)


def vit_tiny_blank(height, width, patch):
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=(height, width), patch_size=patch)


def vit_tiny(gen, height, width, patch):
    """ViT-Tiny without its classifier, float32; every parameter moved off its default."""
    model = vit_tiny_blank(height, width, patch)
    for name, value in model.state_dict().items():
        if "norm" in name and name.endswith("weight"):
            value.copy_(uniform(gen, *value.shape, low=0.5, high=1.5))
        elif name.endswith("weight"):
            value.copy_(normal(gen, *value.shape, std=value[0].numel() ** -0.5))
        else:
            value.copy_(normal(gen, *value.shape, std=0.2))
    return model


def run_vit_tiny(model, x, gradout, patch, dtype):
    """Features and gradients of one forward and backward in the given precision."""
    twin = vit_tiny_blank(*x.shape[2:], patch).to(dtype)
    twin.load_state_dict(model.state_dict())
    x = x.to(dtype).requires_grad_()
    features = twin(x)
    features.backward(gradout.to(dtype))
    return {"out/features": features.detach(), "grad/in/x": x.grad} | {
        f"grad/param/{k}": p.grad for k, p in twin.named_parameters()}


def vit_tiny_case(folder, n, h, w, patch):
    name = f"model_vit_tiny_{n}x{h}x{w}_p{patch}"
    gen = generator(name)
    model = vit_tiny(gen, h, w, patch)
    x, gradout = normal(gen, n, 3, h, w), normal(gen, n, 192)
    truth = run_vit_tiny(model, x, gradout, patch, torch.float64)
    single = run_vit_tiny(model, x, gradout, patch, torch.float32)
    errors = sorted(((relative_error(single[k], truth[k]), k) for k in truth), reverse=True)
    print(f"{name}: float32 PyTorch is off by at most {errors[0][0]:.1e} ({errors[0][1]})", flush=True)
    tensors = {"in/x": x, "gradout/features": gradout}
    tensors |= {f"param/{k}": p for k, p in model.named_parameters()}
    tensors |= {k: v.float() for k, v in truth.items()}
    params = {"image_size": h if h == w else [h, w], "patch": patch, "training": True}
    save_case(folder / f"{name}.safetensors", "model", "vit_tiny", params, tensors)


def write(folder, small):
    if small:  # 45 to 90 MB a case
        return
    for arguments in RESNET18:
        case(folder, *arguments)
    for arguments in VIT_TINY:
        vit_tiny_case(folder, *arguments)
