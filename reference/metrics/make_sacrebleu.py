"""BLEU and chrF by sacreBLEU."""

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from fixture import TEXTS, Dice, altered, pairs, write


def main():
    dice = Dice(9)
    metrics = {
        "bleu": (BLEU(), BLEU(effective_order=True)),
        "bleu_lower": (BLEU(lowercase=True), BLEU(lowercase=True, effective_order=True)),
        "chrf": (CHRF(), CHRF()),
        "chrf++": (CHRF(word_order=2), CHRF(word_order=2)),
    }
    cases = []
    items = []
    for answer, expected in pairs(3, 110):
        references = [expected]
        if dice.below(3) == 0:
            references.append(altered(expected, dice))
        items.append((answer, references))
        cases.append({"answer": answer, "references": references,
                      "tokens": Tokenizer13a()(answer.rstrip()).split(),
                      **{name: sentence.sentence_score(answer, references).score
                         for name, (_, sentence) in metrics.items()}})
    for answer, references in (
            ("a b c d", ["a b c d e", "a b c"]), ("a b c d", ["a b c", "a b c d e"]),
            ("a b c d", ["a b c d e f", "a b c d e"]), ("a b c d", ["x", "a b"])):
        cases.append({"answer": answer, "references": references, "tokens": answer.split(),
                      **{name: sentence.sentence_score(answer, references).score
                         for name, (_, sentence) in metrics.items()}})
    one = [(answer, references) for answer, references in items if len(references) == 1]
    two = [(answer, references) for answer, references in items if len(references) == 2]
    for part in (one, two, one[60:80], one[-3:], one[:4]):
        columns = [list(column) for column in zip(*[references for _, references in part])]
        cases.append({"items": [{"answer": a, "references": r} for a, r in part],
                      **{name: corpus.corpus_score([a for a, _ in part], columns).score
                         for name, (corpus, _) in metrics.items()}})
    write("sacrebleu", ["sacrebleu"], cases)


if __name__ == "__main__":
    main()
