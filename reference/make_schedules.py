"""Learning rates of every step, from transformers' schedulers.

Proves: our schedules give the rates of get_scheduler for runs of several lengths, warm-ups shorter
than, as long as and longer than the run, and some steps past the end. Layout and keys:
reference/README.md.

Run: python reference/make_schedules.py
"""

import torch
from transformers import get_scheduler

from common import finish, start, write_json

# (warm-up, steps of the run, peak)
RUNS = ((0, 50, 1e-3), (10, 50, 2e-4), (1, 50, 1.0), (7, 30, 2e-3), (5, 33, 3e-4), (3, 7, 0.1),
        (0, 1, 1e-3), (12, 97, 5e-5))
# Warm-ups that leave nothing of the run: no scheduler is asked past its end there.
SHORT = ((50, 50, 3e-4), (60, 50, 3e-4))

SHAPES = [
    ("constant_with_warmup", {}),
    ("linear", {}),
    ("cosine", {}),
    ("cosine_with_min_lr", {"min_lr_rate": 0.1}),
    ("cosine_with_restarts", {"num_cycles": 1}),
    ("cosine_with_restarts", {"num_cycles": 3}),
    ("polynomial", {"power": 1.0, "lr_end_ratio": 0.0}),
    ("polynomial", {"power": 2.5, "lr_end_ratio": 0.05}),
    ("polynomial", {"power": 0.5, "lr_end_ratio": 0.25}),
    ("warmup_stable_decay", {"num_decay_steps": 5, "min_lr_ratio": 0.0}),
    ("warmup_stable_decay", {"num_decay_steps": 3, "min_lr_ratio": 0.2}),
]


def rates(name: str, numbers: dict, warmup: int, steps: int, peak: float, asked: int) -> list:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    specific = dict(numbers)
    if "lr_end_ratio" in specific:
        specific["lr_end"] = specific.pop("lr_end_ratio") * peak
    schedule = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=steps,
                             scheduler_specific_kwargs=specific)
    found = [float(schedule.get_last_lr()[0])]
    while len(found) < asked:
        optimizer.step()
        schedule.step()
        found.append(float(schedule.get_last_lr()[0]))
    return found


def main() -> None:
    out = start("schedules")
    cases = []
    for name, numbers in SHAPES:
        for run in RUNS + SHORT:
            warmup, steps, peak = run
            asked = steps if run in SHORT else steps + 4
            cases.append({"schedule": name, "numbers": numbers, "warmup_steps": warmup,
                          "total_steps": steps, "learning_rate": peak,
                          "rates": rates(name, numbers, warmup, steps, peak, asked)})
    write_json(out / "schedules.json", cases)
    finish(out)


if __name__ == "__main__":
    main()
