"""Vectors of kind `op`: single operations, forward and every gradient, on awkward sizes."""

import itertools
import warnings

import torch
import torch.nn.functional as F

from culvert_vectors import differentiate, generator, normal, save_case, uniform

# batch, in channels, height, width, out channels, kernel, stride, padding
CONV_SMALL = [
    (1, 1, 1, 1, 1, 1, 1, 0),
    (2, 3, 9, 7, 5, 3, 1, 1),
    (1, 5, 8, 9, 7, 3, 2, 1),
    (3, 7, 5, 5, 3, 1, 1, 0),
    (2, 5, 7, 9, 7, 1, 2, 0),
    (1, 3, 17, 15, 8, 7, 2, 3),
    (1, 31, 6, 5, 33, 3, 1, 1),
    (2, 33, 5, 5, 31, 3, 2, 1),
    (1, 16, 4, 4, 32, 1, 2, 0),
    (1, 3, 6, 6, 4, 3, 1, 0),
]
CONV_FULL = [
    (2, 3, 33, 47, 64, 7, 2, 3),
    (2, 3, 64, 64, 64, 7, 2, 3),
    (1, 1, 9, 9, 31, 7, 1, 3),
    (3, 64, 16, 16, 64, 3, 1, 1),
    (2, 64, 17, 15, 128, 3, 2, 1),
    (2, 64, 17, 15, 128, 1, 2, 0),
    (1, 128, 8, 8, 256, 3, 2, 1),
    (1, 256, 4, 4, 256, 3, 1, 1),
    (2, 512, 2, 2, 512, 3, 1, 1),
    (1, 512, 1, 1, 512, 3, 1, 1),
    (2, 7, 13, 11, 33, 5, 1, 2),
    (2, 65, 9, 9, 1, 3, 1, 1),
    (1, 2, 3, 3, 3, 3, 2, 0),
]
CONV_GRID = [
    (n, c, h, w, o, k, s, p)
    for (k, s, p), (c, o), (n, h, w) in itertools.product(
        [(1, 1, 0), (1, 2, 0), (3, 1, 0), (3, 1, 1), (3, 2, 1), (7, 2, 3)],
        [(1, 7), (3, 5), (31, 33), (64, 31), (33, 64)],
        [(1, 9, 7), (3, 8, 11)],
    )
]

# shapes of x; the channel is axis 1
NORM_SMALL = [(2, 1), (5, 7), (33, 31), (2, 3, 5, 5), (1, 5, 3, 7), (3, 17, 2, 2), (2, 4, 1, 1)]
NORM_FULL = [(8, 512), (64, 2048), (2, 64, 17, 15), (4, 512, 2, 2), (3, 33, 31, 1), (2, 8, 56, 56)]

# shape of x, out features, bias
LINEAR_SMALL = [((1, 1), 1, True), ((3, 37), 75, True), ((5, 31), 33, False), ((1, 5, 37), 75, True),
                ((2, 3, 17), 1, False), ((7, 1), 5, True)]
LINEAR_FULL = [((8, 512), 2048, True), ((8, 2048), 256, True), ((33, 197), 65, True), ((2, 197, 192), 576, True),
               ((2, 65, 192), 64, False), ((1, 1000), 1000, False)]

UNARY_SMALL = [(1, 1), (1, 5, 37), (33, 31), (2, 3, 5, 7)]
UNARY_FULL = [(1000,), (4, 197, 192), (2, 64, 17, 15)]

# shape of x, kernel, stride, padding
POOL_SMALL = [((1, 1, 3, 3), 3, 2, 1), ((2, 3, 8, 8), 3, 2, 1), ((1, 5, 9, 7), 3, 2, 1), ((2, 7, 7, 9), 2, 2, 0),
              ((3, 2, 6, 6), 2, 2, 0), ((1, 31, 5, 5), 3, 1, 1)]
POOL_FULL = [((2, 64, 17, 24), 3, 2, 1), ((2, 64, 32, 32), 3, 2, 1), ((1, 33, 31, 33), 2, 2, 0)]
GLOBAL_POOL_SMALL = [(1, 1, 1, 1), (2, 3, 5, 7), (3, 31, 2, 2), (2, 33, 7, 7)]
GLOBAL_POOL_FULL = [(8, 512, 2, 2), (2, 512, 7, 7)]
L2_SMALL = [(1, 2), (5, 37), (33, 31), (2, 3, 17)]
L2_FULL = [(256, 256), (64, 1000)]
LAST_SMALL = [(1, 1), (2, 3), (1, 5, 37), (33, 31)]
LAST_FULL = [(7, 1000), (2, 197, 192), (3, 2049)]
# batch, heads, tokens, width of a head
ATTENTION_SMALL = [(1, 1, 1, 16), (2, 3, 5, 16), (1, 2, 50, 32), (1, 3, 17, 64), (1, 1, 33, 128)]
ATTENTION_FULL = [(2, 3, 65, 64), (1, 3, 197, 64), (1, 12, 31, 16), (1, 2, 128, 32)]
# batch, tokens, heads, width of a head
QKV_SMALL = [(1, 1, 1, 16), (3, 5, 2, 16), (1, 50, 2, 32), (2, 17, 3, 64), (1, 33, 1, 128), (1, 197, 1, 16)]
QKV_FULL = [(3, 65, 3, 64), (1, 197, 3, 64), (1, 31, 12, 16)]
# batch, tokens, width of a token, heads, width of a head
CLASS_ATTENTION_SMALL = [(1, 1, 8, 1, 16), (3, 5, 33, 2, 7), (2, 17, 40, 3, 16), (1, 50, 24, 17, 1)]
CLASS_ATTENTION_FULL = [(3, 65, 192, 3, 64), (2, 197, 192, 3, 64), (1, 31, 192, 12, 16)]
# shape of x, width of a token, patch
PATCH_SMALL = [((1, 3, 2, 2), 5, 2), ((3, 3, 8, 12), 7, 4), ((2, 1, 6, 9), 8, 3), ((1, 3, 16, 16), 33, 16)]
PATCH_FULL = [((3, 3, 64, 64), 192, 8), ((1, 3, 224, 224), 192, 16)]
# shape of x
TOKENS_SMALL = [(1, 1, 1), (3, 5, 7), (33, 2, 4), (2, 16, 12)]
TOKENS_FULL = [(3, 196, 192), (65, 4, 192)]
# shape of x, width between the layers, width of the output
MLP_SMALL = [((1, 1), 1, 1), ((5, 7), 31, 3), ((33, 5), 8, 31), ((2, 17, 12), 48, 12), ((1, 31), 33, 1)]
MLP_FULL = [((2, 197, 192), 768, 192), ((7, 65), 1000, 33)]
# images, places, patches that stay, width of a token
MASKED_SMALL = [(1, 1, 1, 1), (3, 5, 2, 7), (33, 4, 1, 4), (2, 16, 4, 12), (2, 6, 6, 33)]
MASKED_FULL = [(3, 196, 49, 192), (65, 64, 16, 192)]
# shape of x, patch, patches that stay
VISIBLE_SMALL = [((1, 3, 2, 2), 2, 1), ((3, 3, 8, 12), 4, 2), ((2, 1, 6, 9), 3, 5), ((1, 3, 32, 16), 16, 1)]
VISIBLE_FULL = [((3, 3, 64, 64), 8, 16), ((1, 3, 224, 224), 16, 49)]


# patches down and across that there are positions for, patches down and across of the images, images, width
RESAMPLED_SMALL = [(1, 1, 2, 3, 2, 5), (4, 4, 2, 2, 3, 7), (7, 5, 3, 6, 2, 4), (2, 3, 5, 4, 1, 8)]
RESAMPLED_FULL = [(14, 14, 6, 6, 2, 192), (6, 6, 14, 14, 1, 192), (4, 4, 2, 2, 33, 192)]
# shape of x, out features
WEIGHT_NORM_SMALL = [((1, 1), 1), ((3, 37), 75), ((5, 31), 33), ((2, 3, 17), 1), ((7, 1), 5), ((4, 8), 12)]
WEIGHT_NORM_FULL = [((8, 256), 8192), ((33, 197), 65), ((1, 1000), 1000)]


def _name(*parts):
    return "_".join("x".join(map(str, p)) if isinstance(p, (tuple, list, torch.Size)) else str(p) for p in parts)


def conv2d(folder, n, c, h, w, o, k, stride, padding):
    name = _name("op_conv2d", (n, c, h, w), (o, k, k), f"s{stride}p{padding}")
    gen = generator(name)
    x, weight = normal(gen, n, c, h, w), normal(gen, o, c, k, k, std=(2 / (c * k * k)) ** 0.5)
    tensors = differentiate(
        lambda i, p: F.conv2d(i["x"], p["weight"], stride=stride, padding=padding), {"x": x}, {"weight": weight}, gen)
    save_case(folder / f"{name}.safetensors", "op", "conv2d", {"stride": stride, "padding": padding}, tensors)


def batch_norm(folder, shape, training, eps=1e-5, momentum=0.1):
    op = "batch_norm" if training else "batch_norm_eval"
    name = _name(f"op_{op}", shape)
    gen, c = generator(name), shape[1]
    x = normal(gen, *shape, mean=0.7, std=1.5)
    params = {"weight": uniform(gen, c, low=0.5, high=1.5), "bias": normal(gen, c)}
    mean, var = normal(gen, c), uniform(gen, c, low=0.5, high=2.0)
    wide_mean, wide_var = mean.double(), var.double()
    tensors = differentiate(
        lambda i, p: F.batch_norm(i["x"], wide_mean, wide_var, p["weight"], p["bias"], training, momentum, eps),
        {"x": x}, params, gen)
    if training and x.numel() // c == 2:
        # With two values a channel the normalised ones are +-1: the true gradient is a cancellation near zero.
        del tensors["grad/in/x"]
    tensors |= {"buffer/running_mean": mean, "buffer/running_var": var}
    settings = {"eps": eps}
    if training:
        settings["momentum"] = momentum
        tensors |= {"out/buffer/running_mean": wide_mean.float(), "out/buffer/running_var": wide_var.float()}
    save_case(folder / f"{name}.safetensors", "op", op, settings, tensors)


def linear(folder, shape, out_features, bias):
    name = _name("op_linear", shape, out_features, "bias" if bias else "nobias")
    gen, d = generator(name), shape[-1]
    params = {"weight": normal(gen, out_features, d, std=d ** -0.5)}
    if bias:
        params["bias"] = normal(gen, out_features)
    tensors = differentiate(
        lambda i, p: F.linear(i["x"], p["weight"], p.get("bias")), {"x": normal(gen, *shape)}, params, gen)
    save_case(folder / f"{name}.safetensors", "op", "linear", {}, tensors)


def unary(folder, op, shape, function, params=None, suffix=()):
    name = _name(f"op_{op}", shape, *suffix)
    gen = generator(name)
    tensors = differentiate(lambda i, _: function(i["x"]), {"x": normal(gen, *shape)}, {}, gen)
    save_case(folder / f"{name}.safetensors", "op", op, params or {}, tensors)


def max_pool2d(folder, shape, kernel, stride, padding):
    unary(folder, "max_pool2d", shape, lambda x: F.max_pool2d(x, kernel, stride, padding),
          {"kernel": kernel, "stride": stride, "padding": padding}, (f"k{kernel}s{stride}p{padding}",))


def layer_norm(folder, shape, eps=1e-6):
    name = _name("op_layer_norm", shape)
    gen = generator(name)
    width = shape[-1]
    tensors = differentiate(
        lambda i, p: F.layer_norm(i["x"], (width,), p["weight"], p["bias"], eps),
        {"x": normal(gen, *shape)}, {"weight": normal(gen, width), "bias": normal(gen, width)}, gen)
    save_case(folder / f"{name}.safetensors", "op", "layer_norm", {"eps": eps}, tensors)


def attention(folder, batch, heads, tokens, width):
    name = _name("op_attention", (batch, heads, tokens, width))
    gen = generator(name)
    scale = width ** -0.5
    shape = (batch, heads, tokens, width)
    tensors = differentiate(
        lambda i, _: torch.softmax(scale * i["q"] @ i["k"].transpose(-1, -2), -1) @ i["v"],
        {"q": normal(gen, *shape), "k": normal(gen, *shape), "v": normal(gen, *shape)}, {}, gen)
    save_case(folder / f"{name}.safetensors", "op", "attention", {"scale": scale}, tensors)


def qkv_attention(folder, batch, tokens, heads, width):
    """q, k and v as one projection leaves them: all heads of q, then of k, then of v, in each token."""
    name = _name("op_qkv_attention", (batch, tokens, heads, width))
    gen = generator(name)
    scale = width ** -0.5

    def forward(i, _):
        q, k, v = i["qkv"].view(batch, tokens, 3, heads, width).permute(2, 0, 3, 1, 4)
        y = torch.softmax(scale * q @ k.transpose(-1, -2), -1) @ v
        return y.transpose(1, 2).reshape(batch, tokens, heads * width)

    tensors = differentiate(forward, {"qkv": normal(gen, batch, tokens, 3 * heads * width)}, {}, gen)
    save_case(folder / f"{name}.safetensors", "op", "qkv_attention", {"scale": scale, "heads": heads}, tensors)


def class_attention(folder, batch, tokens, width, heads, head_width):
    """What the first token of each image gets of attention to all, with the projection to q, k and v."""
    name = _name("op_class_attention", (batch, tokens, width, heads, head_width))
    gen = generator(name)
    scale = head_width ** -0.5

    def forward(i, p):
        qkv = F.linear(i["x"], p["weight"], p["bias"])
        q, k, v = qkv.view(batch, tokens, 3, heads, head_width).permute(2, 0, 3, 1, 4)
        y = torch.softmax(scale * q @ k.transpose(-1, -2), -1) @ v
        return y.transpose(1, 2).reshape(batch, tokens, heads * head_width)[:, 0]

    rows = 3 * heads * head_width
    params = {"weight": normal(gen, rows, width, std=width ** -0.5), "bias": normal(gen, rows)}
    tensors = differentiate(forward, {"x": normal(gen, batch, tokens, width)}, params, gen)
    save_case(folder / f"{name}.safetensors", "op", "class_attention", {"scale": scale, "heads": heads}, tensors)


def patch_embed(folder, shape, width, patch):
    name = _name("op_patch_embed", shape, width, f"p{patch}")
    gen = generator(name)
    fan_in = shape[1] * patch * patch
    params = {"weight": normal(gen, width, shape[1], patch, patch, std=fan_in ** -0.5), "bias": normal(gen, width)}
    tensors = differentiate(
        lambda i, p: F.conv2d(i["x"], p["weight"], p["bias"], stride=patch).flatten(2).transpose(1, 2),
        {"x": normal(gen, *shape)}, params, gen)
    save_case(folder / f"{name}.safetensors", "op", "patch_embed", {"patch": patch}, tensors)


def tokens(folder, shape):
    name = _name("op_tokens", shape)
    gen = generator(name)
    n, length, width = shape
    params = {"cls_token": normal(gen, 1, 1, width), "pos_embed": normal(gen, 1, length + 1, width)}
    tensors = differentiate(
        lambda i, p: torch.cat([p["cls_token"].expand(n, -1, -1), i["x"]], 1) + p["pos_embed"],
        {"x": normal(gen, *shape)}, params, gen)
    save_case(folder / f"{name}.safetensors", "op", "tokens", {}, tensors)


def _visible(gen, n, places, kept):
    """The places that stay, ascending, as argsort of noise chooses them."""
    return torch.rand(n, places, generator=gen).argsort(1)[:, :kept].sort(1).values


def visible_patches(folder, shape, patch, kept):
    name = _name("op_visible_patches", shape, f"p{patch}k{kept}")
    gen = generator(name)
    n, c, h, w = shape
    visible = _visible(gen, n, h // patch * (w // patch), kept)

    def forward(i, _):
        rows = i["x"].reshape(n, c, h // patch, patch, w // patch, patch).permute(0, 2, 4, 3, 5, 1)
        rows = rows.reshape(n, -1, patch * patch * c)
        return rows.gather(1, visible[:, :, None].expand(-1, -1, rows.shape[2]))

    tensors = differentiate(forward, {"x": normal(gen, *shape)}, {}, gen)
    save_case(folder / f"{name}.safetensors", "op", "visible_patches", {"patch": patch},
              tensors | {"in/visible": visible})


def placed_tokens(folder, n, places, kept, width):
    name = _name("op_placed_tokens", (n, places, width), f"k{kept}")
    gen = generator(name)
    visible = _visible(gen, n, places, kept)
    position = normal(gen, 1, 1 + places, width)

    def forward(i, p):
        at = position.double()[:, 1:].expand(n, -1, -1).gather(1, visible[:, :, None].expand(-1, -1, width))
        return torch.cat([(p["cls_token"] + position.double()[:, :1]).expand(n, -1, -1), i["x"] + at], 1)

    tensors = differentiate(forward, {"x": normal(gen, n, kept, width)}, {"cls_token": normal(gen, 1, 1, width)}, gen)
    save_case(folder / f"{name}.safetensors", "op", "placed_tokens", {},
              tensors | {"in/visible": visible, "in/pos_embed": position})


def unshuffle(folder, n, places, kept, width):
    """As the authors' code: mask tokens behind the visible ones, then everything gathered to its place."""
    name = _name("op_unshuffle", (n, places, width), f"k{kept}")
    gen = generator(name)
    visible = _visible(gen, n, places, kept)
    position = normal(gen, 1, 1 + places, width)
    removed = torch.ones(n, places).scatter(1, visible, 0)
    shuffled = torch.cat([visible, removed.nonzero()[:, 1].reshape(n, -1)], 1)
    restore = shuffled.argsort(1)

    def forward(i, p):
        masks = p["mask_token"].expand(n, places - kept, -1)
        patches = torch.cat([i["x"][:, 1:], masks], 1).gather(1, restore[:, :, None].expand(-1, -1, width))
        return torch.cat([i["x"][:, :1], patches], 1) + position.double()

    tensors = differentiate(
        forward, {"x": normal(gen, n, 1 + kept, width)}, {"mask_token": normal(gen, 1, 1, width)}, gen)
    save_case(folder / f"{name}.safetensors", "op", "unshuffle", {},
              tensors | {"in/visible": visible, "in/pos_embed": position})


def resampled_tokens(folder, height, width, to_height, to_width, n, d):
    """Positions as timm resamples them, with their gradient through it."""
    name = _name("op_resampled_tokens", (height, width), (to_height, to_width), (n, d))
    gen = generator(name)
    params = {"cls_token": normal(gen, 1, 1, d), "pos_embed": normal(gen, 1, height * width + 1, d)}

    def forward(i, p):
        grid = p["pos_embed"][:, 1:].reshape(1, height, width, d).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(to_height, to_width), mode="bicubic", antialias=True, align_corners=False)
        position = torch.cat([p["pos_embed"][:, :1], grid.flatten(2).transpose(1, 2)], 1)
        return torch.cat([p["cls_token"].expand(n, -1, -1), i["x"]], 1) + position

    tensors = differentiate(forward, {"x": normal(gen, n, to_height * to_width, d)}, params, gen)
    sizes = {"height": height, "width": width, "to_height": to_height, "to_width": to_width}
    save_case(folder / f"{name}.safetensors", "op", "resampled_tokens", sizes, tensors)


def weight_norm_linear(folder, shape, out_features):
    """torch.nn.utils.weight_norm itself."""
    name = _name("op_weight_norm_linear", shape, out_features)
    gen, width = generator(name), shape[-1]
    # PyTorch's parameters are these leaves, so that its own hook makes the weight of them.
    params = {"weight_g": normal(gen, out_features, 1), "weight_v": normal(gen, out_features, width)}

    def forward(i, p):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            layer = torch.nn.utils.weight_norm(torch.nn.Linear(width, out_features, bias=False, dtype=torch.float64))
        del layer._parameters["weight_g"], layer._parameters["weight_v"]
        layer.weight_g, layer.weight_v = p["weight_g"], p["weight_v"]
        return layer(i["x"])

    tensors = differentiate(forward, {"x": normal(gen, *shape)}, params, gen)
    if width == 1:
        # A direction in one dimension is a sign: the true gradient is exactly zero, nothing to compare.
        del tensors["grad/param/weight_v"]
    save_case(folder / f"{name}.safetensors", "op", "weight_norm_linear", {}, tensors)


def bias_gelu(folder, shape):
    name = _name("op_bias_gelu", shape)
    gen = generator(name)
    tensors = differentiate(
        lambda i, p: F.gelu(i["x"] + p["bias"]), {"x": normal(gen, *shape)}, {"bias": normal(gen, shape[-1])}, gen)
    save_case(folder / f"{name}.safetensors", "op", "bias_gelu", {}, tensors)


def mlp(folder, shape, hidden, width):
    name = _name("op_mlp", shape, hidden, width)
    gen = generator(name)
    fan_in = shape[-1]
    params = {"fc1.weight": normal(gen, hidden, fan_in, std=fan_in ** -0.5), "fc1.bias": normal(gen, hidden),
              "fc2.weight": normal(gen, width, hidden, std=hidden ** -0.5), "fc2.bias": normal(gen, width)}
    tensors = differentiate(
        lambda i, p: F.linear(F.gelu(F.linear(i["x"], p["fc1.weight"], p["fc1.bias"])), p["fc2.weight"], p["fc2.bias"]),
        {"x": normal(gen, *shape)}, params, gen)
    save_case(folder / f"{name}.safetensors", "op", "mlp", {}, tensors)


def add(folder, shape):
    name = _name("op_add", shape)
    gen = generator(name)
    tensors = differentiate(
        lambda i, _: i["a"] + i["b"], {"a": normal(gen, *shape), "b": normal(gen, *shape)}, {}, gen)
    save_case(folder / f"{name}.safetensors", "op", "add", {}, tensors)


def write(folder, small):
    """Every op case; `small` leaves out what would not fit into a source tree."""
    for case in CONV_SMALL + ([] if small else CONV_FULL + CONV_GRID):
        conv2d(folder, *case)
    for shape in NORM_SMALL + ([] if small else NORM_FULL):
        values = torch.Size(shape).numel() // shape[1]
        if values > 1:
            batch_norm(folder, shape, training=True)
        batch_norm(folder, shape, training=False)
    batch_norm(folder, (6, 5, 3, 3), training=True, eps=1e-3, momentum=0.01)
    for case in LINEAR_SMALL + ([] if small else LINEAR_FULL):
        linear(folder, *case)
    for shape in UNARY_SMALL + ([] if small else UNARY_FULL):
        unary(folder, "relu", shape, torch.relu)
    for case in POOL_SMALL + ([] if small else POOL_FULL):
        max_pool2d(folder, *case)
    for shape in GLOBAL_POOL_SMALL + ([] if small else GLOBAL_POOL_FULL):
        unary(folder, "global_avg_pool", shape, lambda x: x.mean((2, 3)))
    for shape in L2_SMALL + ([] if small else L2_FULL):
        unary(folder, "l2_normalize", shape, lambda x: F.normalize(x, dim=-1, eps=1e-12))
    for shape in LAST_SMALL + ([] if small else LAST_FULL):
        layer_norm(folder, shape)
        unary(folder, "softmax", shape, lambda x: torch.softmax(x, -1))
        unary(folder, "gelu", shape, F.gelu)
    for shape in ATTENTION_SMALL + ([] if small else ATTENTION_FULL):
        attention(folder, *shape)
    for case in QKV_SMALL + ([] if small else QKV_FULL):
        qkv_attention(folder, *case)
    for case in CLASS_ATTENTION_SMALL + ([] if small else CLASS_ATTENTION_FULL):
        class_attention(folder, *case)
    for case in PATCH_SMALL + ([] if small else PATCH_FULL):
        patch_embed(folder, *case)
    for shape in TOKENS_SMALL + ([] if small else TOKENS_FULL):
        tokens(folder, shape)
        unary(folder, "class_token", shape, lambda x: x[:, 0])
        if shape[1] > 1:
            unary(folder, "patch_tokens", shape, lambda x: x[:, 1:])
    for case in MLP_SMALL + ([] if small else MLP_FULL):
        mlp(folder, *case)
    for case in VISIBLE_SMALL + ([] if small else VISIBLE_FULL):
        visible_patches(folder, *case)
    for case in MASKED_SMALL + ([] if small else MASKED_FULL):
        placed_tokens(folder, *case)
        unshuffle(folder, *case)
    for case in RESAMPLED_SMALL + ([] if small else RESAMPLED_FULL):
        resampled_tokens(folder, *case)
    for case in WEIGHT_NORM_SMALL + ([] if small else WEIGHT_NORM_FULL):
        weight_norm_linear(folder, *case)
    for shape in LAST_SMALL + ([] if small else LAST_FULL):
        bias_gelu(folder, shape)
        add(folder, shape)
