package dev.anneal.cpu;

import dev.anneal.cpu.Kernel.Phase;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * Products of 8 bits as a reference for devices that have them: scaled as they are there, but in
 * fp32, for this device stores nothing else.
 */
final class EightBit {
  private static final int CHUNK = 16384;

  private EightBit() {}

  private static long fp32(Tensor tensor, Kernel.Addresses at) {
    if (tensor.dtype() != DType.F32) {
      throw new IllegalArgumentException("the CPU stores fp32, not " + tensor.dtype());
    }
    return at.of(tensor);
  }

  static Kernel quantize(Op.Quantize op, Kernel.Addresses at) {
    long in = fp32(op.in(), at);
    long scaleAt = fp32(op.scale(), at);
    Optional<Long> out = op.out().map(tensor -> fp32(tensor, at));
    Optional<Long> transposed = op.transposed().map(tensor -> fp32(tensor, at));
    long n = op.in().elements();
    int k = op.in().shape().dim(-1);
    int m = Math.toIntExact(n / k);
    int chunks = Math.toIntExact(Math.ceilDiv(n, CHUNK));
    Phase largest =
        new Phase(
            chunks,
            (task, worker) -> {
              float max = 0;
              long end = Math.min(n, (task + 1L) * CHUNK);
              for (long i = (long) task * CHUNK; i < end; i++) {
                max = Math.max(max, Math.abs(Ram.get(in + 4 * i)));
              }
              Ram.set(worker.sharedScratch() + 4L * task, max);
            });
    Phase scale =
        new Phase(
            1,
            (task, worker) -> {
              float max = 0;
              for (int i = 0; i < chunks; i++) {
                max = Math.max(max, Ram.get(worker.sharedScratch() + 4L * i));
              }
              Ram.set(scaleAt, max == 0 ? 1 : max / op.format().largest());
            });
    Phase rows =
        new Phase(
            m,
            (row, worker) -> {
              float by = Ram.get(scaleAt);
              for (int i = 0; i < k; i++) {
                float x = Ram.get(in + 4 * ((long) row * k + i)) / by;
                if (out.isPresent()) {
                  Ram.set(out.get() + 4 * ((long) row * k + i), x);
                }
                if (transposed.isPresent()) {
                  Ram.set(transposed.get() + 4 * ((long) i * m + row), x);
                }
              }
            });
    return new Kernel(
        List.of(largest, scale, rows), new Kernel.Scratch(0, Math.max(64, 4L * chunks), 0, 0));
  }

  static Kernel matmul(Op.ScaledMatmul op, Kernel.Addresses at) {
    long out = fp32(op.out(), at);
    long a = fp32(op.a(), at);
    long b = fp32(op.b(), at);
    long aScale = fp32(op.aScale(), at);
    long bScale = fp32(op.bScale(), at);
    Optional<Long> bias = op.bias().map(tensor -> fp32(tensor, at));
    int m = op.a().shape().dim(0);
    int k = op.a().shape().dim(1);
    int n = op.b().shape().dim(0);
    return new Kernel(
        List.of(
            new Phase(
                m,
                (row, worker) -> {
                  float scale = Ram.get(aScale) * Ram.get(bScale);
                  for (int j = 0; j < n; j++) {
                    float sum =
                        scale
                            * Rows.dot(a + 4L * row * k, b + 4L * j * k, k, worker.threadScratch());
                    if (bias.isPresent()) {
                      sum += Ram.get(bias.get() + 4L * j);
                    }
                    long to = out + 4 * ((long) row * n + j);
                    Ram.set(to, op.accumulate() ? sum + Ram.get(to) : sum);
                  }
                })),
        Kernel.Scratch.NONE);
  }
}
