"""What PEFT's LoraConfig can say beyond one rank for some layers: adapters, logits, training.

Proves: patterns of ranks and alphas, rank stabilisation, chosen and excluded blocks, expressions,
modules trained as a whole (a tied head or embedding too), adapters on embeddings and PiSSA mean here
what they mean in PEFT: the files are read with the same logits, twelve steps of training take the
same path, and the same settings give the same configuration and keys. Every run is repeated by PEFT
in float64; the distance justifies the tolerances. Needs the output of make_llama.py and
make_training.py. Layout and keys: reference/README.md.

Run: python reference/make_lora.py
"""

import json
import shutil
import warnings

import numpy
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from common import FIXTURES, finish, generator, normal, random_tokens, start, write_json, write_tensors
from make_training import SETTINGS, load_base, train

STEPS = 12
LENGTHS = (2, 13)
SOME = ["q_proj", "v_proj"]
# Per variant: the base, and LoraConfig's arguments under the names of the recipe.
VARIANTS = {
    "patterns": ("tied-gqa", {
        "target_modules": ["q_proj", "v_proj", "down_proj"],
        "rank_pattern": {"v_proj": 2, "layers.1.self_attn.q_proj": 6},
        "alpha_pattern": {"down_proj": 3, "model.layers.0.self_attn.(q|v)_proj": 20}}),
    "rslora-patterns": ("untied-odd", {
        "target_modules": ["q_proj", "up_proj"], "use_rslora": True,
        "rank_pattern": {"up_proj": 3}, "alpha_pattern": {"q_proj": 5}}),
    "layers-excluded": ("tied-gqa", {
        "target_modules": ["q_proj", "o_proj", "up_proj", "model.layers.1.mlp.gate_proj"],
        "layers_to_transform": [0, 2],
        "exclude_modules": ["o_proj", "model.layers.2.mlp.up_proj"]}),
    "saved": ("untied-odd", {
        "target_modules": SOME, "modules_to_save": ["lm_head", "norm", "embed_tokens"]}),
    "saved-mlp": ("untied-odd", {
        "target_modules": SOME, "modules_to_save": ["layers.1.mlp"]}),
    "saved-tied-head": ("tied-gqa", {"target_modules": SOME, "modules_to_save": ["lm_head"]}),
    "saved-tied-embedding": ("tied-gqa", {
        "target_modules": SOME, "modules_to_save": ["embed_tokens"]}),
    "embedding": ("tied-gqa", {"target_modules": ["q_proj", "embed_tokens"]}),
    "embedding-head": ("untied-odd", {"target_modules": ["o_proj", "embed_tokens", "lm_head"]}),
    "expression": ("tied-gqa", {"target_modules": r".*\.layers\.[02]\..*(q|gate)_proj"}),
    "pissa": ("untied-odd", {
        "target_modules": ["q_proj", "down_proj"], "init_lora_weights": "pissa",
        "rank_pattern": {"down_proj": 3}}),
}
COMMON = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0}
SMALLEST_EFFECT = 0.02


def save(model, folder, base: str, **more) -> None:
    """PEFT's own files as it writes them by default, base weights of adapted embeddings included."""
    model.save_pretrained(folder, **more)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = base
    if isinstance(config["target_modules"], list):
        config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def move(model, seed: int) -> None:
    """Seeded values in place of zeros, and saved modules that differ from the base's."""
    g = generator(seed)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            if "lora_B" in key or "lora_embedding_A" in key:
                parameter.copy_(normal(parameter.shape, g, 0.05))
            elif "lora_" not in key:
                parameter.add_(normal(parameter.shape, g, 0.02))


def logits_of(model, sequences: list) -> list:
    with torch.no_grad():
        return [model(torch.tensor([t]), use_cache=False).logits[0].float() for t in sequences]


def run(model, batches) -> list:
    parameters = {k: p for k, p in model.named_parameters() if p.requires_grad}
    return train(lambda t: model(torch.tensor([t]), use_cache=False).logits[0], parameters,
                 batches, SETTINGS)[0]


def drift(records, exact) -> dict:
    return {key: max(abs(a[key] - b[key]) / abs(b[key]) for a, b in zip(records, exact))
            for key in ("loss", "grad_norm")}


def make(out, variant: str, seed: int) -> None:
    base, settings = VARIANTS[variant]
    folder = out / variant
    batches = json.loads((FIXTURES / "training" / base / "batches.json").read_text())[:STEPS]
    torch.manual_seed(seed)
    pissa = settings.get("init_lora_weights") == "pissa"
    config = LoraConfig(task_type="CAUSAL_LM", **COMMON, **settings)
    model = get_peft_model(load_base(base), config)
    expected = {"base": base, "recipe": COMMON | settings}
    if pissa:
        begin = folder / "begin"
        model.peft_config["default"].init_lora_weights = True
        save(model, begin, base)
        model.peft_config["default"].init_lora_weights = "pissa"
        expected["singular_values"] = singular_values(load_base(base), settings)
        exact = get_peft_model(load_base(base), LoraConfig(
            task_type="CAUSAL_LM", **COMMON, **settings)).double()
    else:
        move(model, seed)
        save(model, folder / "adapter", base)
        model = PeftModel.from_pretrained(load_base(base), folder / "adapter", is_trainable=True)
        exact = PeftModel.from_pretrained(
            load_base(base), folder / "adapter", is_trainable=True).double()
    model.train()
    g = generator(seed + 50)
    sequences = [random_tokens(n, model.config.vocab_size, g) for n in LENGTHS]
    plain, before = logits_of(load_base(base), sequences), logits_of(model, sequences)
    effect = min(((a - b).norm() / b.norm()).item() for a, b in zip(before, plain))
    assert pissa or effect > SMALLEST_EFFECT, (variant, effect)
    assert not pissa or effect < 1e-5, (variant, effect)
    records = run(model, batches)
    after = logits_of(model, sequences)
    change = min(((a - b).norm() / b.norm()).item() for a, b in zip(after, before))
    assert change > SMALLEST_EFFECT, (variant, change)
    tensors = {}
    for i, tokens in enumerate(sequences):
        tensors |= {f"before.{i}": before[i], f"after.{i}": after[i]}
    if pissa:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            save(model, folder / "adapter", base,
                 path_initial_model_for_weight_conversion=str(folder / "begin"))
        shutil.rmtree(folder / "begin")
    expected |= {"sequences": sequences, "settings": SETTINGS, "steps": records,
                 "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
                 "float32_drift": drift(records, run(exact.train(), batches)),
                 "relative_change_of_logits": [effect, change]}
    write_tensors(folder / "logits.safetensors", tensors)
    write_json(folder / "expected.json", expected)
    print(f"{variant}: loss {records[0]['loss']:.4f} -> {records[-1]['loss']:.4f}, effect "
          f"{effect:.3g}, training {change:.3g}, drift {expected['float32_drift']}")


def singular_values(model, settings: dict) -> dict:
    """NumPy's, in float64."""
    return {name: numpy.linalg.svd(module.weight.detach().double().numpy(), compute_uv=False).tolist()
            for name, module in model.named_modules()
            if name.rpartition(".")[2] in settings["target_modules"]}


def main() -> None:
    out = start("lora")
    for seed, variant in enumerate(VARIANTS, 2100):
        make(out, variant, seed)
    finish(out)


if __name__ == "__main__":
    main()
