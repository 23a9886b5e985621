"""Distributions, standard errors, intervals, tests, kappa by SciPy, statsmodels, scikit-learn and
lm-evaluation-harness. The bootstrap draws with the generator that Bootstrap documents, written a
second time here; everything after the draws is NumPy's."""

import math

import numpy as np
import scipy.stats
import sklearn.metrics
import statsmodels.api
import statsmodels.stats.contingency_tables
import statsmodels.stats.multitest
import statsmodels.stats.power
import statsmodels.stats.proportion
from lm_eval.api.metrics import aggregate_subtask_metrics, pooled_sample_stderr

from fixture import Dice, write

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
STREAM = 0xD1B54A32D192ED03


def mix(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def draws(seed, resample, items):
    state = (mix((seed + GAMMA) & MASK) + (resample + 1) * STREAM) & MASK
    drawn = []
    for _ in range(items):
        state = (state + GAMMA) & MASK
        drawn.append(((mix(state) >> 32) * items) >> 32)
    return drawn


def distributions():
    yield from ({"kind": "normal_cdf", "z": z, "value": scipy.stats.norm.cdf(z)}
                for z in (-37.0, -8.0, -3.6, -3.5, -2.0, -1e-3, 0.0, 0.7, 1.959963984540054, 3.0, 9.0))
    yield from ({"kind": "normal_quantile", "p": p, "value": scipy.stats.norm.ppf(p)}
                for p in (1e-12, 0.001, 0.025, 0.2, 0.5, 0.8, 0.975, 0.9999))
    for degrees in (1.0, 2.0, 4.0, 29.0, 99.5, 1000.0, 100000.0):
        for t in (0.0, 1e-6, 0.3, 1.0, 2.5, 12.0):
            yield {"kind": "student_two_sided", "t": t, "degrees": degrees,
                   "value": 2 * scipy.stats.t.sf(t, degrees)}
        for level in (0.5, 0.95, 0.999):
            yield {"kind": "student_reach", "level": level, "degrees": degrees,
                   "value": scipy.stats.t.ppf(0.5 + level / 2, degrees)}
    for x in (1e-3, 0.5, 1.0, 3.3, 14.99, 15.0, 171.0, 1e5):
        yield {"kind": "log_gamma", "x": x, "value": math.lgamma(x)}


def estimates():
    dice = Dice(17)
    for n in (2, 3, 30, 400):
        values = [round(dice.unit() * 3 - 1, 6) for _ in range(n)]
        error = scipy.stats.sem(values)
        low, high = scipy.stats.t.interval(0.95, n - 1, np.mean(values), error)
        yield {"kind": "mean", "values": values, "value": np.mean(values), "error": error,
               "low": low, "high": high}
    for successes, n in ((0, 1), (0, 20), (1, 2), (7, 7), (52, 60), (1, 1000), (999, 1000)):
        low, high = statsmodels.stats.proportion.proportion_confint(successes, n, 0.05, "wilson")
        values = [1.0] * successes + [0.0] * (n - successes)
        yield {"kind": "proportion", "successes": successes, "trials": n, "low": low, "high": high,
               "error": scipy.stats.sem(values) if n > 1 else -1.0}
    for n, groups in ((40, 7), (12, 12), (200, 3)):
        names = [f"g{i if groups == n else dice.below(groups)}" for i in range(n)]
        shift = {name: dice.unit() for name in names}
        values = [round(shift[name] + 0.3 * dice.unit(), 6) for name in names]
        codes = {name: i for i, name in enumerate(dict.fromkeys(names))}
        fit = statsmodels.api.OLS(values, np.ones(n)).fit(
            cov_type="cluster", cov_kwds={"groups": np.array([codes[x] for x in names])}, use_t=True)
        low, high = fit.conf_int()[0]
        yield {"kind": "clustered", "values": values, "groups": names, "value": np.mean(values),
               "error": fit.bse[0], "low": low, "high": high}
    for sizes in ((30, 50), (10, 200, 35), (2, 2)):
        scores = [round(dice.unit(), 6) for _ in sizes]
        errors = [round(0.01 + 0.1 * dice.unit(), 6) for _ in sizes]
        yield {"kind": "group", "sizes": list(sizes), "scores": scores, "errors": errors,
               "value": aggregate_subtask_metrics(scores, list(sizes)),
               "error": pooled_sample_stderr(errors, list(sizes)),
               "equal_value": aggregate_subtask_metrics(scores, list(sizes), weight_by_size=False),
               "equal_error": math.sqrt(sum(e * e for e in errors)) / len(errors)}


def bootstraps():
    dice = Dice(23)
    for seed, n, resamples in ((1, 5, 200), (-7, 40, 500), (2**62, 300, 150)):
        top = [float(dice.below(9)) for _ in range(n)]
        bottom = [float(1 + dice.below(9)) for _ in range(n)]
        replicates = []
        for r in range(resamples):
            drawn = draws(seed & MASK, r, n)
            replicates.append(sum(top[i] for i in drawn) / sum(bottom[i] for i in drawn))
        low, high = np.percentile(replicates, [2.5, 97.5])
        yield {"kind": "bootstrap", "seed": seed, "resamples": resamples, "top": top,
               "bottom": bottom, "first_draws": draws(seed & MASK, 0, n)[:10],
               "error": np.std(replicates, ddof=1), "low": low, "high": high}


def comparisons():
    dice = Dice(31)
    for lost, won in ((0, 0), (1, 0), (0, 6), (5, 5), (3, 12), (40, 61), (400, 520), (7, 3000)):
        table = [[10, lost], [won, 20]]
        test = statsmodels.stats.contingency_tables.mcnemar(table, exact=True)
        n = lost + won + 30
        d, total = (won - lost) / (n + 2), n + 2
        error = math.sqrt(lost + won + 1 - (won - lost) ** 2 / total) / total
        reach = scipy.stats.norm.ppf(0.975)
        psi, delta = (lost + won) / n, (won - lost) / n
        needed = (0 if won == lost else math.ceil(
            (reach * math.sqrt(psi) + scipy.stats.norm.ppf(0.8)
             * math.sqrt(psi - delta * delta)) ** 2 / delta ** 2))
        yield {"kind": "mcnemar", "lost": lost, "won": won, "both_right": 10, "both_wrong": 20,
               "p": test.pvalue, "low": max(-1, d - reach * error),
               "high": min(1, d + reach * error), "needed": needed}
    for n in (3, 25, 300):
        first = [round(dice.unit(), 6) for _ in range(n)]
        second = [round(x + 0.1 * dice.unit() - 0.04, 6) for x in first]
        test = scipy.stats.ttest_rel(second, first)
        low, high = test.confidence_interval(0.95)
        effect = np.mean(np.subtract(second, first)) / np.std(np.subtract(second, first), ddof=1)
        needed = statsmodels.stats.power.zt_ind_solve_power(
            effect_size=abs(effect), alpha=0.05, power=0.8, ratio=0)
        yield {"kind": "paired_t", "first": first, "second": second, "p": test.pvalue,
               "low": low, "high": high, "needed": needed}
    for _ in range(6):
        p = [round(dice.unit() ** 3, 6) for _ in range(1 + dice.below(7))]
        yield {"kind": "holm", "p": p,
               "adjusted": list(statsmodels.stats.multitest.multipletests(p, method="holm")[1])}
    for n in (5, 60, 400):
        first = [1 + dice.below(5) for _ in range(n)]
        second = [min(5, max(1, x + dice.pick([0, 0, 0, 1, -1, 2]))) for x in first]
        yield {"kind": "kappa", "first": first, "second": second,
               "nominal": sklearn.metrics.cohen_kappa_score(first, second, labels=[1, 2, 3, 4, 5]),
               "quadratic": sklearn.metrics.cohen_kappa_score(
                   first, second, labels=[1, 2, 3, 4, 5], weights="quadratic")}


def main():
    cases = [*distributions(), *estimates(), *bootstraps(), *comparisons()]
    write("statistics", ["scipy", "statsmodels", "scikit-learn", "numpy", "lm_eval"], cases)


if __name__ == "__main__":
    main()
