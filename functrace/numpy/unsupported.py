"""What NumPy has and functrace does not: why, and what to write instead.

The errors that users meet and the page `docs/coverage.md` both take their words from here.
"""

from __future__ import annotations

from ..dispatch import REASONS

_OUTSIDE = "call it outside of the traced function"
_ROWS: list[tuple[str, str, str]] = [  # names, why, what to do
    (
        "save savez savez_compressed savetxt load loadtxt genfromtxt fromregex fromfile",
        "it reads or writes files",
        _OUTSIDE,
    ),
    (
        "frombuffer fromstring",
        "it makes a plain array of bytes or text",
        "call it outside of the traced function, and pass the array as an argument",
    ),
    (
        "fromiter",
        "it makes a plain array, which can hold plain numbers only",
        "use functrace.numpy.array([...]), or call functrace.numpy.install() before",
    ),
    (
        "base_repr binary_repr format_float_positional format_float_scientific "
        "busday_count busday_offset is_busday datetime_as_string datetime_data isnat",
        "it is for text or dates",
        _OUTSIDE,
    ),
    (
        "may_share_memory shares_memory isfortran nested_iters",
        "it asks how arrays lie in memory, where a traced array has no place yet",
        "leave the question away: results never share memory with arguments",
    ),
    (
        "asmatrix bmat",
        "a matrix computes by rules of its own",
        "use arrays of two axes and the operator @",
    ),
    (
        "asarray_chkfinite",
        "it converts to a plain array, whose values it looks at",
        "check with np.isfinite(x).all() where values are known, or on the results; or call "
        "functrace.numpy.install() before",
    ),
    (
        "min_scalar_type",
        "the answer depends on values",
        "use x.dtype",
    ),
    (
        "frompyfunc",
        "it makes a function of Python objects",
        "use functrace.numpy.vectorize, or functrace.vmap",
    ),
    (
        "object_ str_ bytes_ void datetime64 timedelta64 character flexible",
        "arrays of it hold no numbers",
        "use numbers, or keep such arrays outside of the traced function",
    ),
    (
        "broadcast flatiter nditer ndenumerate",
        "it walks through memory",
        "compute with whole arrays, iterate over x.flat, or index by np.ndindex(x.shape)",
    ),
    (
        "matrix memmap recarray record chararray poly1d busdaycalendar",
        "it is a class with rules of its own",
        "use plain arrays and functions of them, such as np.polyval",
    ),
    ("test linalg.test fft.test", "it runs NumPy's own tests", "run them outside"),
    (
        "emath.arccos emath.arcsin emath.arctanh emath.log emath.log10 emath.log2 emath.logn "
        "emath.power emath.sqrt",
        "whether the result is complex depends on values",
        "make the operand complex, x.astype(complex), and use the function of numpy",
    ),
]

_LAYOUT = (
    "how it will lie in memory is not decided yet",
    "use .shape, .dtype and .nbytes, or look at x.copy(), which lies in C order",
)
_BYTES = (
    "it reads or changes the bytes of the elements",
    "use .astype to convert values, and .real and .imag for the parts of complex numbers",
)
_LEAVES = (
    "it takes values out of the traced function",
    "return the array from the function, and use the result",
)
_ATTRIBUTES: list[tuple[str, tuple[str, str]]] = [
    ("base ctypes data setflags strides", _LAYOUT),
    ("byteswap getfield setfield view", _BYTES),
    ("dump dumps tobytes tofile", _LEAVES),
    ("itemset", ("NumPy has it no more", "use x[i] = v")),
    ("newbyteorder tostring", ("NumPy has it no more", "use x.view and x.tobytes outside")),
    ("resize", ("a traced array keeps its shape", "use np.resize(x, shape), or np.pad")),
]

_COMPARISONS = "equal not_equal less less_equal greater greater_equal"
_METHODS: list[tuple[str, str, str, str]] = [  # ufuncs, methods, why, what to do
    (
        _COMPARISONS,
        "reduce accumulate reduceat",
        "comparisons have no loop that goes on from a truth value",
        "compare neighbours, np.all(x[:-1] < x[1:])",
    ),
    (
        "ldexp",
        "reduce accumulate reduceat",
        "the operands of ldexp are of different types",
        "multiply by powers of two, x * 2.0**np.sum(n)",
    ),
]

# Modules of NumPy other than linalg and fft: why
MODULES = {
    "char": "text",
    "core": "NumPy's inside",
    "ctypeslib": "memory of C programs",
    "dtypes": "classes of dtypes, which need no support",
    "emath": "name by name above",
    "exceptions": "classes of errors, which need no support",
    "f2py": "a compiler of Fortran",
    "lib": "NumPy's inside; `stride_tricks.sliding_window_view` is supported",
    "ma": "masked arrays compute by rules of their own; use np.where and the nan functions",
    "matlib": "matrices compute by rules of their own",
    "polynomial": "it converts coefficients to plain arrays; use functrace.numpy.polynomial",
    "random": "it draws plain arrays, for arguments; functrace.random draws in traced functions",
    "rec": "records hold no numbers to trace",
    "strings": "text",
    "testing": "it compares plain arrays, outside of traced functions",
    "typing": "types, which need no support",
}

REASONS.update({f"np.{name}": (why, do) for names, why, do in _ROWS for name in names.split()})
REASONS.update({f"ndarray.{name}": row for names, row in _ATTRIBUTES for name in names.split()})
REASONS.update(
    {
        f"np.{ufunc}.{method}": (why, do)
        for ufuncs, methods, why, do in _METHODS
        for ufunc in ufuncs.split()
        for method in methods.split()
    }
)
REASONS |= {
    "ufunc.at": (
        "only those of add, subtract, multiply, maximum and minimum are",
        "compute with elements that occur once each: x[i] = f(x[i], v)",
    ),
    "ufunc.outer": ("only those of NumPy's ufuncs are", "let axes broadcast: f(x[:, None], y)"),
    **dict.fromkeys(
        ("ufunc.reduce", "ufunc.accumulate", "ufunc.reduceat"),
        ("only those of NumPy's ufuncs are", "write a loop, or use functrace.associative_scan"),
    ),
}
