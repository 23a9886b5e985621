"""The batches that the training fixtures are made of, as token ids: nothing here depends on a run.

A batch is a list of examples {"tokens": [...], "first_label": n}. Token t of an example is a label
if t >= max(1, first_label); it is predicted from the tokens before it. Lengths are ragged, prompts
of different length are masked, and one example in ten has a single label.
"""

import random

import tokenizers

from common import SEED, STORIES, generator, random_tokens

STEPS = 30
GLOBAL_BATCH = 4
POOL = 16

NAMES = ("Tom", "Lily", "Ben", "Mia", "Sam", "Anna")
ANIMALS = ("cat", "dog", "bird", "frog", "bear", "mouse")
PLACES = ("park", "garden", "house", "forest", "lake", "school")
THINGS = ("ball", "box", "book", "cake", "hat", "toy")
FEELINGS = ("happy", "sad", "scared", "proud", "tired")


def _batches(pool: list[dict], seed: int) -> list[list[dict]]:
    """Draws from a small pool, so examples come back and the loss has something to learn."""
    chooser = random.Random(SEED + seed)
    return [[pool[i] for i in chooser.sample(range(len(pool)), GLOBAL_BATCH)] for _ in range(STEPS)]


def random_batches(vocab: int, seed: int) -> list[list[dict]]:
    """Random tokens, 2 to 47 per example; a few are not masked at all (first_label 0 or 1)."""
    g, chooser = generator(seed), random.Random(SEED + seed)
    pool = []
    for i in range(POOL):
        length = (2, 3, 13, 47)[i] if i < 4 else chooser.randint(4, 40)
        first = (0, 1, length - 1)[i % 3] if i < 6 else chooser.randint(1, length - 1)
        pool.append({"tokens": random_tokens(length, vocab, g), "first_label": first})
    return _batches(pool, seed)


def story_batches(seed: int) -> list[list[dict]]:
    """Small stories of our own in the tokens of stories260K: a beginning (masked) and its end."""
    tokenizer = tokenizers.Tokenizer.from_file(str(STORIES / "tokenizer.json"))
    chooser, pool = random.Random(SEED + seed), []
    for i in range(POOL):
        name, animal, place, thing, feeling = map(
            chooser.choice, (NAMES, ANIMALS, PLACES, THINGS, FEELINGS))
        prompt = f"One day, {name} and a little {animal} went to the {place}."
        answer = f"They saw a big {thing}. {name} was very {feeling}."
        if i % 2:
            answer += f" \"Look at the {thing}!\" said {name}. The {animal} was {feeling} too."
        head = tokenizer.encode(prompt).ids
        tail = tokenizer.encode(answer, add_special_tokens=False).ids + [2]
        first = len(tail) + len(head) - 1 if i % 10 == 9 else len(head)
        pool.append({"tokens": head + tail, "first_label": 0 if i == 3 else first})
    return _batches(pool, seed)
