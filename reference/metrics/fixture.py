"""What the generators of metric fixtures share: the output folder, versions, texts."""

import importlib.metadata
import json
import math
import platform
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
FOLDER = REPOSITORY / "core/src/test/resources/reference/metrics"


def write(name: str, packages: list[str], cases) -> None:
    """Writes NAME.json: what made it, and the cases, one a line."""
    versions = {"python": platform.python_version()}
    for package in packages:
        versions[package] = importlib.metadata.version(package)
    lines = ",\n".join(json.dumps(_finite(case), ensure_ascii=True) for case in cases)
    made = json.dumps({"generator": f"reference/metrics/make_{name}.py", "versions": versions})
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{name}.json"
    file.write_text(f'{{"made": {made},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{name}: {len(cases)} cases, {file.stat().st_size / 1e3:.0f} kB")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    return value


class Dice:
    """A small generator of whole numbers that is the same everywhere (Lehmer 1951, MINSTD)."""

    def __init__(self, seed: int):
        self.state = seed * 7919 % 2147483646 + 1

    def below(self, bound: int) -> int:
        self.state = self.state * 48271 % 2147483647
        return self.state % bound

    def pick(self, values):
        return values[self.below(len(values))]

    def unit(self) -> float:
        return self.below(1 << 24) / (1 << 24)


WORDS = ("the cat sat on a mat while an old dog ran quickly through fields of golden wheat "
         "Dr. Smith's $3,456.78 price rose 4.5% in 1999-2000, didn't it? (yes) \u201cquoted\u201d "
         "caf\u00e9 na\u00efve \u00fcber stra\u00dfe \u6771\u4eac \u0430\u043b\u0435 x2 A/B e-mail co-operate U.S.A. "
         "running runs ran happily happiness relational conditional generalization &amp; &quot; "
         "<skipped> \U0001f600 ... -- 3.14 10,000 state-of-the-art why!? end.").split()

TEXTS = [
    "", " ", ".", "a", "the", "The cat sat on the mat.", "the cat sat on the mat",
    "A cat, sitting; on an mat!", "cat", "  padded \t text\n", "two\nlines here\nand a third",
    "line one\nline two", "42", "The answer is 42.", "answer: 42", "\u00a0no-break\u00a0space\u00a0",
    "a\u0301 accent after a", "An apple a day.", "the_the the-the", "Yes", "yes!", "NO", "1234",
    "\u0130stanbul \u01c5 \u1e9e", "x" * 40, "x " * 30, "12-34 5,6 7.8 9. .5", "-\nhyphen-\nated",
]


def sentences(seed: int, count: int) -> list[str]:
    """Pairs of made-up sentences that share many words, with some empty and short ones."""
    dice = Dice(seed)
    made = []
    for _ in range(count):
        length = dice.below(24)
        made.append(" ".join(dice.pick(WORDS) for _ in range(length)))
        if dice.below(5) == 0 and made[-1]:
            made[-1] = made[-1].replace(" ", "\n", 3)
    return made


def altered(text: str, dice: Dice) -> str:
    """The text with some words left out, replaced or swapped."""
    words = text.split(" ")
    kept = []
    for word in words:
        kind = dice.below(8)
        if kind == 0:
            continue
        if kind == 1:
            word = dice.pick(WORDS)
        kept.append(word)
        if kind == 2 and len(kept) > 1:
            kept[-1], kept[-2] = kept[-2], kept[-1]
    return " ".join(kept)


def pairs(seed: int, count: int) -> list[tuple[str, str]]:
    """Answer and expected answer: fixed texts against each other, then made-up pairs."""
    dice = Dice(seed)
    found = [(TEXTS[i], TEXTS[(i * step + 1) % len(TEXTS)])
             for step in (1, 3) for i in range(len(TEXTS))]
    found += [(altered(text, dice), text) for text in sentences(seed, count)]
    return found
