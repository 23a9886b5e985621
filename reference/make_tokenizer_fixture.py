"""Makes the small tokenizer of the tests and what Hugging Face's tokenizers library says it does.

    python reference/make_tokenizer_fixture.py

Writes core/src/test/resources/dev/lorikeet/tokenizer/tiny/{tokenizer,tokenizer_config,expected}.json.
Needs only `tokenizers`; its version is kept in expected.json. The tokenizer is a byte-level BPE with
SmolLM's pre-tokenizer layout (digits one by one) and a template that puts a BOS in front.
"""

import json
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

OUT = Path(__file__).parent.parent / "core/src/test/resources/dev/lorikeet/tokenizer/tiny"

CORPUS = [
    "The lorikeet sat in the tree and sang to the children of the village.",
    "Write a response that appropriately completes the request.",
    "Below is an instruction that describes a task.",
    "The kettle arrived on Monday and it does not heat the water.",
    "There were seven birds in the garden, and then there were three.",
] * 4

TEXTS = [
    "",
    " ",
    "The lorikeet sang.",
    "  two spaces,\ttab\nnew line\r\nend ",
    "order 40213 of 2024",
    "na\u00efve caf\u00e9 \u2014 \u65e5\u672c\u8a9e \U0001f99c",
    "a<|end|>b",
    "<|begin|>The tree",
    "nul \u0000 and \ufffd",
    "The lorikeet sat in the tree " * 40,
]


def build() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|begin|>", "<|end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # An id beyond the vocabulary proper, as chat models have them.
    tokenizer.add_tokens([AddedToken("<note>", special=False, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin|> $A",
        special_tokens=[("<|begin|>", tokenizer.token_to_id("<|begin|>"))],
    )
    return tokenizer


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    tokenizer = build()
    # Settings that a training tool may leave behind; a trainer has to ignore them.
    tokenizer.enable_truncation(max_length=16)
    tokenizer.enable_padding(length=16, pad_id=1, pad_token="<|end|>")
    tokenizer.save(str(OUT / "tokenizer.json"))
    config = {
        "bos_token": {"__type": "AddedToken", "content": "<|begin|>", "special": True},
        "eos_token": "<|end|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (OUT / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(
            {
                "text": text,
                "ids": ids,
                "ids_with_specials": tokenizer.encode(text, add_special_tokens=True).ids,
                "decoded_keep": tokenizer.decode(ids, skip_special_tokens=False),
                "decoded_skip": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    expected = {
        "tokenizers_version": tokenizers.__version__,
        "vocab_size": max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1,
        "cases": cases,
    }
    (OUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
