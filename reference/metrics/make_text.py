"""Exact match, token F1, extraction, edit similarity, against transformers' copy of SQuAD's script,
lm-evaluation-harness' functions and RapidFuzz."""

import importlib.util
import re
import sys
import types

from fixture import TEXTS, Dice, pairs, write


def squad():
    """transformers.data.metrics.squad_metrics alone: the package itself would want torch."""
    found = importlib.util.find_spec("transformers")
    path = found.submodule_search_locations[0] + "/data/metrics/squad_metrics.py"
    source = open(path, encoding="utf-8").read().split("def get_raw_scores")[0]
    source = re.sub(r"from \.\.\.\S+ import[^\n]*\n", "", source)
    module = types.ModuleType("squad_metrics")
    exec(compile(source.replace("logger = logging.get_logger(__name__)", ""), path, "exec"),
         module.__dict__)
    return module


def main():
    from lm_eval.api.metrics import exact_match_hf_evaluate
    from lm_eval.filters.extraction import RegexFilter
    from rapidfuzz.distance import Levenshtein

    squad_metrics = squad()
    options = [
        {}, {"ignore_case": True}, {"ignore_punctuation": True}, {"ignore_numbers": True},
        {"ignore_case": True, "ignore_punctuation": True, "ignore_numbers": True},
        {"regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"], "ignore_case": True},
        {"regexes_to_ignore": ["\\s+", "[^\\w]"]},
    ]
    dice = Dice(11)
    cases = []
    for answer, expected in pairs(1, 120):
        case = {"answer": answer, "expected": expected,
                "squad_exact": squad_metrics.compute_exact(expected, answer),
                "f1": float(squad_metrics.compute_f1(expected, answer)),
                "edit_similarity": Levenshtein.normalized_similarity(answer, expected)}
        chosen = dice.pick(options)
        # NumPy's texts end before a NUL, and none is in there.
        case["harness_options"] = chosen
        case["harness_exact"] = int(exact_match_hf_evaluate([answer], [expected], **chosen)
                                    ["exact_match"])
        cases.append(case)
    for options_ in options:
        for answer, expected in [("The 3 Cats.", "the 4 cats"), ("$1,234.", "1234"),
                                 ("so it is\n#### 1,234", "1234"), ("a b", "ab"), ("A-b!", "ab")]:
            cases.append({"answer": answer, "expected": expected,
                          "squad_exact": squad_metrics.compute_exact(expected, answer),
                          "f1": float(squad_metrics.compute_f1(expected, answer)),
                          "edit_similarity": Levenshtein.normalized_similarity(answer, expected),
                          "harness_options": options_,
                          "harness_exact": int(exact_match_hf_evaluate(
                              [answer], [expected], **options_)["exact_match"])})
    answers = TEXTS + [
        "#### 5", "first #### 1,200.50 then #### -7", "The answer is (B).", "A and B and C",
        "x=1 y=2\nx=3", "2020-01-02 and 1999-12-31", "aXbXc", "(A) or (C)", "$5 or 7", "",
        "The answer is 12. No, 13!", "\u0664\u0665 and 46", "key: value\nkey:  other "]
    expressions = [
        "#### (\\-?[0-9\\.\\,]+)", "(-?[$0-9.,]{2,})|(-?[0-9]+)", "\\d+", "([A-Z])\\b",
        "(?P<key>\\w)=(?P<value>\\d)", "(\\d+)-(\\d+)-(\\d+)", "X(y)?", "x*", "(x)|(y)|(z)?",
        "^(.*)$", "answer is (.*?)\\.", "(?i)ANSWER.{4}(\\S+)", "(?m)^key:(.*)$", "(a)|b()"]
    for expression in expressions:
        for select in (0, -1):
            filter_ = RegexFilter(expression, group_select=select)
            cases.append({"expression": expression, "group_select": select, "answers": answers,
                          "found": filter_.apply([answers], [{}])[0]})
    write("text", ["lm_eval", "rapidfuzz", "numpy", "transformers"], cases)


if __name__ == "__main__":
    sys.exit(main())
