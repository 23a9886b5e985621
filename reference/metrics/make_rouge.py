"""ROUGE by torchmetrics, which computes what the package rouge_score does (and splits at line ends
here, as that package does; torchmetrics itself asks NLTK for sentences), and NLTK's stemmer."""

import nltk.stem.porter
from torchmetrics.functional.text import rouge

from fixture import Dice, TEXTS, pairs, sentences, write

KEYS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def lines(text):
    return [line for line in text.split("\n") if line]


def score(answer, references, stemmer):
    rouge._split_sentence = lines
    found = rouge.rouge_score(
        [answer], [references], accumulate="best", use_stemmer=stemmer, rouge_keys=KEYS)
    return {key: float(found[f"{key}_fmeasure"]) for key in KEYS}


def main():
    import torch
    torch.set_default_dtype(torch.float64)
    dice = Dice(5)
    cases = []
    for answer, expected in pairs(2, 110):
        references = [expected]
        for stemmer in (False, True):
            cases.append({"answer": answer, "references": references, "stemmer": stemmer,
                          **score(answer, references, stemmer)})
    for _ in range(60):
        # Few different words in several lines: which of equal subsequences is taken matters here.
        answer, expected = ("\n".join(" ".join(dice.pick("abc") for _ in range(1 + dice.below(7)))
                                     for _ in range(1 + dice.below(3))) for _ in range(2))
        cases.append({"answer": answer, "references": [expected], "stemmer": False,
                      **score(answer, [expected], False)})
    letters = "aeiouybcdlnrstz"
    endings = ("s ies sses ed ied eed ing ational tional enci anci izer bli alli entli eli ousli "
               "ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate "
               "ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion "
               "sion tion ou ism ate iti ous ive ize e ll y ly").split()
    words = {"skies", "dying", "news", "innings", "howe", "proceed", "exceed", "geology", "by", "say",
             "happy", "enjoy", "cries", "dies", "died", "spied", "feed", "agreed", "hopping", "hoping",
             "falling", "hissing", "fizzed", "failing", "filing", "conflated", "troubled", "sized",
             "controll", "roll", "probate", "rate", "cease", "yyyy", "yes", "syzygy", "x", "as", "oed",
             "aing", "archaeologically", "vietnamization", "ownership"}
    while len(words) < 1500:
        stem = "".join(dice.pick(letters) for _ in range(1 + dice.below(6)))
        words.add(stem + dice.pick(endings))
    stemmer = nltk.stem.porter.PorterStemmer()
    words = sorted(words)
    cases.append({"words": words, "stems": [stemmer.stem(word) for word in words]})
    write("rouge", ["torchmetrics", "nltk", "torch"], cases)


if __name__ == "__main__":
    main()
