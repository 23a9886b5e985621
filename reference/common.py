"""What all fixture generators share: folders, seeds, writing of JSON and safetensors, versions.

Every generator calls `start(name)` first: it fixes the seed and the thread count, empties its own
output folder and writes `versions.json` there, so a fixture always lies beside the versions that
made it and running a generator twice gives the same bytes.
"""

import json
import math
import os
import platform
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import numpy
import peft
import safetensors
import safetensors.torch
import tokenizers
import torch
import transformers

REPOSITORY = Path(__file__).resolve().parent.parent
FIXTURES = REPOSITORY / "engine/src/test/resources/reference"
APP_FIXTURES = REPOSITORY / "app/src/test/resources/reference"
STORIES = REPOSITORY.parent / "shared/data/models/stories260K"
SEED = 20240229


def start(name: str, fixtures: Path = FIXTURES) -> Path:
    """Fixes seed and threads, empties the output folder `name` and records the versions in it."""
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    folder = fixtures / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "versions.json", {
        "generator": f"reference/make_{name}.py",
        "seed": SEED,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
        "safetensors": safetensors.__version__,
        "tokenizers": tokenizers.__version__,
        "numpy": numpy.__version__,
    })
    return folder


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(SEED + seed)


def normal(shape, seed_or_generator, std: float = 1.0) -> torch.Tensor:
    """float32 normal values; a number seeds a fresh generator, a generator goes on."""
    g = seed_or_generator
    if isinstance(g, int):
        g = generator(g)
    return torch.randn(shape, generator=g, dtype=torch.float32) * std


def _encode(value, indent: int) -> str:
    """JSON with 17 significant digits per float; lists of plain numbers stay on one line."""
    pad = " " * indent
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no JSON form")
        text = f"{value:.17g}"
        return text if set(text) & set(".e") else text + ".0"
    if isinstance(value, (list, tuple)):
        if all(isinstance(v, (int, float)) for v in value):
            return "[" + ",".join(_encode(v, 0) for v in value) + "]"
        inner = ",\n".join(f"{pad} {_encode(v, indent + 1)}" for v in value)
        return "[\n" + inner + f"\n{pad}]"
    inner = ",\n".join(
        f"{pad} {json.dumps(k)}: {_encode(v, indent + 1)}" for k, v in value.items())
    return "{\n" + inner + f"\n{pad}}}"


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_encode(value, 0) + "\n", encoding="utf-8")


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"{path.name}: {name} is not finite")
    safetensors.torch.save_file(
        {k: tensors[k].detach().contiguous().clone() for k in sorted(tensors)}, path)


def require_close(what: str, actual: torch.Tensor, expected: torch.Tensor,
                  relative: float) -> float:
    """Stops unless max|actual - expected| <= relative * max|expected|; returns the ratio found."""
    actual, expected = actual.double(), expected.double()
    ratio = ((actual - expected).abs().max() / expected.abs().max().clamp_min(1e-30)).item()
    if not ratio <= relative:
        raise AssertionError(f"{what}: relative error {ratio:.3g}, allowed {relative:.3g}")
    return ratio


def random_tokens(length: int, vocab: int, g: torch.Generator) -> list[int]:
    return torch.randint(0, vocab, (length,), generator=g).tolist()


def finish(folder: Path) -> None:
    """Gives all files the usual mode (safetensors writes 0600) and says how large they are."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    for file in files:
        file.chmod(0o644)
    sizes = [p.stat().st_size for p in files]
    print(f"{folder.name}: {len(sizes)} files, {sum(sizes) / 1e3:.0f} kB, "
          f"largest {max(sizes) / 1e3:.0f} kB")
