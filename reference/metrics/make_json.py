"""JSON validity by Python's json module made strict, and fields compared by a plain second
implementation of JsonFields' definition (no package has one)."""

import collections
import json
import math

from fixture import Dice, write


def strict(text):
    def refuse(name):
        raise ValueError(name)

    def unique(pairs):
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    try:
        # Python strips white space that JSON has not.
        if text.strip(" \t\r\n") != text.strip():
            return False
        json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
        return True
    except ValueError:
        return False


def leaves(value, ordered, path="", places=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, ordered, f"{path}.{key}" if path else key, places)
    elif isinstance(value, list) and value:
        for i, inner in enumerate(value):
            yield from leaves(inner, ordered, path + "[]", places + ((i if ordered else 0),))
    else:
        kind = "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else "other"
        spelled = float(value) if kind == "number" else json.dumps(value)
        yield (path or "$", places, kind, spelled)


def compare(answer, expected, ordered):
    given = collections.Counter(leaves(answer, ordered))
    wanted = collections.Counter(leaves(expected, ordered))
    found = wanted & given
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for counter, column in ((found, 0), (given - wanted, 1), (wanted - given, 2)):
        for leaf, count in counter.items():
            counts[leaf[0]][column] += count
    return {path: counts[path] for path in sorted(counts)}


def f1(counts):
    found, added, missed = (sum(column) for column in zip(*counts.values()))
    return 1.0 if found + added + missed == 0 else 2 * found / (2 * found + added + missed)


def value(dice, depth):
    kind = dice.below(8 if depth else 5)
    if kind < 2:
        return dice.pick([1, 2, 2.5, 100, -3])
    if kind == 2:
        return dice.pick(["x", "y", "", "1"])
    if kind == 3:
        return dice.pick([True, False, None])
    if kind == 4:
        return dice.pick([{}, []])
    if kind == 5:
        return [value(dice, depth - 1) for _ in range(1 + dice.below(3))]
    return {dice.pick("abc"): value(dice, depth - 1) for _ in range(1 + dice.below(3))}


def mutated(dice, node):
    if isinstance(node, dict):
        return {key: mutated(dice, inner) for key, inner in node.items() if dice.below(6)}
    if isinstance(node, list):
        kept = [mutated(dice, inner) for inner in node]
        return kept[::-1] if dice.below(3) == 0 else kept
    return value(dice, 0) if dice.below(4) == 0 else node


def spelled(dice, node):
    """JSON with numbers written in other ways."""
    text = json.dumps(node)
    if dice.below(2):
        text = text.replace("100", "1e2").replace("2.5", "25e-1").replace(" 1,", " 1.0,")
    return text


def main():
    texts = ["", " ", "{}", "[]", "null", "true", "1", "-0", "01", "1.", ".5", "1e5", "+1", "NaN",
             "Infinity", "\"a\"", "'a'", "{\"a\": 1}", "{\"a\": 1,}", "[1,]", "{a: 1}", "{} {}", "{\"a\": 1",
             "{\"a\":1,\"a\":2}", "// c\n1", "\"\\u00e9\"", "\"\\x\"", "\"tab\there\"", "\t{\"a\":\n[1, 2]} \n",
             "\u00a0{}", "[1 2]", "\"\ud83d\ude00\"".encode("utf-16", "surrogatepass").decode("utf-16"),
             "True", "{\"a\":{\"b\":[]}}", "[[[[1]]]]", "1e400", "-", "\ufeff{}"]
    cases = [{"text": text, "valid": strict(text)} for text in texts]
    dice = Dice(41)
    for _ in range(200):
        expected = value(dice, 3)
        answer = mutated(dice, expected) if dice.below(8) else value(dice, 2)
        ordered = bool(dice.below(2))
        counts = compare(answer, expected, ordered)
        cases.append({"answer": spelled(dice, answer), "expected": spelled(dice, expected),
                      "ordered": ordered, "counts": counts, "f1": f1(counts)})
    for _ in range(40):
        answer, expected = ([dice.pick([1, "x", True]) for _ in range(dice.below(6))]
                            for _ in range(2))
        counts = compare(answer, expected, False)
        cases.append({"answer": spelled(dice, answer), "expected": spelled(dice, expected),
                      "ordered": False, "counts": counts, "f1": f1(counts)})
    write("json", [], cases)


if __name__ == "__main__":
    main()
