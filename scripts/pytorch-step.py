#!/usr/bin/env python3
"""Times PyTorch's training step of GPT-2 on a GPU, to stand beside Anneal's of the same size.

A plain GPT-2 (layer norms before, GELU by tanh, tied embeddings, no dropout) in bfloat16 under autocast
with float32 weights, scaled_dot_product_attention, fused AdamW, gradients clipped to norm 1, eager or by
torch.compile. Prints a line per step like Anneal's, whose last is the mean of the last half:

  step=20/20 loss=10.1234 ms=31.4 tokens_per_s=521000 mean_of=10 mode=compile torch=2.9.0 memory_gb=41.2
"""

import argparse
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SIZES = {
    "gpt2-124M": (12, 12, 768),
    "gpt2-350M": (24, 16, 1024),
    "gpt2-774M": (36, 20, 1280),
    "gpt2-1558M": (48, 25, 1600),
}
VOCABULARY = 50304  # 50257, rounded up as Anneal does


class Block(nn.Module):
    def __init__(self, heads, channels):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.up = nn.Linear(channels, 4 * channels)
        self.down = nn.Linear(4 * channels, channels)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (
            part.view(b, t, self.heads, c // self.heads).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).split(c, dim=2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(mixed.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, layers, heads, channels, sequence):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, channels)
        self.positions = nn.Embedding(sequence, channels)
        self.blocks = nn.ModuleList(Block(heads, channels) for _ in range(layers))
        self.norm = nn.LayerNorm(channels)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, inputs, targets):
        x = self.tokens(inputs) + self.positions.weight[: inputs.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=SIZES, default="gpt2-124M")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seq", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    parser.add_argument("--device", default="cuda", help="cpu only shows that the script runs")
    options = parser.parse_args()
    if options.steps < 2:
        sys.exit("pytorch-step: --steps is %d; expected at least 2" % options.steps)
    torch.manual_seed(1337)
    torch.set_float32_matmul_precision("high")
    device = torch.device(options.device)
    model = Gpt2(*SIZES[options.model], options.seq).to(device)
    gpu = device.type == "cuda"
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=gpu
    )
    forward = torch.compile(model) if options.mode == "compile" else model
    shape = (options.batch, options.seq + 1)
    times = []
    for step in range(1, options.steps + 1):
        batch = torch.randint(50257, shape, device=device)
        if gpu:
            torch.cuda.synchronize()
        begun = time.perf_counter()
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = forward(batch[:, :-1], batch[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        if gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
        last = times[len(times) // 2 :]
        mean = sum(last) / len(last)
        memory = torch.cuda.max_memory_allocated() / 1e9 if gpu else 0.0
        print(
            "step=%d/%d loss=%.4f ms=%.1f tokens_per_s=%.0f mean_of=%d mode=%s torch=%s memory_gb=%.1f"
            % (
                step,
                options.steps,
                value,
                mean * 1e3,
                options.batch * options.seq / mean,
                len(last),
                options.mode,
                torch.__version__,
                memory,
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
