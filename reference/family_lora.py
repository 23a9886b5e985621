"""One LoRA step by PEFT over a tiny checkpoint: the loss and the gradients of every A and B."""

import warnings

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

from common import require_close, write_tensors
from hashed_weights import hashed
from plain_families import PlainFamily

SEED, RANK, ALPHA, SCALE = 21, 2, 3, 0.2


def cross_entropy(logits: torch.Tensor, tokens: list[int]) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(tokens[1:]))


def peft_step(model, tokens: list[int]):
    """(PEFT's settings, the values of all A and B, loss, gradients) under PEFT's keys."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT says that it turns fan_in_fan_out on for Conv1D
        tuned = get_peft_model(model, LoraConfig(
            r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear",
            task_type="CAUSAL_LM"))
    values = {k: hashed(k, SEED, v.shape, SCALE)
              for k, v in sorted(get_peft_model_state_dict(tuned).items())}
    set_peft_model_state_dict(tuned, values)
    tuned.train()  # every dropout of the variants is 0 but GPT-2's, which are set to 0 here
    for module in tuned.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    loss = cross_entropy(tuned(torch.tensor([tokens]), use_cache=False).logits[0], tokens)
    loss.backward()
    trained = {k.replace(".default", ""): p for k, p in tuned.named_parameters() if p.requires_grad}
    if trained.keys() != values.keys() or not all(
            torch.equal(p.detach(), values[k]) for k, p in trained.items()):
        raise AssertionError("PEFT trains other values than those it saves")
    return (tuned.peft_config["default"], values, loss.item(),
            {k: p.grad.clone() for k, p in trained.items()})


def lora_step(model, config: dict, weights: dict, tokens: list[int], folder) -> dict:
    settings, values, loss, gradients = peft_step(model, tokens)
    adapter = {k: v.double().requires_grad_() for k, v in values.items()}
    plain = PlainFamily(config, {k: v.double() for k, v in weights.items()}, adapter, ALPHA / RANK)
    exact = cross_entropy(plain(tokens), tokens)
    exact.backward()
    error = max(((gradients[k].double() - a.grad).norm() / a.grad.norm()).item()
                for k, a in adapter.items())
    require_close("loss with adapters", torch.tensor(loss), exact.detach(), 2e-6)
    if not error <= 2e-5:
        raise AssertionError(f"gradients differ from float64 by {error:.3g}")
    write_tensors(folder / "lora.safetensors", gradients)
    return {
        "seed": SEED, "r": RANK, "lora_alpha": ALPHA, "scale": SCALE,
        "target_modules": sorted(settings.target_modules),
        "fan_in_fan_out": settings.fan_in_fan_out,
        "tensors": [{"name": k, "shape": list(v.shape)} for k, v in values.items()],
        "sequence": 2, "loss": loss, "float32_error_of_gradients": error,
    }
