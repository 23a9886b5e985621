"""Thirty steps of LoRA (PEFT) and ten of full fine-tuning with torch's AdamW, step by step.

Proves: from the same start adapter, data order and settings our trainer takes the path of PEFT:
losses, gradient norms, learning rates, first gradients and the trained weights. Examples run one
by one without padding, so the reference leaves no doubt about masks. Every run is repeated by an
independent forward pass in float64; the distance between the two justifies the tolerances.

Needs make_llama.py's output and ../shared/data/models/stories260K (not committed; only numbers
and adapters derived from it are). Layout and keys: reference/README.md.

Run: python reference/make_training.py
"""

import json
import shutil

import safetensors.torch
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from transformers import (LlamaForCausalLM, get_cosine_schedule_with_warmup,
                          get_linear_schedule_with_warmup)

from common import (FIXTURES, STORIES, finish, generator, normal, require_close, start, write_json,
                    write_tensors)
from plain_llama import PlainLlama
from training_data import GLOBAL_BATCH, random_batches, story_batches

BASES = {"tied-gqa": FIXTURES / "llama/tied-gqa/model",
         "tied-gqa-bfloat16": FIXTURES / "llama/tied-gqa-bfloat16/model",
         "untied-odd": FIXTURES / "llama/untied-odd/model",
         "stories260K": STORIES}
SETTINGS = {"optimizer": "adamw", "learning_rate": 2e-3, "adam_beta1": 0.9, "adam_beta2": 0.999,
            "adam_epsilon": 1e-8, "weight_decay": 0.01, "max_grad_norm": 1.0, "schedule": "cosine",
            "warmup_steps": 5, "schedule_steps": 30, "global_batch": GLOBAL_BATCH,
            "loss_weighting": "token", "micro_batch": GLOBAL_BATCH}
MICRO_BATCH = SETTINGS | {"loss_weighting": "micro_batch", "micro_batch": 2}
# Every setting far from the others: a setting that is ignored shows.
OTHER_OPTIMIZER = SETTINGS | {"learning_rate": 4e-3, "adam_beta1": 0.8, "adam_beta2": 0.95,
                              "adam_epsilon": 1e-3, "weight_decay": 0.5, "max_grad_norm": 0.3,
                              "schedule": "linear", "warmup_steps": 0}
# Of full fine-tuning, only these are written where all would be too large for a repository.
FULL_SOME = ("embed_tokens", "norm", "layers.0.self_attn.k_proj", "layers.1.self_attn.o_proj",
             "lm_head")
SCHEDULES = {"cosine": get_cosine_schedule_with_warmup,
             "linear": get_linear_schedule_with_warmup}
LORA = {"r": 8, "lora_alpha": 16, "lora_dropout": 0.0}


def load_base(name: str):
    return LlamaForCausalLM.from_pretrained(
        BASES[name], dtype=torch.float32, attn_implementation="eager")


def save_adapter(model, folder, base: str) -> None:
    """PEFT's own files, less its model card, with the base's name instead of a path."""
    model.save_pretrained(folder, save_embedding_layers=False)
    shutil.rmtree(folder / "README.md", ignore_errors=True)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = base
    # PEFT keeps the targets in a set, whose order changes from run to run.
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def make_start(base: str, folder, targets, zero_b: bool) -> None:
    """A start adapter: A as PEFT draws it; B zero as PEFT has it, or seeded normal values."""
    torch.manual_seed(4242)
    model = get_peft_model(load_base(base), LoraConfig(
        task_type="CAUSAL_LM", target_modules=targets, bias="none", **LORA))
    if not zero_b:
        g = generator(700)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if "lora_B" in key:
                    parameter.copy_(normal(parameter.shape, g, 0.05))
    save_adapter(model, folder, base)


def scaled_loss(logits_of, example: dict, share: float):
    """(sum of the token losses, that sum times `share` as a tensor to differentiate)."""
    tokens, first = example["tokens"], max(1, example["first_label"])
    logits = logits_of(tokens)[first - 1:-1]
    total = torch.nn.functional.cross_entropy(logits, torch.tensor(tokens[first:]), reduction="sum")
    return total.item(), total * share


def labels(examples: list[dict]) -> int:
    return sum(len(e["tokens"]) - max(1, e["first_label"]) for e in examples)


def shares(batch: list[dict], settings: dict) -> list[float]:
    """The weight of each example's summed loss: 1/labels of the whole batch, or, for micro_batch,
    1/(labels of its micro-batch * number of micro-batches)."""
    if settings["loss_weighting"] == "token":
        return [1 / labels(batch)] * len(batch)
    size = settings["micro_batch"]
    parts = [batch[i:i + size] for i in range(0, len(batch), size)]
    return [1 / (labels(part) * len(parts)) for part in parts for _ in part]


def train(logits_of, parameters: dict, batches, settings: dict, masters=None):
    """Returns the record of every step and the first step's gradients, before clipping.

    With `masters`, copies of the parameters, the optimiser updates these, and the parameters become
    the copies rounded to bfloat16 (Micikevicius et al. 2018, section 3.1).
    """
    values = list(parameters.values())
    updated = masters or parameters
    optimizer = torch.optim.AdamW(
        list(updated.values()), lr=settings["learning_rate"], weight_decay=settings["weight_decay"],
        betas=(settings["adam_beta1"], settings["adam_beta2"]), eps=settings["adam_epsilon"])
    schedule = SCHEDULES[settings["schedule"]](
        optimizer, settings["warmup_steps"], settings["schedule_steps"])
    records, first_gradients = [], {}
    for step, batch in enumerate(batches, 1):
        for value in values:
            value.grad = None
        loss = 0.0
        for example, share in zip(batch, shares(batch, settings)):
            total, part = scaled_loss(logits_of, example, share)
            part.backward()
            loss += total * share
        if step == 1:
            first_gradients = {k: p.grad.clone() for k, p in parameters.items()}
        norm = torch.nn.utils.clip_grad_norm_(values, settings["max_grad_norm"]).item()
        records.append({"step": step, "learning_rate": schedule.get_last_lr()[0], "loss": loss,
                        "grad_norm": norm, "label_tokens": labels(batch)})
        for key, value in updated.items():
            value.grad = parameters[key].grad
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for key, master in (masters or {}).items():
                parameters[key].copy_(master.bfloat16())
    return records, first_gradients


def drift(records, exact_records, begin, end, exact_end) -> dict:
    """How far the float32 run is from the float64 run."""
    def relative(key):
        return max(abs(a[key] - b[key]) / abs(b[key]) for a, b in zip(records, exact_records))

    def norm(values):
        return sum(v.double().pow(2).sum().item() for v in values) ** 0.5

    update = norm(exact_end[k] - begin[k].double() for k in begin)
    error = norm(end[k].double() - exact_end[k] for k in begin)
    return {"loss_relative": relative("loss"), "grad_norm_relative": relative("grad_norm"),
            "update_frobenius_relative": error / update, "update_norm": update}


def float64_copy(tensors: dict, trainable: bool) -> dict:
    return {k: v.detach().double().clone().requires_grad_(trainable) for k, v in tensors.items()}


def adapter_run(out, base: str, variant: str, start_name: str, batches, settings=SETTINGS) -> None:
    folder = out / base / variant
    model = PeftModel.from_pretrained(
        load_base(base), out / base / start_name, is_trainable=True).train()
    # The keys of PEFT's file, bound to the live parameters.
    parameters = {k.replace(".default.", "."): p
                  for k, p in model.named_parameters() if p.requires_grad}
    begin = {k: v.clone() for k, v in get_peft_model_state_dict(
        model, save_embedding_layers=False).items()}
    assert begin.keys() == parameters.keys()
    records, gradients = train(
        lambda t: model(torch.tensor([t]), use_cache=False).logits[0], parameters, batches, settings)
    save_adapter(model, folder / "final", base)
    if variant == "lora" and base != "stories260K":
        write_tensors(folder / "first_gradients.safetensors", gradients)

    exact = float64_copy(begin, True)
    weights = float64_copy(load_base(base).state_dict(), False)
    plain = PlainLlama(model.config.to_dict(), weights, exact, LORA["lora_alpha"] / LORA["r"])
    exact_records, exact_gradients = train(plain, exact, batches, settings)
    for key in gradients:
        if exact_gradients[key].abs().max() > 0:
            require_close(f"{base} {variant} {key}", gradients[key], exact_gradients[key], 3e-5)
    write_run(folder, records, drift(records, exact_records, begin, parameters, exact),
           {"base": base, "technique": "lora", **LORA, "start": start_name, **settings})


def full_run(out, base: str, batches) -> None:
    folder, model = out / base / "full", load_base(base).train()
    parameters = dict(model.named_parameters())
    begin = {k: v.detach().clone() for k, v in parameters.items()}
    records, gradients = train(
        lambda t: model(torch.tensor([t]), use_cache=False).logits[0], parameters, batches, SETTINGS)
    some = {k for k in parameters if any(w in k for w in FULL_SOME)}
    write_tensors(folder / "first_gradients.safetensors", {k: gradients[k] for k in some})
    write_tensors(folder / "final.safetensors",
                  {k: v for k, v in parameters.items() if base == "tied-gqa" or k in some})

    exact = float64_copy(begin, True)
    exact_records, exact_gradients = train(
        PlainLlama(model.config.to_dict(), exact), exact, batches, SETTINGS)
    for key in gradients:
        require_close(f"{base} full {key}", gradients[key], exact_gradients[key], 3e-5)
    write_run(folder, records, drift(records, exact_records, begin, parameters, exact),
           {"base": base, "technique": "full", **SETTINGS})


def full_bfloat16_run(out, base: str, batches) -> None:
    """Full fine-tuning of bfloat16 weights with float32 masters; products are float32."""
    folder, model = out / base / "full", load_base(base).train()
    parameters = dict(model.named_parameters())
    masters = {k: v.detach().clone().requires_grad_() for k, v in parameters.items()}
    begin = {k: v.detach().clone() for k, v in parameters.items()}
    records, _ = train(lambda t: model(torch.tensor([t]), use_cache=False).logits[0], parameters,
                       batches, SETTINGS, masters)
    some = {k for k in parameters if any(w in k for w in FULL_SOME)}
    write_tensors(folder / "final.safetensors", {k: masters[k].detach() for k in some})

    exact, exact_masters = float64_copy(begin, True), float64_copy(begin, True)
    exact_records, _ = train(
        PlainLlama(model.config.to_dict(), exact), exact, batches, SETTINGS, exact_masters)
    write_run(folder, records, drift(records, exact_records, begin, masters, exact_masters),
              {"base": base, "technique": "full", "dtype": "bfloat16", **SETTINGS})


def write_run(folder, records, distance: dict, settings: dict) -> None:
    write_json(folder / "expected.json",
               {"settings": settings, "steps": records, "float32_drift": distance})
    norms = [r["grad_norm"] for r in records]
    print(f"{folder.parent.name}/{folder.name}: loss {records[0]['loss']:.4f} -> "
          f"{records[-1]['loss']:.4f}, norm {min(norms):.3f}..{max(norms):.3f}, drift loss "
          f"{distance['loss_relative']:.2g}, norm {distance['grad_norm_relative']:.2g}, update "
          f"{distance['update_frobenius_relative']:.2g} (|update| {distance['update_norm']:.3f})")


def main() -> None:
    out = start("training")
    batches = {"tied-gqa": random_batches(331, 1), "untied-odd": random_batches(257, 2),
               "stories260K": story_batches(3)}
    for base, list_of_batches in batches.items():
        write_json(out / base / "batches.json", list_of_batches)
        make_start(base, out / base / "start", "all-linear", zero_b=False)
        adapter_run(out, base, "lora", "start", list_of_batches)
    for variant, targets, zero_b in (("-qv", ["q_proj", "v_proj"], True),
                                     ("-zero-b", "all-linear", True)):
        make_start("tied-gqa", out / f"tied-gqa/start{variant}", targets, zero_b)
        adapter_run(out, "tied-gqa", f"lora{variant}", f"start{variant}", batches["tied-gqa"])
    adapter_run(out, "tied-gqa", "lora-micro-batch", "start", batches["tied-gqa"], MICRO_BATCH)
    adapter_run(out, "untied-odd", "lora-other-optimizer", "start", batches["untied-odd"],
                OTHER_OPTIMIZER)
    for base in ("tied-gqa", "untied-odd"):
        full_run(out, base, batches[base])
    # Only ten steps: later, what float32's last bits do to bfloat16's roundings would hide mistakes.
    write_json(out / "tied-gqa-bfloat16/batches.json", batches["tied-gqa"][:10])
    full_bfloat16_run(out, "tied-gqa-bfloat16", batches["tied-gqa"][:10])
    finish(out)


if __name__ == "__main__":
    main()
