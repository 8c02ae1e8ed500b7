"""Vectors of kind `loss`."""

import itertools

import torch
import torch.nn.functional as F

from culvert_vectors import generator, normal, save_case, uniform

SIMCLR_SMALL = [(2, 3, 0.5), (2, 2, 0.1), (7, 64, 0.2), (5, 33, 0.1), (16, 31, 0.5), (3, 1, 0.5)]
SIMCLR_FULL = [(b, d, t) for b, d, t in itertools.product([2, 5, 32, 128], [17, 128, 256], [0.1, 0.2, 0.5])]


def nt_xent(z1, z2, temperature):
    """Mean over the 2B rows of -log(exp(s_pos / T) / sum over k != i of exp(s_ik / T)), s the cosine similarity."""
    z = F.normalize(torch.cat([z1, z2]), dim=1, eps=1e-12)
    logits = (z @ z.T / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool), float("-inf"))
    return F.cross_entropy(logits, torch.arange(len(z)).roll(len(z1)))


def simclr(folder, b, d, temperature, correlated=True):
    name = f"loss_simclr_{b}x{d}_t{temperature}" + ("" if correlated else "_independent")
    gen = generator(name)
    z1 = normal(gen, b, d)
    z2 = z1 * 0.6 + normal(gen, b, d) if correlated else normal(gen, b, d, std=3)
    wide = [z.double().requires_grad_() for z in (z1, z2)]
    loss = nt_xent(*wide, temperature)
    loss.backward()
    tensors = {"in/z1": z1, "in/z2": z2, "out/loss": loss.item()}
    if d > 1:
        # In one dimension every normalised value is +-1 and the true gradient is exactly zero: nothing to compare.
        tensors |= {"grad/in/z1": wide[0].grad.float(), "grad/in/z2": wide[1].grad.float()}
    save_case(folder / f"{name}.safetensors", "loss", "simclr", {"temperature": temperature}, tensors)


CROSS_ENTROPY_SMALL = [(1, 2, 1), (33, 17, 1), (3, 1000, 1), (2, 1100, 5), (31, 2, 40), (64, 1, 1)]
CROSS_ENTROPY_FULL = [(b, c, s) for b, c, s in itertools.product([1, 5, 256], [2, 10, 197, 5000], [0.01, 3, 100])]
BCE_SMALL = [(1, 1.0, 1), (33, 98.8, 1), (300, 1.22, 30), (31, 0.0, 1)]
BCE_FULL = [(b, w, s) for b, w, s in itertools.product([2, 257, 1000], [0.5, 5.66, 48.9], [0.01, 3, 100])]
BYOL_SMALL = [(1, 3, 1), (5, 33, 1), (16, 256, 1), (2, 1100, 100), (3, 31, 0.001)]
BYOL_FULL = [(b, d, n) for b, d, n in itertools.product([1, 31, 128], [2, 17, 256, 2048], [0.001, 1, 1e4])]
MAE_SMALL = [(2, 4, 3, 4, True, 0.75), (2, 4, 3, 4, False, 0.75), (1, 1, 5, 1, True, 0.5), (3, 2, 2, 3, False, 1.0),
             (1, 2, 2, 20, True, 0.75)]
MAE_FULL = [(n, r, c, p, norm, share) for n, (r, c), p, norm, share in itertools.product(
    [1, 3], [(1, 1), (4, 7)], [1, 5, 16, 32], [True, False], [0.25, 0.75, 1.0])]
BARLOW_SMALL = [(4, 3, 0.0051, 1.0, 1.0), (5, 33, 0.005, 0.024, 0.5), (32, 1, 0.005, 0.1, 1.0), (7, 100, 0.0051, 0.1, 0.01),
                (33, 31, 1.0, 1.0, 1.0)]
BARLOW_FULL = [(b, d, 0.0051, 0.024, n) for b, d, n in itertools.product([2, 31, 256], [2, 17, 256, 1100], [1e-4, 0.3, 3])]
DINO_SMALL = [(2, 3, 5, 0.1, 0.04, 1, 1), (3, 2, 33, 0.1, 0.07, 3, 0.3), (8, 5, 197, 0.1, 0.04, 1, 1),
              (2, 1, 1100, 0.1, 0.04, 10, 0.1), (10, 2, 31, 0.5, 0.04, 0.05, 1), (2, 2, 1, 0.1, 0.04, 1, 1)]
DINO_FULL = [(v, b, k, 0.1, t, s, n) for v, b, k, t, s, n in itertools.product(
    [2, 3, 10], [1, 7], [5, 197, 4096], [0.04, 0.07], [0.05, 1, 10], [0.1, 1])]


def save(folder, name, loss, inputs, params, forward, differentiated, extra=None):
    """Run `forward(inputs)`, a scalar, in float64 and write the case; the inputs named are differentiated."""
    wide = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    for k in differentiated:
        wide[k].requires_grad_()
    value = forward(wide)
    value.backward()
    tensors = {f"in/{k}": v for k, v in inputs.items()} | {"out/loss": value.item()} | (extra or {})
    tensors |= {f"grad/in/{k}": wide[k].grad.float() for k in differentiated}
    save_case(folder / f"{name}.safetensors", "loss", loss, params, tensors)


def cross_entropy(folder, b, c, scale):
    name = f"loss_ce_{b}x{c}_s{scale}"
    gen = generator(name)
    inputs = {"logits": normal(gen, b, c, std=scale), "labels": torch.randint(c, (b,), generator=gen)}
    # With one class the loss and its gradient are exactly zero.
    save(folder, name, "cross_entropy", inputs, {}, lambda x: F.cross_entropy(x["logits"], x["labels"]), ["logits"])


def bce(folder, b, weight, scale):
    name = f"loss_bce_{b}_w{weight}_s{scale}"
    gen = generator(name)
    inputs = {"logits": normal(gen, b, std=scale), "labels": (uniform(gen, b) < 0.3).float()}
    if weight == 0:
        inputs["labels"] = uniform(gen, b)
    save(folder, name, "bce_with_logits", inputs, {"pos_weight": weight},
         lambda x: F.binary_cross_entropy_with_logits(x["logits"], x["labels"],
                                                      pos_weight=torch.tensor(weight, dtype=torch.float64)),
         ["logits"])


def byol(folder, b, d, noise):
    """The smaller the noise, the nearer the targets to the predictions of the other view."""
    name = f"loss_byol_{b}x{d}_n{noise}"
    gen = generator(name)
    inputs = {k: normal(gen, b, d) for k in ("p1", "p2")}
    inputs |= {"z1": inputs["p2"] * 3 + normal(gen, b, d, std=noise), "z2": inputs["p1"] + normal(gen, b, d, std=noise)}

    def forward(x):
        one, two = (F.cosine_similarity(x[p], x[z], dim=1, eps=1e-12) for p, z in (("p1", "z2"), ("p2", "z1")))
        return ((2 - 2 * one).mean() + (2 - 2 * two).mean()) / 2

    save(folder, name, "byol", inputs, {}, forward, ["p1", "p2"])


def mae(folder, n, rows, columns, patch, norm_pix, share):
    """`share` of each image's patches is removed; one patch is flat, another of little contrast on a bright ground."""
    name = f"loss_mae_{n}x{rows}x{columns}_p{patch}_{'norm' if norm_pix else 'raw'}_r{share}"
    gen = generator(name)
    patches = rows * columns
    image = normal(gen, n, 3, rows * patch, columns * patch)
    image[0, :, :patch, :patch] = 0.7
    image[-1, :, -patch:, -patch:] = 2 + image[-1, :, -patch:, -patch:] / 256
    order = torch.rand(n, patches, generator=gen).argsort(dim=1)
    mask = (order < max(1, int(share * patches))).float()
    mask[0, 0] = mask[-1, -1] = 1
    inputs = {"pred": normal(gen, n, patches, patch * patch * 3), "image": image, "mask": mask}

    def forward(x):
        target = x["image"].reshape(n, 3, rows, patch, columns, patch)
        target = torch.einsum("nchpwq->nhwpqc", target).reshape(n, patches, -1)
        if norm_pix:
            target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        return (((x["pred"] - target) ** 2).mean(-1) * x["mask"]).sum() / x["mask"].sum()

    save(folder, name, "mae", inputs, {"patch": patch, "norm_pix": norm_pix}, forward, ["pred"])


def barlow_twins(z1, z2, weight, scale, eps=1e-5):
    """Batch normalisation without affine, with its biased variance; the sum over the diagonal and over the rest."""
    normalised = [F.batch_norm(z, None, None, training=True, eps=eps) for z in (z1, z2)]
    c = normalised[0].T @ normalised[1] / len(z1)
    on, off = (c.diagonal() - 1).pow(2).sum(), (c - c.diagonal().diag()).pow(2).sum()
    return scale * (on + weight * off)


def barlow(folder, b, d, weight, scale, noise):
    """The smaller the noise, the nearer the diagonal to its optimum. Columns have means and deviations of many sizes."""
    name = f"loss_barlow_{b}x{d}_l{weight}_s{scale}_n{noise}"
    gen = generator(name)
    size, middle = 10 ** uniform(gen, d, low=-1.5, high=1), normal(gen, d)
    z1 = normal(gen, b, d)
    inputs = {"z1": z1 * size + middle, "z2": (z1 + normal(gen, b, d, std=noise)) * size}
    params = {"lambda": weight, "scale": scale, "eps": 1e-5}
    save(folder, name, "barlow_twins", inputs, params,
         lambda x: barlow_twins(x["z1"], x["z2"], weight, scale), ["z1", "z2"])


def dino(folder, crops, b, k, student_temp, teacher_temp, scale, noise):
    """The smaller the noise, the nearer each crop of the student to the teacher; the larger the scale, the more certain."""
    name = f"loss_dino_{crops}x{b}x{k}_t{student_temp}_{teacher_temp}_s{scale}_n{noise}"
    gen = generator(name)
    image = normal(gen, b, k, std=scale)
    inputs = {"student": (image + normal(gen, crops, b, k, std=noise * scale)).reshape(-1, k),
              "teacher": (image + normal(gen, 2, b, k, std=noise * scale)).reshape(-1, k) + 1.5}
    center = normal(gen, 1, k, std=0.1 * scale, mean=1.4)
    after = 0.9 * center.double() + (1 - 0.9) * inputs["teacher"].double().mean(0, keepdim=True)

    def forward(x):
        targets = F.softmax((x["teacher"] - center.double()) / teacher_temp, dim=-1).chunk(2)
        logs = F.log_softmax(x["student"] / student_temp, dim=-1).chunk(crops)
        terms = [(-p * q).sum(-1).mean() for i, p in enumerate(targets) for j, q in enumerate(logs) if i != j]
        return sum(terms) / len(terms)

    params = dict(student_temp=student_temp, teacher_temp=teacher_temp, center_momentum=0.9, crops=crops)
    save(folder, name, "dino", inputs, params, forward, ["student"],
         {"buffer/center": center, "out/buffer/center": after.float()})


def write(folder, small):
    for case in SIMCLR_SMALL + ([] if small else SIMCLR_FULL):
        simclr(folder, *case)
    simclr(folder, 6, 16, 0.2, correlated=False)
    for case in CROSS_ENTROPY_SMALL + ([] if small else CROSS_ENTROPY_FULL):
        cross_entropy(folder, *case)
    for case in BCE_SMALL + ([] if small else BCE_FULL):
        bce(folder, *case)
    for case in BYOL_SMALL + ([] if small else BYOL_FULL):
        byol(folder, *case)
    for case in MAE_SMALL + ([] if small else MAE_FULL):
        mae(folder, *case)
    for case in BARLOW_SMALL + ([] if small else BARLOW_FULL):
        barlow(folder, *case)
    for case in DINO_SMALL + ([] if small else DINO_FULL):
        dino(folder, *case)
