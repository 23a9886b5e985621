"""Two adapters that PEFT made over tied-gqa, with the logits that PEFT gives.

Proves: PEFT's adapters, plain LoRA (scale alpha/r) and rsLoRA (scale alpha/sqrt(r)), are read with
the right keys, orientation and scale. Needs make_llama.py's output. Layout and keys:
reference/README.md.

Run: python reference/make_adapter.py
"""

import safetensors.torch
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaForCausalLM

from common import (FIXTURES, finish, generator, normal, random_tokens, require_close, start,
                    write_json, write_tensors)
from make_training import save_adapter
from plain_llama import PlainLlama

BASE = "tied-gqa"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]
RANK, ALPHA = 4, 12
VARIANTS = {"lora": False, "rslora": True}
LENGTHS = (2, 13)
# An adapter that hardly moves the logits would let a wrong scale pass.
SMALLEST_EFFECT = 0.05


def load_base() -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(
        FIXTURES / "llama" / BASE / "model", dtype=torch.float32,
        attn_implementation="eager").eval()


def make_adapter(folder, rslora: bool, seed: int) -> None:
    torch.manual_seed(seed)
    model = get_peft_model(load_base(), LoraConfig(
        r=RANK, lora_alpha=ALPHA, use_rslora=rslora, target_modules=TARGETS, lora_dropout=0.05,
        task_type="CAUSAL_LM"))
    g = generator(seed)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                parameter.copy_(normal(parameter.shape, g, 0.1))
    save_adapter(model, folder, BASE)


def main() -> None:
    out = start("adapter")
    for seed, (variant, rslora) in enumerate(VARIANTS.items(), 900):
        folder = out / variant
        make_adapter(folder / "adapter", rslora, seed)
        base = load_base()
        tuned = PeftModel.from_pretrained(load_base(), folder / "adapter").eval()
        adapter = safetensors.torch.load_file(folder / "adapter/adapter_model.safetensors")
        scale = ALPHA / RANK ** 0.5 if rslora else ALPHA / RANK
        weights = {k: v.double() for k, v in base.state_dict().items()}
        plain = PlainLlama(base.config.to_dict(), weights,
                           {k: v.double() for k, v in adapter.items()}, scale)
        g, tensors, sequences = generator(seed + 50), {}, []
        for i, length in enumerate(LENGTHS):
            tokens = random_tokens(length, base.config.vocab_size, g)
            with torch.no_grad():
                logits = tuned(torch.tensor([tokens]), use_cache=False).logits[0]
                untuned = base(torch.tensor([tokens]), use_cache=False).logits[0]
            require_close(variant, logits, plain(tokens), 3e-6)
            effect = ((logits - untuned).norm() / untuned.norm()).item()
            assert effect > SMALLEST_EFFECT, effect
            tensors[f"logits.{i}"] = logits
            tensors[f"tokens.{i}"] = torch.tensor(tokens, dtype=torch.int32)
            sequences.append({"tokens": tokens, "relative_change_of_logits": effect})
        write_tensors(folder / "logits.safetensors", tensors)
        write_json(folder / "expected.json", {
            "base": BASE, "r": RANK, "lora_alpha": ALPHA, "use_rslora": rslora, "scale": scale,
            "sequences": sequences})
        print(variant, [s["relative_change_of_logits"] for s in sequences])
    finish(out)


if __name__ == "__main__":
    main()
