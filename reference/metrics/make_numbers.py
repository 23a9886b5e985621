"""Numbers as people write them, with Python's fractions; the rules are Quantity's own, so every
expected value is written by hand here and only the comparison is computed."""

from fractions import Fraction

from fixture import Dice, write

# text, its numbers as fractions (a percent sign as a pair), in their order
NUMBERS = [
    ("42", ["42"]), ("The answer is 42.", ["42"]), ("-3.5 and +2", ["-7/2", "2"]),
    ("\u22125", ["-5"]), ("1,234,567.89", ["123456789/100"]), ("$1,200", ["1200"]),
    ("-$5.50", ["-11/2"]), ("$-5.50", ["-11/2"]), ("\u20ac 3", ["3"]), ("12 \u20ac", ["12"]),
    ("USD 7", ["7"]), ("1'000", ["1000"]), ("1\u202f000\u202f000", ["1000000"]),
    ("45%", [["45"]]), ("45 percent", [["45"]]), ("12.5 %", [["25/2"]]),
    ("3/4", ["3/4"]), ("1 3/4 cups", ["7/4"]), ("\u00be", ["3/4"]), ("1\u00bd", ["3/2"]),
    ("-1/2", ["-1/2"]), ("1e-3", ["1/1000"]), ("2.5E6", ["2500000"]), ("6e3 and 7", ["6000", "7"]),
    (".5", ["1/2"]), ("0.50", ["1/2"]), ("v2", []), ("none", []), ("", []), ("1/0", []),
    ("10km", ["10"]), ("5-3", ["5", "3"]), ("1, 2, 3", ["1", "2", "3"]),
    ("12,34", ["12", "34"][:1]), ("1999-12-31", ["1999", "12", "31"]),
    ("(7)", ["7"]), ("x = 7;", ["7"]), ("1.", ["1"]), ("\u0667", []), ("007", ["7"]),
    ("100000000000000000000000000000001", ["100000000000000000000000000000001"]),
]
COMMA = [("1.234,56", ["123456/100"]), ("0,5", ["1/2"]), ("1.000.000", ["1000000"]),
         ("3,14 und 2", ["157/50", "2"]), ("-1.500 \u20ac", ["-1500"])]


def near(one, other, absolute, relative):
    return abs(one - other) <= max(absolute, relative * abs(other))


def main():
    cases = []
    for decimal, rows in (("point", NUMBERS), ("comma", COMMA)):
        for text, numbers in rows:
            cases.append({"decimal": decimal, "text": text, "numbers": [
                {"value": str(Fraction(n[0] if isinstance(n, list) else n)),
                 "percent": isinstance(n, list)} for n in numbers]})
    dice = Dice(3)
    tolerances = ["0", "0.5", "0.01", "1e-9", "0.3333333333333333"]
    for _ in range(150):
        expected = Fraction(dice.below(4001) - 2000, dice.pick([1, 3, 7, 10, 100]))
        absolute, relative = dice.pick(tolerances), dice.pick(tolerances)
        step = max(Fraction(absolute), Fraction(relative) * abs(expected))
        answer = expected + dice.pick([-1, 1]) * dice.pick(
            [Fraction(0), step, step * Fraction(1001, 1000), step * Fraction(999, 1000),
             Fraction(1, 10**12)])
        cases.append({"answer": f"{answer.numerator}/{answer.denominator}",
                      "expected": f"{expected.numerator}/{expected.denominator}",
                      "absolute": absolute, "relative": relative,
                      "right": near(answer, expected, Fraction(absolute), Fraction(relative))})
    write("numbers", [], cases)


if __name__ == "__main__":
    main()
