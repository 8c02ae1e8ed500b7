"""Golden numbers without any random input: A(N,D)[i,j] = sin(1 + 0.7i + 1.3j), B(N,D)[i,j] = cos(0.5 + 0.9i - 0.4j).

Unit tests rebuild the inputs from these formulas and read the expected numbers, computed here in float64, from
src/test/resources/golden/step_a.json.
"""

import json
import math

import torch

from culvert_vectors import import_torchvision
from losses import nt_xent
from optimizers import Lars

import_torchvision()
from timm.layers import resample_abs_pos_embed  # noqa: E402


def grid_a(n, d):
    return torch.tensor([[math.sin(1 + 0.7 * i + 1.3 * j) for j in range(d)] for i in range(n)], dtype=torch.float64)


def grid_b(n, d):
    return torch.tensor([[math.cos(0.5 + 0.9 * i - 0.4 * j) for j in range(d)] for i in range(n)], dtype=torch.float64)


def nt_xent_numbers():
    numbers = []
    for temperature in (0.1, 0.2, 0.5):
        a, b = grid_a(4, 3).requires_grad_(), grid_b(4, 3).requires_grad_()
        loss = nt_xent(a, b, temperature)
        loss.backward()
        numbers.append(dict(n=4, d=3, temperature=temperature, loss=loss.item(), grad_a=a.grad.flatten().tolist(),
                            grad_b=b.grad.flatten().tolist()))
    return numbers


def lars_numbers():
    """Two steps from w = A(2,3), b = B(1,3)[0] with gradients B(2,3)(t+1) and A(1,3)[0](t+1)."""
    settings = dict(lr=0.2, momentum=0.9, weight_decay=1.5e-6, trust_coefficient=1e-3)
    w, b = grid_a(2, 3).requires_grad_(), grid_b(1, 3)[0].clone().requires_grad_()
    optimizer = Lars([w, b], **settings)
    for t in (0, 1):
        w.grad, b.grad = grid_b(2, 3) * (t + 1), grid_a(1, 3)[0] * (t + 1)
        optimizer.step()
    return settings | dict(steps=2, w=w.flatten().tolist(), b=b.tolist())


def schedule_numbers():
    """Linear warm-up then cosine, in the recursive form of lightning-bolts that the reference code steps through."""
    base, start, warmup, total, eta_min = 0.3, 0.15, 12700, 57150, 1e-6
    wanted, values, lr = (0, 1, 6350, 12699, 12700, 28575, 57149), {}, start
    for step in range(total):
        if step == 0:
            lr = start
        elif step < warmup:
            lr += (base - start) / (warmup - 1)
        elif step == warmup:
            lr = base
        else:
            now, before = (1 + math.cos(math.pi * (step - k - warmup) / (total - warmup)) for k in (0, 1))
            lr = now / before * (lr - eta_min) + eta_min
        if step in wanted:
            values[str(step)] = lr
    return dict(base=base, warmup_start=start, warmup_steps=warmup, total_steps=total, eta_min=eta_min, values=values)


def position_numbers():
    """timm's resampling of the positions of a square grid, the first row of A being the class token's."""
    numbers = []
    for side, new in ((4, (6, 6)), (7, (4, 3)), (2, (5, 1))):
        values = grid_a(1 + side * side, 2).float()
        result = resample_abs_pos_embed(values[None], list(new), [side, side])[0]
        numbers.append(dict(side=side, height=new[0], width=new[1], values=result.flatten().tolist()))
    return numbers


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = dict(nt_xent=nt_xent_numbers(), lars=lars_numbers(), warmup_cosine=schedule_numbers(),
                   positions=position_numbers())
    path.write_text(json.dumps(numbers, indent=1) + "\n")
