"""Prints the fingerprints that RealDataTest expects: public files encoded by Hugging Face's library.

    python reference/make_data_fixture.py SHARED_DATA_FOLDER

Written from the definitions (litgpt's Alpaca prompt; prompt and response tokenised separately; BOS by
the tokenizer's own template; EOS appended; cut at 512), not from the Java code. The hash of examples
is that of dev.lorikeet.data.Fingerprint.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

from tokenizers import Tokenizer

EOS = 2
LONGEST = 512
WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
)
WITHOUT_INPUT = (
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    "the request.\n\n### Instruction:\n{instruction}\n\n### Response:\n"
)


def alpaca(tokenizer: Tokenizer, path: Path):
    for index, record in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        template = WITH_INPUT if record.get("input") else WITHOUT_INPUT
        prompt = tokenizer.encode(template.format(**record), add_special_tokens=True).ids
        response = tokenizer.encode(record["output"], add_special_tokens=False).ids + [EOS]
        tokens = (prompt + response)[:LONGEST]
        if len(prompt) < len(tokens):
            yield index, len(prompt), tokens


def book(tokenizer: Tokenizer, path: Path):
    text = path.read_text(encoding="utf-8")
    ids = tokenizer.encode(text, add_special_tokens=False).ids + [EOS]
    prefix = tokenizer.encode("", add_special_tokens=True).ids
    room = LONGEST - len(prefix)
    for index, start in enumerate(range(0, len(ids), room)):
        yield index, 1, prefix + ids[start : start + room]


def fingerprint(examples) -> str:
    digest = hashlib.sha256()
    count = 0
    for index, first_label, tokens in examples:
        digest.update(struct.pack(f">qii{len(tokens)}i", index, first_label, len(tokens), *tokens))
        count += 1
    return f"{count} {digest.hexdigest()}"


def main() -> None:
    data = Path(sys.argv[1])
    tokenizer = Tokenizer.from_file(str(data / "models/stories260K/tokenizer.json"))
    for name in ["alpaca_random_9k", "lima", "alpaca_en_demo", "instruction-data", "dolly_3k"]:
        print(name, fingerprint(alpaca(tokenizer, data / f"instruct/{name}.json")))
    print("tinyshakespeare", fingerprint(book(tokenizer, data / "text/tinyshakespeare/input.txt")))


if __name__ == "__main__":
    main()
