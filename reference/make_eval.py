"""Requests, log-likelihoods and metrics of lm-evaluation-harness itself, for every task.

Runs lm_eval 0.4.13's simple_evaluate with its own task files; only datasets.load_dataset is replaced
by the files of `eval_documents.py` and of shared/data/eval, in the layouts of the hub. Texts of
shared data do not enter the fixtures: of their requests only hashes are kept.

Needs, beside requirements.txt, the packages of requirements-eval.txt (lm_eval with --no-deps).

Run: python reference/make_eval.py
"""

import bz2
import csv
import hashlib
import json
import logging
import random
import sys
import types
from importlib import metadata

for absent in ("rouge_score", "rouge_score.rouge_scorer", "rouge_score.scoring"):
    sys.modules[absent] = types.ModuleType(absent)
sys.modules["rouge_score"].rouge_scorer = sys.modules["rouge_score.rouge_scorer"]
sys.modules["rouge_score"].scoring = sys.modules["rouge_score.scoring"]

import datasets
import lm_eval
import torch
from lm_eval.api.model import LM
from lm_eval.evaluator import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

import eval_documents as own
from common import REPOSITORY, STORIES, finish, start, write_json
from hashed_weights import hashed

SHARED = REPOSITORY.parent / "shared/data"
CONTEXT = 8192
MMLU_FIVE_SHOT = ["anatomy", "virology", "formal_logic", "sociology"]


# ---------------------------------------------------------------- the tiny model

def tiny_model(folder):
    """A Llama with hashed weights and a byte-level tokenizer of 320 tokens, in the hub's layout."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made.decoder = decoders.ByteLevel()
    corpus = [d["sentence"] for d in own.WINOGRANDE_DEV + own.WINOGRANDE_TRAIN]
    made.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<s>", "</s>"], show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))])
    config = LlamaConfig(
        vocab_size=made.get_vocab_size(), hidden_size=32, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=CONTEXT, tie_word_embeddings=True, rms_norm_eps=1e-5,
        bos_token_id=0, eos_token_id=1,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    model = LlamaForCausalLM(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = "norm" in name
            parameter.copy_(hashed(name, 7, parameter.shape, 0.1 if norm else 0.4, 1.0 if norm else 0.0))
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"},
        indent=2) + "\n")


def harness_model(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1, device="cpu")


class Scripted(LM):
    """Answers every generation with the next of GSM8K_OUTPUTS."""

    def __init__(self, offset):
        super().__init__()
        self.offset = offset

    def generate_until(self, requests, disable_tqdm=False):
        return [own.GSM8K_OUTPUTS[(self.offset + i) % len(own.GSM8K_OUTPUTS)]
                for i in range(len(requests))]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError


# ---------------------------------------------------------------- data in the hub's layouts

def json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")


def arc_hub(record):
    question = record["question"]
    return {"id": record["id"], "question": question["stem"], "answerKey": record["answerKey"],
            "choices": {"text": [c["text"] for c in question["choices"]],
                        "label": [c["label"] for c in question["choices"]]}}


def hellaswag_hub(record):
    return {**record, "label": str(record["label"])}


def piqa_hub(records, labels):
    return [{**r, "label": int(l)} for r, l in zip(records, labels, strict=True)]


def mmlu_hub(rows, subject):
    return [{"question": r[0], "subject": subject, "choices": r[1:5], "answer": "ABCD".index(r[5])}
            for r in rows]


def truthful_hub(record):
    def targets(key):
        return {"choices": list(record[key]), "labels": list(record[key].values())}
    return {"question": record["question"], "mc1_targets": targets("mc1_targets"),
            "mc2_targets": targets("mc2_targets")}


def wikitext_pages(text):
    """As the data set's own script makes them, without pages of white space."""
    pages, lines = [], []
    for line in text.split("\n"):
        heading = line.replace("= = =", "===").replace("= =", "==").strip()
        if heading.startswith("= ") and heading.endswith(" ="):
            pages.append("\n".join(lines))
            lines = []
        lines.append(line)
    pages.append("\n".join(lines))
    return [{"page": p} for p in pages if p.strip()]


def cleaned_hellaswag(text, count):
    lines = text.splitlines()
    docs = []
    for i in range(0, 6 * count, 6):
        activity, _, rest = lines[i].partition(": ")
        docs.append({"ind": i // 6, "activity_label": activity, "ctx_a": rest, "ctx_b": "",
                     "label": lines[i + 1], "endings": lines[i + 2:i + 6]})
    return docs


def own_data(folder):
    """Writes the raw files and returns what load_dataset gives, by (path, name)."""
    write_lines(folder / "hellaswag/hellaswag_val.jsonl", own.HELLASWAG_VALIDATION)
    write_lines(folder / "hellaswag/hellaswag_train.jsonl", own.HELLASWAG_TRAIN)
    write_lines(folder / "winogrande/dev.jsonl", own.WINOGRANDE_DEV)
    write_lines(folder / "winogrande/train_xl.jsonl", own.WINOGRANDE_TRAIN)
    write_lines(folder / "arc/ARC-Easy-Test.jsonl", own.ARC_EASY_TEST)
    write_lines(folder / "arc/ARC-Easy-Train.jsonl", own.ARC_TRAIN)
    write_lines(folder / "arc/ARC-Challenge/test.jsonl", map(arc_hub, own.ARC_CHALLENGE_TEST))
    write_lines(folder / "arc/ARC-Challenge/train.jsonl", map(arc_hub, own.ARC_TRAIN))
    write_lines(folder / "piqa/valid.jsonl", own.PIQA_VALID)
    write_lines(folder / "piqa/train.jsonl", own.PIQA_TRAIN)
    for split, labels in (("valid", own.PIQA_VALID_LABELS), ("train", own.PIQA_TRAIN_LABELS)):
        (folder / f"piqa/{split}-labels.lst").write_text("".join(f"{l}\n" for l in labels))
    for split, records in own.LAMBADA.items():
        write_lines(folder / f"lambada_standard/{split}.jsonl", records)
    write_lines(folder / "lambada_openai/test.jsonl", own.LAMBADA["test"])
    write_lines(folder / "gsm8k/train.jsonl", own.GSM8K_TRAIN)
    write_lines(folder / "gsm8k/test.jsonl", own.GSM8K_TEST)
    (folder / "wikitext").mkdir()
    write_lines(folder / "blimp/causative.jsonl", own.BLIMP_CAUSATIVE)
    write_lines(folder / "arithmetic/two_digit_addition.jsonl", own.ARITHMETIC_2DA)
    (folder / "truthfulqa").mkdir()
    (folder / "truthfulqa/mc_task.json").write_text(
        json.dumps(own.TRUTHFULQA, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "wikitext/wiki.test.raw").write_text(own.WIKITEXT_TEST, encoding="utf-8")
    for split, rows in (("dev", own.MMLU_DEV), ("test", own.MMLU_TEST)):
        path = folder / f"mmlu/{split}/astronomy_{split}.csv"
        path.parent.mkdir(parents=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    arc_train = [arc_hub(r) for r in own.ARC_TRAIN]
    return {
        ("truthfulqa/truthful_qa", "multiple_choice"): {
            "validation": [truthful_hub(r) for r in own.TRUTHFULQA]},
        ("nyu-mll/blimp", "causative"): {"train": own.BLIMP_CAUSATIVE},
        ("json", "two_digit_addition"): {"validation": own.ARITHMETIC_2DA},
        ("Rowan/hellaswag", None): {
            "train": [hellaswag_hub(r) for r in own.HELLASWAG_TRAIN],
            "validation": [hellaswag_hub(r) for r in own.HELLASWAG_VALIDATION]},
        ("allenai/winogrande", "winogrande_xl"): {
            "train": own.WINOGRANDE_TRAIN, "validation": own.WINOGRANDE_DEV},
        ("allenai/ai2_arc", "ARC-Easy"): {
            "train": arc_train, "validation": arc_train,
            "test": [arc_hub(r) for r in own.ARC_EASY_TEST]},
        ("allenai/ai2_arc", "ARC-Challenge"): {
            "train": arc_train, "validation": arc_train,
            "test": [arc_hub(r) for r in own.ARC_CHALLENGE_TEST]},
        ("baber/piqa", None): {
            "train": piqa_hub(own.PIQA_TRAIN, own.PIQA_TRAIN_LABELS),
            "validation": piqa_hub(own.PIQA_VALID, own.PIQA_VALID_LABELS)},
        ("cimec/lambada", None): own.LAMBADA,
        ("EleutherAI/lambada_openai", "default"): {"test": own.LAMBADA["test"]},
        ("openai/gsm8k", "main"): {"train": own.GSM8K_TRAIN, "test": own.GSM8K_TEST},
        ("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1"): {
            split: wikitext_pages(own.WIKITEXT_TEST) for split in ("train", "validation", "test")},
        ("cais/mmlu", "astronomy"): {
            "dev": mmlu_hub(own.MMLU_DEV, "astronomy"), "test": mmlu_hub(own.MMLU_TEST, "astronomy")},
    }


def shared_data():
    data = SHARED / "eval"
    sets = {}
    sets["truthfulqa/truthful_qa", "multiple_choice"] = {
        "validation": [truthful_hub(r) for r in json.loads((data / "truthfulqa/mc_task.json").read_text())]}
    text = bz2.decompress((data / "hellaswag/hellaswag_val_full.txt.bz2").read_bytes()).decode()
    cleaned = cleaned_hellaswag(text, 40)
    sets["Rowan/hellaswag", None] = {"train": cleaned, "validation": cleaned}
    for file in sorted((data / "blimp").glob("*.jsonl")):
        keep = ("sentence_good", "sentence_bad")
        sets["nyu-mll/blimp", file.stem] = {
            "train": [{k: r[k] for k in keep} for r in json_lines(file)]}
    for file in sorted((data / "arithmetic").glob("*.jsonl")):
        sets["json", file.stem] = {"validation": json_lines(file)}
    piqa = piqa_hub(json_lines(data / "piqa/valid.jsonl"),
                    (data / "piqa/valid-labels.lst").read_text().split())
    sets["baber/piqa", None] = {"train": piqa, "validation": piqa}
    sets["EleutherAI/lambada_openai", "default"] = {"test": json_lines(data / "lambada_test.jsonl")}
    for file in sorted((data / "mmlu/test").glob("*.csv")):
        subject = file.stem.removesuffix("_test")
        sets["cais/mmlu", subject] = {}
        for split in ("dev", "test"):
            path = data / f"mmlu/{split}/{subject}_{split}.csv"
            with open(path, encoding="utf-8", newline="") as rows:
                sets["cais/mmlu", subject][split] = mmlu_hub(list(csv.reader(rows)), subject)
    for split in ("train", "test"):
        sets.setdefault(("openai/gsm8k", "main"), {})[split] = json_lines(
            SHARED / f"instruct/gsm8k/{split}.jsonl")
    pages = wikitext_pages((SHARED / "text/wikitext2/test.txt").read_text(encoding="utf-8"))
    sets["EleutherAI/wikitext_document_level", "wikitext-2-raw-v1"] = {
        split: pages for split in ("train", "validation", "test")}
    return sets


def serve(sets):
    def load_dataset(path, name=None, **settings):
        files = settings.get("data_files")
        if path == "json":
            name = files["validation"].rsplit("/", 1)[1].removesuffix(".jsonl")
        return {split: datasets.Dataset.from_list(list(docs))
                for split, docs in sets[path, name].items()}
    datasets.load_dataset = load_dataset


# ---------------------------------------------------------------- running and writing

def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return float(value)


def request(arguments, kept):
    """Texts of a request, or their hash; a generation has its stops as well."""
    texts = [a for a in arguments if isinstance(a, str)]
    settings = [a for a in arguments if not isinstance(a, str)]
    made = {"texts": texts} if kept else {"sha256": digest(*texts)}
    if settings:
        made["until"] = settings[0]["until"]
    return made


def answer(response):
    """[log-likelihood, is_greedy], log-likelihood, or text."""
    if isinstance(response, tuple):
        return [float(response[0]), bool(response[1])]
    return response if isinstance(response, str) else float(response)


def run(lm, task, shots, limit, kept, manager):
    results = simple_evaluate(
        model=lm, tasks=[task], num_fewshot=shots, limit=limit, log_samples=True,
        bootstrap_iters=0, task_manager=manager)
    samples = {}
    for sample in results["samples"][task]:
        made = samples.setdefault(sample["doc_id"], {
            "id": sample["doc_id"],
            "requests": [request(a, kept) for a in sample["arguments"]],
            "answers": [answer(r[0]) for r in sample["resps"]],
            "metrics": {}})
        for metric in sample["metrics"]:
            made["metrics"][f"{metric},{sample['filter']}"] = plain(sample[metric])
    scores = {k: float(v) for k, v in results["results"][task].items()
              if "," in k and "stderr" not in k}
    return {"task": task, "version": str(results["versions"][task]), "shots": shots,
            "samples": list(samples.values()), "scores": scores}


def write(path, cases):
    """Compact JSON: one line a sample."""
    path.write_text("[\n" + ",\n".join(
        json.dumps({k: v for k, v in c.items() if k != "samples"}, ensure_ascii=False)[:-1]
        + ', "samples": [\n' + ",\n".join(json.dumps(s, ensure_ascii=False) for s in c["samples"]) + "]}"
        for c in cases) + "\n]\n", encoding="utf-8")


OWN_RUNS = [("hellaswag", 0), ("hellaswag", 2), ("winogrande", 0), ("winogrande", 2), ("arc_easy", 0),
            ("arc_easy", 3), ("arc_challenge", 0), ("arc_challenge", 6), ("piqa", 0), ("piqa", 2),
            ("lambada_standard", 0), ("lambada_standard", 2), ("lambada_openai", 1), ("gsm8k", 5),
            ("gsm8k", 0), ("wikitext", 0), ("truthfulqa_mc1", 0),
            ("truthfulqa_mc2", 0), ("blimp_causative", 0), ("arithmetic_2da", 0),
            ("arithmetic_2da", 2), ("mmlu_astronomy", 0), ("mmlu_astronomy", 2)]


def shared_runs():
    runs = [("truthfulqa_mc1", 0, 8), ("truthfulqa_mc2", 0, 8), ("hellaswag", 0, 10),
            ("piqa", 0, 10), ("lambada_openai", 0, 10), ("lambada_openai", 3, 4), ("wikitext", 0, 2),
            ("gsm8k", 5, 3)]
    for kind in ("2da", "2ds", "4da", "4ds"):
        runs.append((f"arithmetic_{kind}", 0, 8))
    runs.append(("arithmetic_2ds", 4, 6))
    runs.append(("arithmetic_4da", 7, 3))
    for file in sorted((SHARED / "eval/blimp").glob("*.jsonl")):
        runs.append((f"blimp_{file.stem}", 0, 8))
    subjects = [f.stem.removesuffix("_test") for f in sorted((SHARED / "eval/mmlu/test").glob("*.csv"))]
    for i, subject in enumerate(subjects):
        runs.append((f"mmlu_{subject}", 0, 1 + i % 3))
    runs += [(f"mmlu_{subject}", 5, 2) for subject in MMLU_FIVE_SHOT]
    return runs


def groups(cases):
    """Size-weighted and plain means by the harness's own function, over the cases' scores."""
    from lm_eval.api.metrics import aggregate_subtask_metrics
    weighted_by_size = {"mmlu": True, "mmlu_stem": True, "mmlu_humanities": True,
                      "mmlu_social_sciences": True, "mmlu_other": True, "blimp": False}
    made = {}
    zero = {c["task"]: c for c in cases if c["shots"] == 0}
    for group, weighted in weighted_by_size.items():
        members = GROUPS[group]
        present = [m for m in members if m in zero]
        made[group] = {
            "members": len(members), "present": len(present),
            "acc": aggregate_subtask_metrics(
                [zero[m]["scores"]["acc,none"] for m in present],
                [len(zero[m]["samples"]) for m in present], weight_by_size=weighted)}
    return made


def members():
    """Task names of each group, as the harness's index has them."""
    import pathlib
    import yaml
    folder = pathlib.Path(lm_eval.__file__).parent / "tasks"
    made = {"blimp": [f"blimp_{p.stem}" for p in sorted((folder / "blimp").glob("*.yaml"))
                      if not p.stem.startswith("_")], "mmlu": []}
    for path in sorted((folder / "mmlu/default").glob("mmlu_*.yaml")):
        config = yaml.safe_load(path.read_text())
        made.setdefault(config["tag"].removesuffix("_tasks"), []).append(config["task"])
        made["mmlu"].append(config["task"])
    return made


def python_random():
    """Draws of random.Random, for a Mersenne Twister of one's own."""
    made = []
    for seed in (0, 42, 1234, 2**32 - 1):
        g = random.Random(seed)
        made.append({"seed": seed, "bits": [g.getrandbits(32) for _ in range(8)],
                     "below": [[n, g.randrange(n)] for n in (1, 2, 3, 7, 100, 65536, 2**31 - 1)],
                     "samples": [[size, count, g.sample(range(size), count)] for size, count in
                                 ((21, 5), (22, 5), (85, 6), (86, 6), (5, 5), (2000, 5), (7473, 5),
                                  (1119, 25), (277, 25), (39905, 10))],
                     "shuffled": [g.sample(range(1), 1) and shuffled(g, n) for n in (1, 2, 10, 700)]})
    return made


def shuffled(g, count):
    values = list(range(count))
    g.shuffle(values)
    return values


def main():
    logging.disable(logging.WARNING)
    out = start("eval")
    (out / "model").mkdir()
    tiny_model(out / "model")
    versions = json.loads((out / "versions.json").read_text())
    write_json(out / "versions.json", {**versions, "lm_eval": metadata.version("lm_eval"),
                                      "datasets": datasets.__version__})
    write_json(out / "python_random.json", python_random())
    manager = TaskManager()
    GROUPS.update(members())
    write_json(out / "groups.json", GROUPS)
    serve(own_data(out / "data"))
    tiny = harness_model(out / "model")
    stories = harness_model(STORIES)
    for name, lm in (("tiny", tiny), ("stories260K", stories)):
        write(out / f"own-{name}.json",
              [run(lm, task, shots, None, name == "tiny", manager) for task, shots in OWN_RUNS])
    write(out / "own-scripted.json", [
        run(Scripted(5 * i), "gsm8k", 1, None, True, manager) for i in range(len(own.GSM8K_OUTPUTS))])
    if not SHARED.exists():
        raise SystemExit("shared/data is needed for the other half of the fixtures")
    serve(shared_data())
    for name, lm in (("tiny", tiny), ("stories260K", stories)):
        cases = [run(lm, *what, False, manager) for what in shared_runs()]
        write(out / f"shared-{name}.json", cases)
        write_json(out / f"groups-{name}.json", groups(cases))
    finish(out)


GROUPS: dict[str, list[str]] = {}

if __name__ == "__main__":
    main()
