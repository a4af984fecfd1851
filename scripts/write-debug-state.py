#!/usr/bin/env python3
"""Writes a random GPT-2 and what PyTorch computes with it, for `anneal verify`.

  python3 scripts/write-debug-state.py --out reference
  ./anneal verify --checkpoint reference/model.bin --state reference/debug_state.bin

Makes three files in the directory --out:
  model.bin        the parameters, in llm.c's checkpoint form, version 3 (float32)
  debug_state.bin  a batch (x, y), its logits and loss, and every parameter's gradient
  expected.json    the loss before each of ten AdamW steps on that batch; also printed

Needs PyTorch 1.13 or newer and NumPy, and no network. The model is exactly OpenAI's GPT-2:
tanh GELU, norms before the blocks, the token embedding tied to the output. It starts as GPT-2
does, but for biases and norms, which get noise: at 0 and 1 an error in them would not show.
"""

import argparse
import json
import math
import os
import sys

import numpy as np
import torch
from torch.nn import functional as F

MODEL_MAGIC = 20240326
MODEL_VERSION = 3
STATE_MAGIC = 20240327
STATE_VERSION = 2
HEADER_INTS = 256
PAD_TO = 128

# The order of a checkpoint. Each of these holds all layers, one after the other.
BLOCK = [
    "ln1w", "ln1b", "qkvw", "qkvb", "attprojw", "attprojb",
    "ln2w", "ln2b", "fcw", "fcb", "fcprojw", "fcprojb",
]  # fmt: skip


def options(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=2, help="L, default 2")
    parser.add_argument("--heads", type=int, default=4, help="NH, default 4")
    parser.add_argument("--channels", type=int, default=64, help="C, default 64")
    parser.add_argument("--context", type=int, default=64, help="maxT, default 64")
    parser.add_argument("--vocab", type=int, default=200, help="V, default 200")
    parser.add_argument("--batch", type=int, default=4, help="B, default 4")
    parser.add_argument("--seq", type=int, default=64, help="T, default 64")
    parser.add_argument("--seed", type=int, default=1337, help="default 1337")
    parser.add_argument("--noise", type=float, default=0.02,
                        help="deviation of biases and norms, default 0.02")  # fmt: skip
    parser.add_argument("--steps", type=int, default=10, help="AdamW steps, default 10")
    parser.add_argument("--lr", type=float, default=1e-4, help="learning rate, default 1e-4")
    parser.add_argument("--weight-decay", type=float, default=0.01,
                        help="of every parameter, default 0.01")  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", help="directory to write to")
    opts = parser.parse_args(arguments)
    for name in ["layers", "heads", "channels", "context", "vocab", "batch", "seq"]:
        if getattr(opts, name) < 1:
            parser.error(f"--{name} is {getattr(opts, name)}; expected at least 1")
    if opts.channels % opts.heads:
        parser.error(f"--heads {opts.heads} does not divide --channels {opts.channels}")
    if opts.seq > opts.context:
        parser.error(f"--seq {opts.seq} is longer than --context {opts.context}")
    return opts


def parameters(opts, generator):
    """Every parameter by its name and, within blocks, layer: {"wte": …, ("qkvw", 0): …}."""

    def normal(deviation, *shape):
        return torch.randn(*shape, generator=generator) * deviation

    c = opts.channels
    # Each layer adds two branches to the residual stream: their scale keeps its variance at 1.
    residual = 0.02 / math.sqrt(2 * opts.layers)
    values = {"wte": normal(0.02, opts.vocab, c), "wpe": normal(0.02, opts.context, c)}
    for layer in range(opts.layers):
        block = {
            "ln1w": 1 + normal(opts.noise, c),
            "ln1b": normal(opts.noise, c),
            "qkvw": normal(0.02, 3 * c, c),
            "qkvb": normal(opts.noise, 3 * c),
            "attprojw": normal(residual, c, c),
            "attprojb": normal(opts.noise, c),
            "ln2w": 1 + normal(opts.noise, c),
            "ln2b": normal(opts.noise, c),
            "fcw": normal(0.02, 4 * c, c),
            "fcb": normal(opts.noise, 4 * c),
            "fcprojw": normal(residual, c, 4 * c),
            "fcprojb": normal(opts.noise, c),
        }
        values.update({(name, layer): block[name] for name in BLOCK})
    values["lnfw"] = 1 + normal(opts.noise, c)
    values["lnfb"] = normal(opts.noise, c)
    return {name: value.requires_grad_() for name, value in values.items()}


def gelu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def attention(qkv, heads):
    """Causal attention of (B,T,3C), to (B,T,C)."""
    b, t, c3 = qkv.shape
    c = c3 // 3
    q, k, v = (part.view(b, t, heads, c // heads).transpose(1, 2) for part in qkv.split(c, dim=2))
    scores = q @ k.transpose(2, 3) / math.sqrt(c // heads)
    future = torch.ones(t, t, dtype=torch.bool).triu(1)
    weights = F.softmax(scores.masked_fill(future, float("-inf")), dim=3)
    return (weights @ v).transpose(1, 2).reshape(b, t, c)


def forward(p, opts, x):
    """Logits (B,T,V) of tokens (B,T)."""
    c = (opts.channels,)
    hidden = F.embedding(x, p["wte"]) + p["wpe"][: x.shape[1]]
    for i in range(opts.layers):
        normed = F.layer_norm(hidden, c, p["ln1w", i], p["ln1b", i])
        attended = attention(F.linear(normed, p["qkvw", i], p["qkvb", i]), opts.heads)
        hidden = hidden + F.linear(attended, p["attprojw", i], p["attprojb", i])
        normed = F.layer_norm(hidden, c, p["ln2w", i], p["ln2b", i])
        expanded = gelu(F.linear(normed, p["fcw", i], p["fcb", i]))
        hidden = hidden + F.linear(expanded, p["fcprojw", i], p["fcprojb", i])
    return F.linear(F.layer_norm(hidden, c, p["lnfw"], p["lnfb"]), p["wte"])


def mean_loss(logits, y):
    return F.cross_entropy(logits.flatten(0, 1), y.flatten())


def padded_vocabulary(opts):
    return -(-opts.vocab // PAD_TO) * PAD_TO


def write_header(file, *ints):
    header = np.zeros(HEADER_INTS, dtype="<i4")
    header[: len(ints)] = ints
    file.write(header.tobytes())


def write_numbers(file, tensor, dtype="<f4"):
    file.write(tensor.detach().numpy().astype(dtype).tobytes())


def write_parameters(file, values, opts):
    """All values in a checkpoint's order; the embedding's rows from V on are 0."""
    padding = padded_vocabulary(opts) - opts.vocab
    write_numbers(file, F.pad(values["wte"].detach(), (0, 0, 0, padding)))
    write_numbers(file, values["wpe"])
    for name in BLOCK:
        for layer in range(opts.layers):
            write_numbers(file, values[name, layer])
    write_numbers(file, values["lnfw"])
    write_numbers(file, values["lnfb"])


def write_model(path, p, opts):
    with open(path, "wb") as file:
        write_header(file, MODEL_MAGIC, MODEL_VERSION, opts.context, opts.vocab, opts.layers,
                     opts.heads, opts.channels, padded_vocabulary(opts))  # fmt: skip
        write_parameters(file, p, opts)


def write_state(path, p, opts, x, y):
    """Computes and writes the batch's logits, loss and gradients."""
    logits = forward(p, opts, x)
    loss = mean_loss(logits, y)
    names = list(p)
    gradients = dict(zip(names, torch.autograd.grad(loss, [p[name] for name in names])))
    with open(path, "wb") as file:
        write_header(file, STATE_MAGIC, STATE_VERSION, x.shape[0], x.shape[1])
        write_numbers(file, x, "<i4")
        write_numbers(file, y, "<i4")
        write_numbers(file, logits)
        write_numbers(file, loss)
        write_parameters(file, gradients, opts)


def train(p, opts, x, y):
    """The loss before each step."""
    optimizer = torch.optim.AdamW(
        p.values(), lr=opts.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=opts.weight_decay
    )
    losses = []
    for _ in range(opts.steps):
        optimizer.zero_grad()
        loss = mean_loss(forward(p, opts, x), y)
        loss.backward()
        optimizer.step()
        losses.append(round(loss.item(), 6))
    return losses


def main():
    opts = options(sys.argv[1:])
    generator = torch.Generator().manual_seed(opts.seed)
    p = parameters(opts, generator)
    tokens = torch.randint(opts.vocab, (opts.batch, opts.seq + 1), generator=generator)
    x, y = tokens[:, :-1], tokens[:, 1:]
    os.makedirs(opts.out, exist_ok=True)
    write_model(os.path.join(opts.out, "model.bin"), p, opts)
    write_state(os.path.join(opts.out, "debug_state.bin"), p, opts, x, y)
    expected = {
        "model": {"L": opts.layers, "H": opts.heads, "C": opts.channels, "maxT": opts.context,
                  "V": opts.vocab, "Vp": padded_vocabulary(opts)},
        "batch": {"B": opts.batch, "T": opts.seq},
        "adamw": {"lr": opts.lr, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8,
                  "weight_decay": opts.weight_decay, "decayed": "every parameter"},
        "losses": train(p, opts, x, y),
    }  # fmt: skip
    text = json.dumps(expected)
    with open(os.path.join(opts.out, "expected.json"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
