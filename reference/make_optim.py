"""Optimisers and gradient clipping on small vectors, from torch, transformers and formulas.

Proves: our optimisers compute what torch.optim.AdamW and SGD, transformers' Adafactor, Lion's
published formula and bitsandbytes' block-wise rule compute, our clipping what clip_grad_norm_ does.
Trajectories are exact answers in float64; AdamW's also in float32 (what a float32 optimiser should
come close to). The 8-bit states are computed by dynamic_adamw.py. Layout and keys:
reference/README.md.

Run: python reference/make_optim.py
"""

import numpy
import torch
from peft import LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.optimization import Adafactor

from common import finish, generator, normal, start, write_json, write_tensors
from dynamic_adamw import dynamic_map, trajectory_8bit

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


SGD = {
    "plain": dict(lr=0.1),
    "plain-decay": dict(lr=0.1, weight_decay=0.3),
    "momentum": dict(lr=0.01, momentum=0.9),
    "momentum-decay": dict(lr=0.05, momentum=0.6, weight_decay=0.2),
    "nesterov": dict(lr=0.01, momentum=0.9, nesterov=True),
    "nesterov-decay": dict(lr=0.05, momentum=0.5, nesterov=True, weight_decay=0.2),
}
LION = {
    "paper": dict(lr=1e-2, beta1=0.9, beta2=0.99, weight_decay=0.0),
    "decay": dict(lr=3e-2, beta1=0.9, beta2=0.99, weight_decay=0.5),
    "other-betas": dict(lr=1e-2, beta1=0.5, beta2=0.8, weight_decay=0.1),
}
ADAFACTOR = {
    "no-decay": dict(lr=1e-2, weight_decay=0.0),
    "decay": dict(lr=5e-2, weight_decay=0.3),
}


def run(make, begin: torch.Tensor, grads: torch.Tensor, state: list[str]) -> dict:
    """Parameters after every step and the states after the last, all in float64."""
    parameter = torch.nn.Parameter(begin.double())
    optimizer = make([parameter])
    rows = []
    for grad in grads:
        parameter.grad = grad.double().reshape(begin.shape)
        optimizer.step()
        rows.append(parameter.detach().flatten().tolist())
    found = optimizer.state[parameter]
    states = {name: found[name].flatten().tolist() for name in state if name in found}
    return {"parameters": rows, "states": states}


def sgd_cases() -> list[dict]:
    cases = []
    for name, settings in SGD.items():
        for length in LENGTHS:
            seed = 1000 + 10 * len(cases)
            begin, grads = normal((length,), seed + 1), gradients(length, seed + 2)
            buffer = ["momentum_buffer"] if settings.get("momentum") else []
            cases.append({
                "name": f"{name}-{length}", "learning_rate": settings["lr"],
                "momentum": settings.get("momentum", 0.0),
                "nesterov": settings.get("nesterov", False),
                "weight_decay": settings.get("weight_decay", 0.0), "shape": [length],
                "start": begin.tolist(), "gradients": grads.tolist(),
                **run(lambda p: torch.optim.SGD(p, **settings), begin, grads, buffer)})
    return cases


def lion_cases() -> list[dict]:
    cases = []
    for name, settings in LION.items():
        for length in LENGTHS:
            seed = 2000 + 10 * len(cases)
            begin, grads = normal((length,), seed + 1), gradients(length, seed + 2)
            p, m = begin.double().numpy().copy(), numpy.zeros(length)
            rows, smallest = [], numpy.inf
            for g in grads.double().numpy():
                c = settings["beta1"] * m + (1 - settings["beta1"]) * g
                parts = numpy.abs(settings["beta1"] * m) + numpy.abs((1 - settings["beta1"]) * g)
                smallest = min([smallest, *(numpy.abs(c)[parts > 0] / parts[parts > 0])])
                p = p - settings["lr"] * (numpy.sign(c) + settings["weight_decay"] * p)
                m = settings["beta2"] * m + (1 - settings["beta2"]) * g
                rows.append(p.tolist())
            if smallest < 1e-5:
                raise AssertionError(f"{name}: float32 may lose the sign of c, {smallest}")
            cases.append({
                "name": f"{name}-{length}", "learning_rate": settings["lr"],
                "adam_beta1": settings["beta1"], "adam_beta2": settings["beta2"],
                "weight_decay": settings["weight_decay"], "shape": [length],
                "start": begin.tolist(), "gradients": grads.tolist(), "parameters": rows,
                "states": {"exp_avg": m.tolist()}})
    return cases


def adafactor_cases() -> list[dict]:
    cases = []
    for name, settings in ADAFACTOR.items():
        for shape in ((1,), (13,), (1, 9), (7, 1), (5, 11)):
            seed = 3000 + 10 * len(cases)
            size = int(numpy.prod(shape))
            begin, grads = normal(shape, seed + 1), gradients(size, seed + 2)
            result = run(
                lambda p: Adafactor(p, scale_parameter=False, relative_step=False,
                                    warmup_init=False, **settings),
                begin, grads, ["exp_avg_sq", "exp_avg_sq_row", "exp_avg_sq_col"])
            cases.append({
                "name": f"{name}-{'x'.join(map(str, shape))}", "learning_rate": settings["lr"],
                "weight_decay": settings["weight_decay"], "shape": list(shape),
                "start": begin.flatten().tolist(), "gradients": grads.tolist(), **result})
    return cases


def write_8bit(out) -> None:
    """Values come from one table, so that the fixture need not hold every gradient."""
    g = generator(4000)
    table = (normal((509,), g) * torch.logspace(0, -6, 509)[torch.randperm(509, generator=g)])
    tensors = {"table": table, "signed": torch.from_numpy(dynamic_map(True)),
               "unsigned": torch.from_numpy(dynamic_map(False))}
    for length in (1, 255, 256, 257, 4097):
        for name, values in trajectory_8bit(table.numpy(), length, STEPS).items():
            tensors[f"{length}.{name}"] = torch.from_numpy(values)
    write_tensors(out / "adamw_8bit.safetensors", tensors)


def loraplus_case() -> dict:
    """What PEFT's create_loraplus_optimizer gives every parameter, under our names."""
    config = LlamaConfig(hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                         num_attention_heads=2, vocab_size=11)
    lora = LoraConfig(r=4, use_dora=False, target_modules=["q_proj", "down_proj", "embed_tokens"])
    dora = LoraConfig(r=4, use_dora=True, target_modules=["v_proj"])
    rate, ratio, groups = 2e-3, 16.0, []
    for adapter in (lora, dora):
        model = get_peft_model(LlamaForCausalLM(config), adapter)
        optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=rate,
                                              loraplus_lr_ratio=ratio)
        rates = {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                name = name.removeprefix("base_model.model.model.").replace(".default", "")
                groups.append({"name": name, "shape": list(parameter.shape),
                               "learning_rate": rates[id(parameter)]})
    return {"learning_rate": rate, "loraplus_lr_ratio": ratio, "parameters": groups}


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
    write_json(out / "sgd.json", sgd_cases())
    write_json(out / "lion.json", lion_cases())
    write_json(out / "adafactor.json", adafactor_cases())
    write_8bit(out)
    write_json(out / "loraplus.json", loraplus_case())
    write_json(out / "clip.json", clip_cases())
    finish(out)


if __name__ == "__main__":
    main()
