"""How a contraction prints: as the product one would write, which means what the einsum means."""

from itertools import permutations

import numpy as np
import pytest

from functrace.ops.contract import EINSUM

SIZES = {"i": 2, "j": 3, "k": 4, "l": 5}
TERMS = ["".join(letters) for rank in range(4) for letters in permutations("ijkl", rank)]


@pytest.mark.parametrize("first", TERMS)
def test_a_printed_product_has_the_value_of_its_einsum(first):
    rng = np.random.default_rng(0)
    for second in TERMS:
        A, B = (rng.normal(size=[SIZES[c] for c in term]) for term in (first, second))
        letters = sorted({*first, *second})
        for output in (p for rank in range(4) for p in permutations(letters, rank)):
            spec = f"{first},{second}->{''.join(output)}"
            text = EINSUM.text("A", "B", spec=spec)
            if not text.startswith("einsum"):
                value = eval(text, {"A": A, "B": B, "outer": np.outer})
                np.testing.assert_allclose(value, np.einsum(spec, A, B), err_msg=f"{spec}: {text}")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("ij,j->i", "A @ B"),
        ("bj,ij->bi", "A @ B.T"),
        ("j,ij->i", "B @ A"),
        ("i,i->", "A @ B"),
        ("bij,bjk->bik", "A @ B"),
        (",i->i", "A * B"),
        ("ij,ij->ij", "A * B"),
        ("i,j->ij", "outer(A, B)"),
        ("i,j->", 'einsum("i,j->", A, B)'),
        ("ij,ij->", 'einsum("ij,ij->", A, B)'),
    ],
)
def test_common_contractions_read_as_written(spec, text):
    assert EINSUM.text("A", "B", spec=spec) == text
