"""Train a recurrent network to write like Python's manual, one character after the other.

    python examples/lstm_language_model.py

The network is a long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of
Gers et al. 2000). From its state (h, c) and a character x it makes the next state

    f, i, o, g = table[x] + W h
    c' = sigmoid(f) c + sigmoid(i) tanh(g)
    h' = sigmoid(o) tanh(c')

and from h' the probabilities of the next character. It is written for one text; `vmap` makes it one
for a minibatch. Fifty steps of training are one compiled call: a `scan` whose body draws passages,
takes the gradient of another `scan`, and changes the weights as Adam does.

The text is the language reference that Python keeps for its `help()`. Its end is held out, and the
network has to predict it in far fewer bits a character than the frequencies of single characters
and of pairs do.
"""

import argparse
import inspect
import pathlib
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _extras import examples_extra

import functrace as ft
from functrace import nn

OUTPUT = Path(__file__).parent / "output"
HELD_OUT = 20_000  # characters at the end of the text
STEPS_A_CALL = 50


def load_text(path=None):
    """A file, or else what `help()` knows; where that is left out, sources of Python's library."""
    if path is not None:
        return path.read_text(encoding="utf-8")
    try:
        from pydoc_data.topics import topics
    except ModuleNotFoundError:
        return "\n\n".join(inspect.getsource(module) for module in (argparse, inspect, pathlib))
    return "\n\n".join(topics[name] for name in sorted(topics))


def initial(key, characters, units):
    """Small random weights. A bias of 1 at the forget gate keeps memories at first."""
    table, W, read = ft.random.split(key, 3)
    scale = units**-0.5
    forget = np.repeat(np.array([1, 0, 0, 0], np.float32), units)
    return {
        "table": forget + 0.5 * ft.random.normal(table, (characters, 4 * units), np.float32),
        "W": scale * ft.random.normal(W, (4 * units, units), np.float32),
        "read": scale * ft.random.normal(read, (characters, units), np.float32),
        "bias": np.zeros(characters, np.float32),
    }


def no_memory(params):
    zeros = np.zeros(params["W"].shape[1], np.float32)
    return zeros, zeros


def cell(params, memory, row):
    """The next memory (h, c), from the row of the table that belongs to a character."""
    h, c = memory
    f, i, o, g = np.split(row + params["W"] @ h, 4)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
    return nn.sigmoid(o) * np.tanh(c), c


def logits(params, h):
    return h @ params["read"].T + params["bias"]


def bits(params, codes):
    """The mean of -log2 p over the characters of a text after its first."""

    def step(memory, row):
        memory = cell(params, memory, row)
        return memory, memory[0]

    _, hs = ft.scan(step, no_memory(params), params["table"][codes[:-1]])
    log_p = nn.log_softmax(logits(params, hs))
    return -np.mean(log_p[np.arange(len(codes) - 1), codes[1:]]) / np.log(2)


def batch_bits(params, passages):
    """The same for texts in rows."""
    return np.mean(ft.vmap(bits, in_axes=(None, 0))(params, passages))


class Adam(NamedTuple):
    """Weights with the running means of their gradients and of the squares (Kingma and Ba 2015)."""

    params: Any
    mean: Any
    square: Any
    count: Any

    @classmethod
    def start(cls, params):
        zeros = ft.tree.map(np.zeros_like, params)
        return cls(params, zeros, zeros, np.float32(0))

    def step(self, gradient, rate):
        """Go on by `rate`, corrected for means that began at zero."""
        count = self.count + 1
        mean = ft.tree.map(lambda m, g: 0.9 * m + 0.1 * g, self.mean, gradient)
        square = ft.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, self.square, gradient)
        rate = rate * np.sqrt(1 - 0.99**count) / (1 - 0.9**count)
        params = ft.tree.map(
            lambda p, m, s: p - rate * m / (np.sqrt(s) + 1e-8), self.params, mean, square
        )
        return Adam(params, mean, square, count)


@partial(ft.jit, static_argnames=("batch", "length", "steps", "rate"))
def train_some(adam, keys, codes, *, batch, length, steps, rate):
    """A step of training for each key. The rate falls to 0 over all the steps there will be."""

    def step(adam, key):
        starts = ft.random.randint(key, (batch, 1), 0, len(codes) - length)
        passages = codes[starts + np.arange(length + 1)]
        value, gradient = ft.value_and_grad(batch_bits)(adam.params, passages)
        return adam.step(gradient, rate * (1 - adam.count / steps)), value

    return ft.scan(step, adam, keys)


@partial(ft.jit, static_argnames="length")
def sample(params, key, first, *, length):
    """Characters drawn one by one, each by the probabilities after those before it."""

    def step(carry, key):
        memory, code = carry
        memory = cell(params, memory, params["table"][code])
        code = ft.random.categorical(key, logits(params, memory[0]))
        return (memory, code), code

    return ft.scan(step, (no_memory(params), first), ft.random.split(key, length))[1]


def baselines(known, unknown, characters):
    """Bits a character of a text by the frequencies, in another, of characters and of pairs."""
    single = np.bincount(known, minlength=characters) + 0.1
    pairs = np.zeros((characters, characters)) + 0.1 * single / np.sum(single)
    np.add.at(pairs, (known[:-1], known[1:]), 1)
    single, pairs = single / np.sum(single), pairs / np.sum(pairs, axis=1, keepdims=True)
    return (
        -np.mean(np.log2(single[unknown[1:]])),
        -np.mean(np.log2(pairs[unknown[:-1], unknown[1:]])),
    )


def train(params, codes, held_out, key, *, steps, **settings):
    """Returns the weights, the bits of each step, and those of the held-out text now and then."""
    adam, held_out_bits = Adam.start(params), ft.jit(bits)
    taught, tested = [], []
    keys = ft.random.split(key, steps)
    for done in range(0, steps, STEPS_A_CALL):
        some = keys[done : done + STEPS_A_CALL]
        adam, values = train_some(adam, some, codes, steps=steps, **settings)
        taught.extend(values)
        tested.append((len(taught), held_out_bits(adam.params, held_out)))
        print(f"step {len(taught):4}: {np.mean(values):.3f} bits, {tested[-1][1]:.3f} held out")
    return adam.params, np.array(taught), np.array(tested)


def draw(taught, tested, single, pairs, path):
    """Bits a character during training, and those of the frequencies."""
    with examples_extra():
        from matplotlib.figure import Figure
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(len(taught)) + 1, taught, lw=0.7, color="0.7", label="minibatch")
    axes.plot(*tested.T, "o-", ms=4, color="tab:blue", label="held-out text")
    for value, name in ((single, "frequencies of characters"), (pairs, "frequencies of pairs")):
        axes.axhline(value, ls="--", lw=1, color="tab:red")
        axes.annotate(name, (len(taught), value), (0, 3), ha="right", textcoords="offset points")
    axes.set(title="An LSTM learns Python's manual", xlabel="step", ylabel="bits a character")
    axes.set_ylim(0, 1.1 * taught[0])
    axes.margins(x=0.01)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description="Train an LSTM on characters.")
    parser.add_argument("--text", type=Path, help="a file to learn, in place of Python's manual")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=64, help="characters of a passage")
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--goal", type=float, default=1.0, help="bits below those of pairs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the picture's folder")
    options = parser.parse_args()

    text = load_text(options.text)
    characters, codes = np.unique(np.array(list(text)), return_inverse=True)
    held_out = min(HELD_OUT, len(codes) // 5)
    codes, held_out = codes[:-held_out], codes[-held_out:]
    single, pairs = baselines(codes, held_out, len(characters))
    print(f"{len(codes)} characters to learn from, {len(held_out)} held out")

    weights_key, passages_key, sample_key = ft.random.split(ft.random.key(options.seed), 3)
    params, taught, tested = train(
        initial(weights_key, len(characters), options.units), codes, held_out, passages_key,
        steps=options.steps, batch=options.batch, length=options.length, rate=options.rate,
    )  # fmt: skip
    newline = np.searchsorted(characters, "\n")
    drawn = sample(params, sample_key, newline, length=600)
    print("\nwhat it writes:\n", "".join(characters[drawn]), sep="\n", end="\n\n")

    options.output.mkdir(parents=True, exist_ok=True)
    draw(taught, tested, single, pairs, options.output / "lstm_bits.png")

    reached = tested[-1][1]
    print(f"bits a character of the held-out text by frequencies of characters: {single:.3f}")
    print(f"                                              frequencies of pairs: {pairs:.3f}")
    print(f"                                                          the LSTM: {reached:.3f}")
    if not reached < pairs - options.goal:
        raise SystemExit(f"the goal of {options.goal} bits below the frequencies was missed")


if __name__ == "__main__":
    main()
