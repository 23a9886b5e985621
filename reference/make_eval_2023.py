"""Requests and metrics of lm-evaluation-harness of October 2023, for the tasks named @2023.

Runs the task classes of commit b0686dd9bf8c2cd60686e1589bf554c836ce914f over `eval_documents.py`,
in the order and with the examples of its evaluator. Log-likelihoods are made up: a function of the
request's texts, since only requests and metrics are at stake. Run after make_eval.py, whose folder
it writes into.

Run: git clone https://github.com/EleutherAI/lm-evaluation-harness FOLDER, check that commit out, and
python reference/make_eval_2023.py FOLDER
"""

import hashlib
import importlib
import json
import random
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

import datasets

import eval_documents as own
from common import FIXTURES

CHECKOUT = Path(sys.argv[1])
for package in ("lm_eval", "lm_eval.tasks"):
    module = types.ModuleType(package)
    module.__path__ = [str(CHECKOUT / package.replace(".", "/"))]
    sys.modules[package] = module
# What the old modules import for other tasks than ours.
for absent in ("sqlitedict", "omegaconf", "sklearn", "sklearn.metrics", "sacrebleu", "rouge_score",
               "rouge_score.scoring", "rouge_score.rouge_scorer", "pycountry", "pytablewriter"):
    sys.modules.setdefault(absent, MagicMock())

OUT = FIXTURES / "eval"


def arc(record):
    q = record["question"]
    return {"id": record["id"], "question": q["stem"], "answerKey": record["answerKey"],
            "choices": {"text": [c["text"] for c in q["choices"]],
                        "label": [c["label"] for c in q["choices"]]}}


def piqa(records, labels):
    return [{**r, "label": l} for r, l in zip(records, labels, strict=True)]


def truthful(record):
    return {"question": record["question"], **{
        key: {"choices": list(record[key]), "labels": list(record[key].values())}
        for key in ("mc1_targets", "mc2_targets")}}


def mmlu(rows):
    return [{"question": r[0], "choices": r[1:5], "answer": "ABCD".index(r[5])} for r in rows]


def arithmetic(record):
    context = record["context"].strip().replace("\n\n", "\n").replace("Q:", "Question:")
    return {**record, "context": context.replace("A:", "Answer:")}


def pages():
    made, lines = [], []
    for line in own.WIKITEXT_TEST.split("\n"):
        heading = line.replace("= = =", "===").replace("= =", "==").strip()
        if heading.startswith("= ") and heading.endswith(" ="):
            made.append("\n".join(lines))
            lines = []
        lines.append(line)
    made.append("\n".join(lines))
    return [{"page": p} for p in made if p.strip()]


SETS = {
    "truthful_qa": {"validation": [truthful(r) for r in own.TRUTHFULQA]},
    "hellaswag": {"train": own.HELLASWAG_TRAIN, "validation": own.HELLASWAG_VALIDATION},
    "cais/mmlu": {"dev": mmlu(own.MMLU_DEV), "test": mmlu(own.MMLU_TEST)},
    "blimp": {"train": own.BLIMP_CAUSATIVE},
    "EleutherAI/arithmetic": {"validation": [arithmetic(r) for r in own.ARITHMETIC_2DA]},
    "piqa": {"train": piqa(own.PIQA_TRAIN, own.PIQA_TRAIN_LABELS),
             "validation": piqa(own.PIQA_VALID, own.PIQA_VALID_LABELS)},
    "ai2_arc": {"train": [arc(r) for r in own.ARC_TRAIN]},
    "lambada": own.LAMBADA,
    "EleutherAI/lambada_openai": {"test": own.LAMBADA["test"]},
    "winogrande": {"train": own.WINOGRANDE_TRAIN, "validation": own.WINOGRANDE_DEV},
    "gsm8k": {"train": own.GSM8K_TRAIN, "test": own.GSM8K_TEST},
    "EleutherAI/wikitext_document_level": {"test": pages()},
}
ARC_TESTS = {"ARC-Easy": own.ARC_EASY_TEST, "ARC-Challenge": own.ARC_CHALLENGE_TEST}


def load_dataset(path, name=None, **settings):
    splits = dict(SETS[path])
    if path == "ai2_arc":
        splits["test"] = [arc(r) for r in ARC_TESTS[name]]
    return {split: json.loads(json.dumps(docs)) for split, docs in splits.items()}


datasets.load_dataset = load_dataset


def made_up(request):
    """A log-likelihood and a flag from the request's texts; a generation from our list."""
    digest = hashlib.sha256("\0".join(t for t in request.args if isinstance(t, str)).encode()).digest()
    number = int.from_bytes(digest[:4], "big")
    if request.request_type == "greedy_until":
        return own.GSM8K_OUTPUTS[number % len(own.GSM8K_OUTPUTS)]
    score = -(number % 4001) / 97
    return score if request.request_type == "loglikelihood_rolling" else (score, number % 3 == 0)


def run(name, task, shots, metrics, first_request=lambda doc: 0):
    """As evaluator.evaluate of that commit; `metrics` names theirs by ours."""
    docs = list(task.test_docs() if task.has_test_docs() else task.validation_docs())
    number = {id(doc): i for i, doc in enumerate(docs)}
    rnd = random.Random()
    rnd.seed(42)
    rnd.shuffle(docs)
    samples, values = [], {m: [] for m in metrics}
    for doc in docs:
        context = task.fewshot_context(doc=doc, num_fewshot=shots, rnd=rnd, description="")
        requests = task.construct_requests(doc, context)
        requests = list(requests) if isinstance(requests, (list, tuple)) else [requests]
        full = [made_up(r) for r in requests]
        results = task.process_results(
            doc, [f if r.index is None else f[r.index] for r, f in zip(requests, full)])
        asked, answers = [], []
        for r, f in list(zip(requests, full))[first_request(doc):]:
            texts = [t for t in r.args if isinstance(t, str)]
            if asked and asked[-1]["texts"] == texts:
                continue
            asked.append({"texts": texts, **{"until": a["until"] for a in r.args if isinstance(a, dict)}})
            answers.append(f)
        kept = {}
        for ours, theirs in metrics.items():
            values[ours].append(results[theirs])
            value = results[theirs]
            kept[ours + ",none"] = [float(v) for v in value] if isinstance(value, tuple) else float(value)
        samples.append({"id": number[id(doc)], "requests": asked, "answers": answers, "metrics": kept})
    scores = {ours + ",none": float(task.aggregation()[theirs](values[ours]))
              for ours, theirs in metrics.items()}
    return {"task": name, "version": str(task.VERSION), "shots": shots, "scores": scores,
            "samples": samples}


def main():
    def tasks(module):
        return importlib.import_module("lm_eval.tasks." + module)
    acc = {"acc": "acc"}
    norm = {"acc": "acc", "acc_norm": "acc_norm"}
    last_word = {"perplexity": "ppl", "acc": "acc"}
    truthful_qa = tasks("truthfulqa").TruthfulQAMultipleChoice
    cases = [
        run("truthfulqa_mc2@2023", truthful_qa(), 0, {"acc": "mc2"},
            lambda doc: len(doc["mc1_targets"]["choices"])),
        run("blimp_causative@2023", tasks("blimp").BlimpCausative(), 0, acc),
        run("wikitext", tasks("wikitext").WikiText(), 0, {
            m: m for m in ("word_perplexity", "byte_perplexity", "bits_per_byte")}),
    ]
    for shots in (0, 2):
        cases += [
            run("hellaswag@2023", tasks("hellaswag").HellaSwag(), shots, norm),
            run("arithmetic_2da@2023", tasks("arithmetic").Arithmetic2DPlus(), shots, acc),
            run("piqa@2023", tasks("piqa").PiQA(), shots, norm),
            run("arc_easy@2023", tasks("arc").ARCEasy(), shots, norm),
            run("arc_challenge@2023", tasks("arc").ARCChallenge(), shots, norm),
            run("lambada_standard@2023", tasks("lambada").LambadaStandard(), shots, last_word),
            run("lambada_openai@2023", tasks("lambada").LambadaOpenAI(), shots, last_word),
            run("winogrande@2023", tasks("winogrande").Winogrande(), shots, acc),
            run("gsm8k@2023", tasks("gsm8k").GradeSchoolMath8K(), shots, acc),
            run("mmlu_astronomy", tasks("hendrycks_test").create_task("astronomy")(), shots, acc),
        ]
    text = "[\n" + ",\n".join(
        json.dumps({k: v for k, v in c.items() if k != "samples"}, ensure_ascii=False)[:-1]
        + ', "samples": [\n' + ",\n".join(json.dumps(s, ensure_ascii=False) for s in c["samples"]) + "]}"
        for c in cases) + "\n]\n"
    (OUT / "own-2023.json").write_text(text, encoding="utf-8")
    print(f"own-2023.json: {len(cases)} runs, {len(text.encode()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
