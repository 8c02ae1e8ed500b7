"""Vectors of kind `loss`. SimCLR's NT-Xent over both views (Chen et al. 2020, equation 1)."""

import itertools

import torch
import torch.nn.functional as F

from culvert_vectors import generator, normal, save_case

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


def write(folder, small):
    for case in SIMCLR_SMALL + ([] if small else SIMCLR_FULL):
        simclr(folder, *case)
    simclr(folder, 6, 16, 0.2, correlated=False)
