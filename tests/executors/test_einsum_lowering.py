"""Einsums lowered to BLAS products, multiplications and views: the values are np.einsum's."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import functrace as ft
from functrace.executors import reference
from functrace.executors.plan import make_plan
from functrace.executors.planned import compiled, interpreter
from functrace.ir import ArrayType, Equation, Program, Var
from functrace.ops.contract import EINSUM, canonical
from functrace.passes.pipeline import optimize

DTYPES = ["float64", "float32", "complex128", "complex64", "int64", "int8", "bool"]


def einsum_program(spec, operands):
    inputs = [Var(ArrayType(x.shape, x.dtype)) for x in operands]
    types = tuple(var.type for var in inputs)
    (result,) = EINSUM.infer_types(types, {"spec": canonical(spec)})
    output = Var(result)
    equation = Equation(EINSUM, tuple(inputs), {"spec": canonical(spec)}, (output,))
    program = Program(inputs, [equation], [output])
    program.check()
    return program


def plan_of(spec, operands):
    program = optimize(einsum_program(spec, operands))
    program.check()
    return make_plan(program)


def kernels(spec, *shapes, dtype="float64"):
    """The names of the kernels that an einsum becomes."""
    plan = plan_of(spec, [np.ones(shape, dtype) for shape in shapes])
    return [step.kernel for step in plan.steps]


def sample(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype.startswith("int"):
        return np.asarray(rng.integers(-3, 4, shape)).astype(dtype)
    real = rng.normal(size=shape)
    value = real + 1j * rng.normal(size=shape) if dtype.startswith("complex") else real
    return np.asarray(value).astype(dtype)


def check(spec, operands):
    dtype = operands[0].dtype
    expected = np.einsum(spec, *operands)
    plan = plan_of(spec, operands)
    single = dtype in (np.float32, np.complex64)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if single else {"rtol": 1e-10, "atol": 1e-10}
    results = [run(operands)[0] for run in (interpreter(plan), compiled(plan))]
    results.append(reference.run(einsum_program(spec, operands), operands)[0])
    for found in results:
        assert np.shape(found) == expected.shape
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, err_msg=spec, **tolerance)
    for found in results[:2]:
        if np.ndim(found):
            assert found.flags.writeable
            assert not any(np.shares_memory(found, x) for x in operands)


@st.composite
def einsums(draw):
    """A spec of one to three operands in which letters may be repeated, and sizes 0 to 4."""
    letters = "abcdef"[: draw(st.integers(1, 6))]
    letter = st.sampled_from(letters)
    terms = draw(st.lists(st.lists(letter, max_size=4).map("".join), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
    sizes = {c: draw(st.sampled_from([2, 3, 1, 4, 0])) for c in letters}
    spec = f"{','.join(terms)}->{''.join(output)}"
    return spec, [tuple(sizes[c] for c in term) for term in terms]


@settings(
    max_examples=600,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(einsums(), st.sampled_from(DTYPES), st.integers(0, 100))
def test_random_einsums_have_the_values_of_numpy(einsum, dtype, seed):
    spec, shapes = einsum
    check(spec, [sample(shape, dtype, seed + i) for i, shape in enumerate(shapes)])


NAMED = {
    "matrix product": "ij,jk->ik",
    "with transposed operands": "ji,kj->ik",
    "transposed result": "ij,jk->ki",
    "matrix times vector": "ij,j->i",
    "vector times matrix": "i,ij->j",
    "inner product": "i,i->",
    "outer product": "i,j->ij",
    "outer product, transposed": "i,j->ji",
    "inner product of matrices": "ij,ij->",
    "inner product with the transposed": "ij,ji->",
    "batch of matrix products": "bij,bjk->bik",
    "batch axis last": "ijb,jkb->ikb",
    "batch in the middle": "ibj,jbk->bki",
    "batch of inner products": "bi,bi->b",
    "two batch axes": "abij,abjk->abik",
    "batch of one operand": "bij,jk->bik",
    "batch of the other": "ij,bjk->bik",
    "one matrix for many": "ij,ajb->aib",
    "one transposed matrix for many": "ji,abj->aib",
    "one tensor for many": "kjl,aljbc->akbc",
    "many matrices for more": "bki,abil->abkl",
    "many matrices for more, the batch first": "bki,bail->bakl",
    "two summed axes": "ijk,jkl->il",
    "two summed axes in another order": "ijk,kjl->il",
    "tensor": "ijkl,klm->ijm",
    "elementwise": "ij,ij->ij",
    "elementwise, transposed": "ij,ji->ij",
    "scaled rows": "ij,i->ij",
    "scaled columns": "ij,j->ij",
    "scalar": "ij,->ij",
    "scalars": ",->",
    "sum": "ij->",
    "sum of rows": "ij->i",
    "transpose": "ijk->kij",
    "trace": "ii->",
    "diagonal": "ii->i",
    "triple diagonal": "iii->i",
    "triple diagonal among others": "ijii->ji",
    "two diagonals": "iijj->ij",
    "diagonal times vector": "ii,i->i",
    "diagonal in both": "ii,ii->",
    "diagonal in the batch": "bbi,bi->b",
    "free summed index": "ij,k->i",
    "free summed index in both": "ij,kl->",
    "index only in the output of one": "ij,jk->ijk",
    "three": "ij,jk,kl->il",
    "bilinear form": "i,ij,j->",
    "three elementwise": "i,i,i->i",
    "Khatri-Rao": "ir,jr,r->ij",
    "Tucker": "abc,ia,jb->ijc",
}
SIZES = dict(zip("abcijklmr", (2, 3, 4, 3, 4, 2, 5, 3, 2), strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMED)
def test_named_products_have_the_values_of_numpy(name, dtype):
    spec = NAMED[name]
    terms = spec.split("->")[0].split(",")
    shapes = [tuple(SIZES[c] for c in term) for term in terms]
    check(spec, [sample(shape, dtype, i) for i, shape in enumerate(shapes)])
    check(spec, [sample((1,) * len(shape), dtype, i) for i, shape in enumerate(shapes)])
    check(spec, [sample((0,) * len(shape), dtype, i) for i, shape in enumerate(shapes)])


def strided(x):
    """The same array as every other element of a larger one."""
    wide = np.repeat(x[..., None], 2, axis=-1)
    for axis in range(x.ndim):
        wide = np.repeat(wide, 2, axis=axis)
    return wide[(slice(None, None, 2),) * x.ndim + (0,)]


@pytest.mark.parametrize("layout", [np.asfortranarray, strided, lambda x: np.flip(np.flip(x))])
def test_the_layout_of_operands_does_not_matter(layout):
    for spec in NAMED.values():
        terms = [term for term in spec.split("->")[0].split(",") if term]
        if len(terms) == spec.count(",") + 1:  # no scalar, which has no layout
            shapes = [tuple(SIZES[c] for c in term) for term in terms]
            check(spec, [layout(sample(shape, "float64", i)) for i, shape in enumerate(shapes)])


def test_outer_products_keep_the_signs_of_zeros_and_warn_of_overflow():
    x = np.where(np.arange(120) % 3, -1.0, 0.0)
    found = ft.jit(np.outer)(x, x)
    assert found.tobytes() == np.outer(x, x).tobytes()
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        ft.jit(np.outer)(np.full(200, 1e200), np.full(200, 1e200))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spec", ["bi,bj->bij", "ib,bj->jbi", "i,j->ji", "i,jbk->bjik"])
def test_large_outer_products_have_the_values_of_numpy(spec, dtype):
    sizes = dict(zip("bijk", (9, 40, 30, 2), strict=True))
    shapes = [tuple(sizes[c] for c in term) for term in spec.split("->")[0].split(",")]
    check(spec, [sample(shape, dtype, i) for i, shape in enumerate(shapes)])


# Which kernels run


@pytest.mark.parametrize(
    ("spec", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)]),
        ("ij,kj->ik", [(3, 4), (5, 4)]),
        ("ji,jk->ik", [(4, 3), (4, 5)]),
        ("ij,jk->ki", [(3, 4), (4, 5)]),
        ("ij,j->i", [(3, 4), (4,)]),
        ("ji,j->i", [(4, 3), (4,)]),
        ("j,jk->k", [(4,), (4, 5)]),
        ("i,i->", [(4,), (4,)]),
        ("ij,ij->", [(3, 4), (3, 4)]),
        ("ij,ji->", [(3, 4), (4, 3)]),
        ("ijk,jkl->il", [(2, 3, 4), (3, 4, 5)]),
        ("bij,jk->bik", [(2, 3, 4), (4, 5)]),
        ("abij,jk->abik", [(2, 2, 3, 4), (4, 5)]),
    ],
)
def test_products_without_a_batch_are_one_dot(spec, shapes):
    for dtype in ("float64", "float32", "complex128"):
        called = kernels(spec, *shapes, dtype=dtype)
        assert called.count("dot") == 1
        assert set(called) <= {"dot", "transpose", "reshape", "scalar", "copy"}


@pytest.mark.parametrize(
    ("spec", "shapes", "kernel"),
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], "matmul"),
        ("bij,bkj->bik", [(2, 3, 4), (2, 5, 4)], "matmul"),
        ("ijb,jkb->ikb", [(3, 4, 2), (4, 5, 2)], "matmul"),
        ("bij,bj->bi", [(2, 3, 4), (2, 4)], "matmul"),
        ("abij,abjk->abik", [(2, 2, 3, 4), (2, 2, 4, 5)], "matmul"),
        ("bi,bi->b", [(2, 3), (2, 3)], "vecdot"),
        ("oc,ncp->nop", [(2, 3), (5, 3, 4)], "matmul"),
        ("goc,ngcp->ngop", [(2, 3, 4), (5, 2, 4, 6)], "matmul"),
    ],
)
def test_batched_products_are_one_matmul(spec, shapes, kernel):
    called = kernels(spec, *shapes)
    assert called.count(kernel) == 1
    assert set(called) <= {kernel, "transpose", "reshape", "copy"}


@pytest.mark.parametrize(
    ("spec", "shapes"),
    [
        ("i,j->ij", [(3,), (4,)]),
        ("ij,ij->ij", [(3, 4), (3, 4)]),
        ("ij,j->ij", [(3, 4), (4,)]),
        ("ij,i->ij", [(3, 4), (3,)]),
        ("ij,->ij", [(3, 4), ()]),
    ],
)
def test_products_that_sum_nothing_are_one_multiplication(spec, shapes):
    called = kernels(spec, *shapes)
    assert called.count("ufunc") == 1
    assert set(called) <= {"ufunc", "transpose", "reshape", "copy"}


def test_one_matrix_times_many_moves_none_of_them():
    assert kernels("oc,ncp->nop", (2, 3), (5, 3, 4)) == ["matmul"]
    assert kernels("co,ncp->nop", (3, 2), (5, 3, 4)) == ["transpose", "matmul"]
    for shapes in (((2, 3), (5, 3, 2)), ((200, 3), (5, 3, 500))):  # then one product is faster
        assert kernels("oc,ncp->nop", *shapes) == ["transpose", "reshape", "dot", "reshape",
                                                   "transpose"]  # fmt: skip


def test_what_is_last_in_memory_stays_last_where_elements_move():
    plan = plan_of("nop,nkp->ok", [np.ones((5, 2, 4)), np.ones((5, 3, 4))])
    moves = [step.params[0] for step in plan.steps if step.kernel == "transpose"]
    assert moves == [(1, 0, 2), (1, 0, 2), (1, 0)]  # and the exchange of two axes moves nothing


def test_axes_in_their_order_are_neither_moved_nor_copied():
    assert kernels("ij,jk->ik", (3, 4), (4, 5)) == ["dot"]
    assert kernels("ij,j->i", (3, 4), (4,)) == ["dot"]
    assert kernels("bij,bjk->bik", (2, 3, 4), (2, 4, 5)) == ["matmul"]
    assert kernels("ij,ij->ij", (3, 4), (3, 4)) == ["ufunc"]
    assert kernels("ij,kj->ik", (3, 4), (5, 4)) == ["transpose", "dot"]
    assert kernels("ij->ij", (3, 4)) == ["copy"]


def test_single_operands_are_summed_and_viewed():
    assert kernels("ij->i", (3, 4)) == ["dot"]  # short rows and all columns, by products with ones
    assert kernels("ij->j", (200, 4)) == ["dot"]
    assert kernels("ij->j", (999, 4)) == ["columns"]  # in blocks
    assert kernels("ijk->jk", (9, 4, 5)) == ["reshape", "dot", "reshape"]
    assert kernels("ij->i", (3, 999)) == kernels("ijk->ik", (3, 4, 5)) == ["reduce"]
    assert kernels("ij->", (3, 4)) == ["reduce", "scalar"]
    assert kernels("ij->ji", (3, 4)) == ["transpose", "copy"]
    assert kernels("ii->i", (3, 3)) == ["diagonal", "copy"]
    assert kernels("ii->", (3, 3)) == ["diagonal", "reduce", "scalar"]


def test_indices_of_one_operand_are_summed_after_the_product():
    assert kernels("ij,j->", (3, 4), (4,)) == ["dot", "reduce", "scalar"]
    assert kernels("ij,k->i", (3, 4), (5,)) == ["reshape", "ufunc", "reshape", "dot"]
    assert kernels("ij,kl->", (30, 40), (50, 60)) == ["nested", "scalar"]
    assert kernels("ij,k->i", (3, 4), (5,), dtype="int64")[:2] == ["reduce", "reduce"]  # exact


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_are_summed_as_well_as_numpy_sums_them(dtype):
    x = np.random.default_rng(0).uniform(0.5, 1.5, size=(100_000, 6)).astype(dtype)
    exact = np.sum(x.astype(np.longdouble), axis=0)
    found, plain = ft.jit(lambda x: np.sum(x + 0, axis=0))(x), np.sum(x, axis=0)
    assert found.dtype == dtype
    assert np.max(np.abs(found - exact)) <= 2 * np.max(np.abs(plain - exact))
    for bad in (np.inf, -np.inf, np.nan):
        x[7, 2] = bad
        np.testing.assert_array_equal(
            np.isfinite(ft.jit(lambda x: np.sum(x + 0, axis=0))(x)), [1, 1, 0, 1, 1, 1]
        )


def test_no_einsum_falls_back_to_numpys_loop():
    for spec in NAMED.values():
        shapes = [tuple(SIZES[c] for c in term) for term in spec.split("->")[0].split(",")]
        assert "call" not in kernels(spec, *shapes)


def test_three_operands_are_contracted_in_the_cheap_order():
    plan = plan_of("ij,jk,k->i", [np.ones((50, 60)), np.ones((60, 70)), np.ones(70)])
    assert [step.kernel for step in plan.steps].count("dot") == 2
    program = optimize(
        einsum_program("ij,jk,k->i", [np.ones((50, 60)), np.ones((60, 70)), np.ones(70)])
    )
    assert max(var.type.ndim for e in program.equations for var in e.outputs) == 1


def test_many_operands_and_many_indices():
    rng = np.random.default_rng(0)
    letters = "abcdefghijklmno"
    chain = [letters[i : i + 2] for i in range(len(letters) - 1)]
    operands = [rng.normal(size=(2, 2)) for _ in chain]
    expected = np.linalg.multi_dot(operands)
    plan = plan_of(f"{','.join(chain)}->ao", operands)
    np.testing.assert_allclose(compiled(plan)(operands)[0], expected)


def test_integers_do_not_overflow_earlier_than_numpys():
    x = np.full((1, 50), 100, np.int8)
    check("ij,ij->i", [x, x])
    big = np.full((2, 2), 2**40)
    check("ij,jk->ik", [big, big])


def test_boolean_products_are_or_of_and():
    a = np.array([[True, False], [True, True]])
    b = np.array([[False, True], [False, False]])
    plan = plan_of("ij,jk->ik", [a, b])
    np.testing.assert_array_equal(compiled(plan)([a, b])[0], a @ b)


def test_infinities_and_nans_stay_where_they_are():
    x = np.array([[np.inf, 1.0], [np.nan, 2.0]])
    y = np.array([[1.0, 2.0], [3.0, 4.0]])
    with np.errstate(invalid="ignore"):
        for spec in ("ij,jk->ik", "ij,kj->ik", "ij,ij->i", "ij,ij->ij"):
            check(spec, [x, y])


def test_a_short_sum_of_products_takes_one_step():
    """With its check, for which a step of its own would take as long as the product."""
    x = np.arange(6.0).reshape(2, 3)
    for function in (lambda x: np.sum(x * x), lambda x: np.sum(np.square(x))):
        steps = make_plan(optimize(ft.trace(function)(x))).steps
        assert [step.kernel for step in steps] == ["inner", "scalar"]
        assert ft.jit(function)(x) == 55
    with np.errstate(all="ignore"):
        product = ft.jit(lambda x, y: np.sum(x * y))
        assert np.isnan(product(np.array([np.inf, 1e200]), np.array([1.0, -1e200])))
        lone = ft.jit(lambda x, y: np.sum(x * y))
        assert np.isnan(lone(np.array([[np.inf, 1e200]] * 2), np.array([1.0, -1e200])))
