"""Prints the permutations that ShuffleTest expects, from the written definition of Shuffle.

    python reference/make_shuffle_fixture.py

SplitMix64 is checked against the published first outputs for seed 1234567 (Vigna's splitmix64.c).
"""

M = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
    return z ^ (z >> 31)


def values(state: int):
    while True:
        state = (state + GAMMA) & M
        yield mix(state)


def permutation(size: int, seed: int, stream: int) -> list[int]:
    draws = values(mix((mix(seed & M) + stream) & M))
    order = list(range(size))
    for i in range(size - 1, 0, -1):
        bound = i + 1
        product = (next(draws) >> 32) * bound
        while product % (1 << 32) < (1 << 32) % bound:
            product = (next(draws) >> 32) * bound
        j = product >> 32
        order[i], order[j] = order[j], order[i]
    return order


if __name__ == "__main__":
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    stream = values(1234567)
    assert [next(stream) for _ in published] == published
    for size, seed, number in [(10, 42, 0), (10, 0, 7), (10, -3, -1)]:
        print(size, seed, number, permutation(size, seed, number))
