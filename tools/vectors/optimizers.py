"""Vectors of kind `optimizer`: SGD as PyTorch has it, LARS as in Barlow Twins."""

import torch

from culvert_vectors import generator, normal, save_case

SHAPES = {"w": (33, 17), "b": (33,), "conv": (4, 3, 3, 3)}

# lr, momentum, weight decay, nesterov, steps
SGD = [(0.1, 0.9, 1e-4, False, 5), (0.1, 0.9, 5e-4, True, 5), (0.05, 0.0, 0.0, False, 3), (0.3, 0.9, 0.0, False, 1),
       (0.01, 0.5, 0.1, True, 2), (0.1, 0.0, 0.01, False, 4)]
# lr, momentum, weight decay, trust coefficient, steps
LARS = [(0.3, 0.9, 1e-6, 1e-3, 5), (0.2, 0.9, 1.5e-6, 1e-3, 2), (1.6, 0.9, 1e-4, 2e-2, 4), (0.3, 0.0, 0.0, 1e-3, 3)]


class Lars(torch.optim.Optimizer):
    """LARS with the rules of the Barlow Twins code: tensors of one dimension get neither decay nor adaptation, the
    trust ratio divides by the norm of the decayed gradient, the momentum buffer starts at zero."""

    def __init__(self, params, lr, momentum, weight_decay, trust_coefficient):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, trust=trust_coefficient))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                update = p.grad
                if p.ndim > 1:
                    update = update + group["weight_decay"] * p
                    p_norm, update_norm = p.norm(), update.norm()
                    if p_norm > 0 and update_norm > 0:
                        update = update * (group["trust"] * p_norm / update_norm)
                velocity = self.state[p].setdefault("mu", torch.zeros_like(p))
                velocity.mul_(group["momentum"]).add_(update)
                p.sub_(group["lr"] * velocity)


def _case(folder, name, kind, settings, make, zero=()):
    gen = generator(name)
    start = {k: torch.zeros(s) if k in zero else normal(gen, *s) for k, s in SHAPES.items()}
    wide = {k: v.double().requires_grad_() for k, v in start.items()}
    optimizer = make(list(wide.values()))
    tensors = {f"param/{k}": v for k, v in start.items()}
    for step in range(settings["steps"]):
        for k, p in wide.items():
            gradient = normal(gen, *p.shape)
            tensors[f"in/grad.{step}/{k}"] = gradient
            p.grad = gradient.double()
        optimizer.step()
    tensors |= {f"out/{k}": p.float() for k, p in wide.items()}
    save_case(folder / f"{name}.safetensors", "optimizer", kind, settings, tensors)


def write(folder, small):
    for i, (lr, momentum, decay, nesterov, steps) in enumerate(SGD):
        _case(folder, f"opt_sgd_{i}", "sgd",
              dict(lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov, steps=steps),
              lambda p: torch.optim.SGD(p, lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov))
    for i, (lr, momentum, decay, trust, steps) in enumerate(LARS):
        # A weight that starts at zero has no norm to adapt to: the last case shows the guard.
        _case(folder, f"opt_lars_{i}", "lars",
              dict(lr=lr, weight_decay=decay, momentum=momentum, trust_coefficient=trust, steps=steps),
              lambda p: Lars(p, lr, momentum, decay, trust), zero=("w",) if i == len(LARS) - 1 else ())
