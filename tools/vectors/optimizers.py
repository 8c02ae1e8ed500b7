"""Vectors of kind `optimizer`: SGD as PyTorch has it, LARS as in Barlow Twins; and recipes, which treat parameters apart.

A recipe's further params: `decay_vectors`, `vector_rate` (factor of the rate of one-dimensional parameters),
`final_weight_decay` (DINO's cosine, over `updates`), `last` and `frozen` (names whose gradient is None in the first so many
steps), `clip` with `clip_by` (tensor: DINO's code; global: torch.nn.utils.clip_grad_norm_) and `clip_spares` (names), `form`
(lars: barlow or lightly).
"""

import math

import torch

from culvert_vectors import generator, normal, save_case

SHAPES = {"w": (33, 17), "b": (33,), "conv": (4, 3, 3, 3)}

# lr, momentum, weight decay, nesterov, steps
SGD = [(0.1, 0.9, 1e-4, False, 5), (0.1, 0.9, 5e-4, True, 5), (0.05, 0.0, 0.0, False, 3), (0.3, 0.9, 0.0, False, 1),
       (0.01, 0.5, 0.1, True, 2), (0.1, 0.0, 0.01, False, 4)]
# lr, momentum, weight decay, trust coefficient, steps
LARS = [(0.3, 0.9, 1e-6, 1e-3, 5), (0.2, 0.9, 1.5e-6, 1e-3, 2), (1.6, 0.9, 1e-4, 2e-2, 4), (0.3, 0.0, 0.0, 1e-3, 3)]


RECIPE_SHAPES = {"one": (1,), "v": (31,), "w": (33, 1), "conv": (4, 3, 3, 3), "token": (1, 1, 197), "gain": (1000,),
                 "last": (8, 125), "zero": (3, 5)}
RECIPES = {
    "sgd": ("sgd", dict(lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True, decay_vectors=False, vector_rate=0.5,
                        final_weight_decay=0.4, clip=20.0, clip_by="global")),
    "adamw": ("adamw", dict(lr=0.01, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.04, decay_vectors=False,
                            final_weight_decay=0.4, last=["last"], frozen=2, clip=3.0, clip_by="tensor",
                            clip_spares=["v", "conv"])),
    "adamw_all": ("adamw", dict(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.1, last=["last", "gain"],
                                frozen=1, clip=30.0, clip_by="global", clip_spares=["last"])),
    "lars": ("lars", dict(lr=0.3, momentum=0.9, weight_decay=0.04, trust_coefficient=0.02, vector_rate=0.024,
                          final_weight_decay=0.01, last=["last"], frozen=2, clip=3.0, clip_by="tensor")),
    "lars_lightly": ("lars", dict(lr=0.3, momentum=0.9, weight_decay=0.1, trust_coefficient=0.02, form="lightly",
                                  clip=20.0, clip_by="global")),
    "lars_lightly_plain": ("lars", dict(lr=0.1, momentum=0.9, weight_decay=0.0, trust_coefficient=0.02,
                                        form="lightly")),
}


class Lars(torch.optim.Optimizer):
    """LARS with the rules of the Barlow Twins code: tensors of one dimension get neither decay nor adaptation, the
    trust ratio divides by the norm of the decayed gradient, the momentum buffer starts at zero. With form="lightly" the
    rules of lightly for two groups, of which that of one-dimensional tensors has no decay."""

    def __init__(self, params, lr, momentum, weight_decay, trust_coefficient, form="barlow"):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, trust=trust_coefficient))
        self.form = form

    def _lightly(self, p, group):
        decay = group["weight_decay"]
        p_norm, g_norm = p.norm(), p.grad.norm()
        if p.ndim == 1 or decay == 0 or p_norm == 0 or g_norm == 0:
            return p.grad
        return (p.grad + decay * p) * (group["trust"] * p_norm / (g_norm + decay * p_norm + 1e-8))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                update = p.grad
                if self.form == "lightly":
                    update = self._lightly(p, group)
                elif p.ndim > 1:
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


def _clip(named, settings):
    chosen = [p for name, p in named.items() if name not in settings.get("clip_spares", [])]
    if settings["clip_by"] == "global":
        torch.nn.utils.clip_grad_norm_(chosen, settings["clip"])
        return
    for p in chosen:
        coefficient = settings["clip"] / (p.grad.norm() + 1e-6)
        if coefficient < 1:
            p.grad.mul_(coefficient)


def _recipe(folder, name, kind, settings):
    settings = settings | dict(steps=5, updates=8)
    gen = generator("opt_recipe_" + name)
    start = {k: torch.zeros(s) if k == "zero" else normal(gen, *s) for k, s in RECIPE_SHAPES.items()}
    wide = {k: v.double().requires_grad_() for k, v in start.items()}
    spares = kind != "lars" and not settings.get("decay_vectors", True)
    groups = [dict(params=[p for p in wide.values() if p.ndim > 1]), dict(params=[p for p in wide.values() if p.ndim == 1])]
    lr, decay = settings["lr"], settings["weight_decay"]
    if kind == "sgd":
        optimizer = torch.optim.SGD(groups, lr, settings["momentum"], nesterov=settings["nesterov"])
    elif kind == "adamw":
        optimizer = torch.optim.AdamW(groups, lr, (settings["beta1"], settings["beta2"]), settings["eps"])
    else:
        optimizer = Lars(groups, lr, settings["momentum"], decay, settings["trust_coefficient"],
                         settings.get("form", "barlow"))
    tensors = {f"param/{k}": v for k, v in start.items()}
    for step in range(settings["steps"]):
        for k, p in wide.items():
            # So small that some norms lie below the threshold.
            gradient = normal(gen, *p.shape) * (0.3 if k in ("one", "w", "zero") else 1)
            tensors[f"in/grad.{step}/{k}"] = gradient
            p.grad = gradient.double()
        if "clip" in settings:
            _clip(wide, settings)
        if step < settings.get("frozen", 0):
            for k in settings["last"]:
                wide[k].grad = None
        final = settings.get("final_weight_decay", decay)
        now = final + 0.5 * (decay - final) * (1 + math.cos(math.pi * step / settings["updates"]))
        optimizer.param_groups[0]["weight_decay"] = now
        optimizer.param_groups[1]["weight_decay"] = 0 if spares else now
        optimizer.param_groups[1]["lr"] = lr * settings.get("vector_rate", 1)
        optimizer.step()
    tensors |= {f"out/{k}": p.float() for k, p in wide.items()}
    save_case(folder / f"opt_recipe_{name}.safetensors", "optimizer", kind, settings, tensors)


def write(folder, small):
    for name, (kind, settings) in RECIPES.items():
        _recipe(folder, name, kind, settings)
    for i, (lr, momentum, decay, nesterov, steps) in enumerate(SGD):
        _case(folder, f"opt_sgd_{i}", "sgd",
              dict(lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov, steps=steps),
              lambda p: torch.optim.SGD(p, lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov))
    for i, (lr, momentum, decay, trust, steps) in enumerate(LARS):
        # A weight that starts at zero has no norm to adapt to: the last case shows the guard.
        _case(folder, f"opt_lars_{i}", "lars",
              dict(lr=lr, weight_decay=decay, momentum=momentum, trust_coefficient=trust, steps=steps),
              lambda p: Lars(p, lr, momentum, decay, trust), zero=("w",) if i == len(LARS) - 1 else ())
