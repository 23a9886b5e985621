"""Does PEFT load this adapter, and does it give these logits?

Run: python reference/check_adapter.py DIR_BASE DIR_ADAPTER LOGITS_FILE

LOGITS_FILE is a safetensors file with, for i = 0, 1, ..., `tokens.i` [T] (any number type) and
`logits.i` [T, V] (float32), as Lorikeet computed them. PEFT must find every tensor of the adapter
and no other, and its logits must be within 1e-5 of ours, relative to the largest logit.
Exit code 0: they agree. 1: they do not. 2: a file is missing or has the wrong form.
"""

import sys
import warnings
from pathlib import Path

import common  # noqa: F401  first, because it switches the hub off
import safetensors.torch
import torch
import transformers
from peft import PeftModel
from peft.utils import get_peft_model_state_dict
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-5


def fail(code: int, message: str):
    print(message, file=sys.stderr)
    raise SystemExit(code)


def load_tuned(base: Path, adapter: Path):
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation="eager").eval()
    try:
        tuned = PeftModel.from_pretrained(model, adapter).eval()
    except RuntimeError as e:
        fail(1, f"PEFT refuses {adapter}: {e}")
    written = safetensors.torch.load_file(adapter / "adapter_model.safetensors")
    loaded = get_peft_model_state_dict(tuned, save_embedding_layers=False)
    if written.keys() != loaded.keys():
        fail(1, f"only in the file: {sorted(written.keys() - loaded.keys())[:5]}; "
                f"only in PEFT: {sorted(loaded.keys() - written.keys())[:5]}")
    for key, tensor in written.items():
        if not torch.equal(tensor.float(), loaded[key].float()):
            fail(1, f"{key}: PEFT holds other values than the file")
    return tuned


def check(tuned, logits_file: Path) -> None:
    cases = safetensors.torch.load_file(logits_file)
    count = sum(k.startswith("tokens.") for k in cases)
    wanted = {f"{name}.{i}" for name in ("tokens", "logits") for i in range(count)}
    if count == 0 or wanted != cases.keys():
        fail(2, f"{logits_file}: expected tokens.i and logits.i from i = 0, "
                f"found {sorted(cases)[:6]}")
    for i in range(count):
        tokens, ours = cases[f"tokens.{i}"].long(), cases[f"logits.{i}"].double()
        with torch.no_grad():
            theirs = tuned(tokens[None], use_cache=False).logits[0].double()
            with tuned.disable_adapter():
                base = tuned(tokens[None], use_cache=False).logits[0].double()
        if ours.shape != theirs.shape:
            fail(1, f"logits.{i}: shape {list(ours.shape)}, PEFT gives {list(theirs.shape)}")
        error = (ours - theirs).abs()
        relative = (error.max() / theirs.abs().max()).item()
        row, column = divmod(int(error.argmax()), error.shape[1])
        effect = ((theirs - base).norm() / base.norm()).item()
        print(f"sequence {i}: {len(tokens)} tokens, largest error {relative:.3g} relative at "
              f"[{row}, {column}], the adapter changes the logits by {effect:.3g}")
        if not relative <= TOLERANCE:
            fail(1, f"sequence {i}: error {relative:.3g} is over {TOLERANCE}")


def main() -> None:
    if len(sys.argv) != 4:
        fail(2, __doc__)
    base, adapter, logits_file = map(Path, sys.argv[1:])
    for path in (base / "config.json", adapter / "adapter_config.json",
                 adapter / "adapter_model.safetensors", logits_file):
        if not path.is_file():
            fail(2, f"{path}: no such file")
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    # PEFT only warns when an adapter lacks tensors; the key comparison above reports it.
    warnings.simplefilter("ignore")
    check(load_tuned(base, adapter), logits_file)
    print("agree")


if __name__ == "__main__":
    main()
