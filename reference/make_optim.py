"""AdamW, schedules and gradient clipping on small vectors, from torch and transformers.

Proves: our optimiser, schedules and clipping compute what torch.optim.AdamW, transformers'
schedules and clip_grad_norm_ compute. Trajectories are given in float32 (what a float32 optimiser
should come close to) and float64 (the exact answer). Layout and keys: reference/README.md.

Run: python reference/make_optim.py
"""

import torch
from transformers import (get_constant_schedule, get_constant_schedule_with_warmup,
                          get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup)

from common import finish, generator, normal, start, write_json

STEPS = 12
HYPERPARAMETERS = {
    "torch-defaults": dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
    "no-decay": dict(lr=2e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0),
    "llama-betas": dict(lr=2e-3, betas=(0.9, 0.95), eps=1e-5, weight_decay=0.1),
    "large-steps": dict(lr=0.3, betas=(0.5, 0.6), eps=1e-3, weight_decay=0.5),
    "no-momentum": dict(lr=1e-2, betas=(0.0, 0.99), eps=1e-8, weight_decay=0.01),
}
LENGTHS = (1, 13)


def gradients(length: int, seed: int) -> torch.Tensor:
    """[STEPS, length] of very different sizes: tiny ones show eps, exact zeros show 0/0 + eps."""
    g = generator(seed)
    values = normal((STEPS, length), g) * torch.logspace(0, -7, length)
    values[::5] *= 100
    if length > 2:
        values[:, 1] = 0
        values[::2, 2] = 0
    return values


def trajectory(begin: torch.Tensor, grads: torch.Tensor, dtype, settings: dict) -> dict:
    parameter = torch.nn.Parameter(begin.to(dtype, copy=True))
    optimizer = torch.optim.AdamW([parameter], **settings)
    rows = []
    for grad in grads:
        parameter.grad = grad.to(dtype).clone()
        optimizer.step()
        rows.append(parameter.detach().double().tolist())
    state = optimizer.state[parameter]
    return {"parameters": rows, "exp_avg": state["exp_avg"].double().tolist(),
            "exp_avg_sq": state["exp_avg_sq"].double().tolist()}


def adamw_cases() -> list[dict]:
    cases = []
    for name, settings in HYPERPARAMETERS.items():
        for length in LENGTHS:
            seed = 10 * len(cases)
            begin, grads = normal((length,), seed + 1), gradients(length, seed + 2)
            cases.append({
                "name": f"{name}-{length}", "learning_rate": settings["lr"],
                "adam_beta1": settings["betas"][0], "adam_beta2": settings["betas"][1],
                "adam_epsilon": settings["eps"], "weight_decay": settings["weight_decay"],
                "start": begin.tolist(), "gradients": grads.tolist(),
                "float32": trajectory(begin, grads, torch.float32, settings),
                "float64": trajectory(begin, grads, torch.float64, settings)})
    return cases


def schedule_cases() -> list[dict]:
    makers = {
        "constant": lambda optimizer, warmup, _: (
            get_constant_schedule_with_warmup(optimizer, warmup) if warmup
            else get_constant_schedule(optimizer)),
        "linear": get_linear_schedule_with_warmup,
        "cosine": get_cosine_schedule_with_warmup,
    }
    cases = []
    for name, make in makers.items():
        for warmup, steps, rate in ((0, 50, 1e-3), (10, 50, 2e-4), (1, 50, 1.0), (50, 50, 3e-4),
                                    (60, 50, 3e-4), (7, 30, 2e-3)):
            optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=rate)
            schedule = make(optimizer, warmup, steps)
            rates = []
            for _ in range(50):
                rates.append(schedule.get_last_lr()[0])
                optimizer.step()
                schedule.step()
            cases.append({"schedule": name, "warmup_steps": warmup, "total_steps": steps,
                          "learning_rate": rate, "rates": rates})
    return cases


def clip_cases() -> list[dict]:
    cases = []
    shapes = ((1,), (13,), (3, 5))
    for name, size, max_norm in (("over", 1.0, 1.0), ("under", 0.05, 1.0), ("far-over", 1e4, 0.5),
                                 ("tiny-gradients", 1e-12, 1.0), ("zero", 0.0, 1.0),
                                 ("tiny-limit", 1.0, 1e-6)):
        g = generator(500 + len(cases))
        tensors = [normal(shape, g, size) for shape in shapes]
        parameters = [torch.nn.Parameter(torch.zeros(s)) for s in shapes]
        for parameter, grad in zip(parameters, tensors):
            parameter.grad = grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        cases.append({"name": name, "max_norm": max_norm, "shapes": [list(s) for s in shapes],
                      "gradients": [t.flatten().tolist() for t in tensors], "norm": norm.item(),
                      "clipped": [p.grad.flatten().tolist() for p in parameters]})
    return cases


def main() -> None:
    out = start("optim")
    write_json(out / "adamw.json", adamw_cases())
    write_json(out / "schedules.json", schedule_cases())
    write_json(out / "clip.json", clip_cases())
    finish(out)


if __name__ == "__main__":
    main()
