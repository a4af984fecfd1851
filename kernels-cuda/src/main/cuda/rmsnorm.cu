// RMS normalisation of rows of C channels.
//
// RmsNormForward: rstd = 1 / sqrt(mean(in^2) + epsilon) of each row, and out = in * rstd * weight.
// Traffic: one read and one write per element.
//
// v1  one thread per row, two passes over it
// v2  one block per row, a 128-bit pack per thread that stays in registers: read once
//
// RmsNormBackward: with n = in * rstd and g = dOut * weight,
// dIn = residual + rstd * (g - n * mean(g n)), dWeight (+)= sum over rows of dOut n.
// Traffic: two reads (three with a residual) and one write per element.
//
// v1  one thread per row for dIn, and one thread per channel for the sum over rows: reads twice
// v2  a block walks through some rows, each thread keeping its channels' sums in registers: reads
//     once; partial sums of the blocks are added in order
#include "column_sum.cuh"

KERNEL(256)
rmsnorm_forward_v1(real* out, float* rstds, const real* in, const real* weight, int rows, int c,
                   float epsilon) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) {
    return;
  }
  const real* x = in + (long long)row * c;
  float squares = 0.0f;
  for (int i = 0; i < c; i++) {
    squares = fmaf(to_float(x[i]), to_float(x[i]), squares);
  }
  float rstd = 1.0f / sqrtf(squares / c + epsilon);
  for (int i = 0; i < c; i++) {
    out[(long long)row * c + i] = rounded<real>(to_float(x[i]) * rstd * to_float(weight[i]));
  }
  rstds[row] = rstd;
}

// blockIdx.x: row. Thread i owns channels [i * PACK, i * PACK + PACK).
KERNEL(4096 / PACK)
rmsnorm_forward_v2(real* out, float* rstds, const real* in, const real* weight, int rows, int c,
                   float epsilon) {
  __shared__ float sums[WARP];
  bool aligned = c % PACK == 0;
  int channel = threadIdx.x * PACK;
  int count = lesser(PACK, c - channel);
  bool active = channel < c;
  long long at = (long long)blockIdx.x * c + channel;
  Pack<real> x;
  float squares = 0.0f;
  if (active) {
    x = load_some(in + at, count, aligned);
    UNROLL for (int k = 0; k < PACK; k++) {
      squares = fmaf(x.get(k), x.get(k), squares);
    }
  }
  float rstd = 1.0f / sqrtf(block_sum(squares, sums) / c + epsilon);
  if (active) {
    Pack<real> w = load_some(weight + channel, count, aligned);
    UNROLL for (int k = 0; k < PACK; k++) {
      x.set(k, x.get(k) * rstd * w.get(k));
    }
    store_some(out + at, x, count, aligned);
  }
  if (threadIdx.x == 0) {
    rstds[blockIdx.x] = rstd;
  }
}

// ---- backward ----

KERNEL(256)
rmsnorm_backward_input_v1(real* d_in, const real* d_out, const real* in, const real* weight,
                          const float* rstds, const real* residual, int rows, int c) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) {
    return;
  }
  long long at = (long long)row * c;
  float rstd = rstds[row];
  float sum_gn = 0.0f;
  for (int i = 0; i < c; i++) {
    float g = to_float(d_out[at + i]) * to_float(weight[i]);
    sum_gn = fmaf(g, to_float(in[at + i]) * rstd, sum_gn);
  }
  float mean_gn = sum_gn / c;
  for (int i = 0; i < c; i++) {
    float g = to_float(d_out[at + i]) * to_float(weight[i]);
    float d = fmaf(to_float(in[at + i]) * rstd, -mean_gn, g) * rstd;
    if (residual) {
      d += to_float(residual[at + i]);
    }
    d_in[at + i] = rounded<real>(d);
  }
}

KERNEL(256)
rmsnorm_backward_weight_v1(float* d_weight, const real* d_out, const real* in, const float* rstds,
                           int rows, int c, int accumulate) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= c) {
    return;
  }
  float sum = accumulate ? d_weight[i] : 0.0f;
  for (int row = 0; row < rows; row++) {
    float n = to_float(in[(long long)row * c + i]) * rstds[row];
    sum = fmaf(to_float(d_out[(long long)row * c + i]), n, sum);
  }
  d_weight[i] = sum;
}

// Rows [blockIdx.x * rows_per_block, ...): dIn, and this block's sums of dOut n in `partial`. Thread i owns
// channels [i * PACK, i * PACK + PACK). One barrier per row: two rows in a row use different shared memory.
KERNEL(4096 / PACK)
rmsnorm_backward_v2(real* d_in, float* partial, const real* d_out, const real* in,
                    const real* weight, const float* rstds, const real* residual, int rows, int c,
                    int rows_per_block) {
  __shared__ float sums[2][WARP];
  bool aligned = c % PACK == 0;
  int channel = threadIdx.x * PACK;
  int count = lesser(PACK, c - channel);
  bool active = channel < c;
  Pack<real> w;
  if (active) {
    w = load_some(weight + channel, count, aligned);
  }
  float d_weight[PACK];
  UNROLL for (int k = 0; k < PACK; k++) {
    d_weight[k] = 0.0f;
  }
  int first = blockIdx.x * rows_per_block;
  int end = lesser(rows, first + rows_per_block);
  for (int row = first; row < end; row++) {
    long long at = (long long)row * c + channel;
    float rstd = rstds[row];
    float n[PACK];
    float g[PACK];
    float sum_gn = 0.0f;
    if (active) {
      Pack<real> x = load_some(in + at, count, aligned);
      Pack<real> d = load_some(d_out + at, count, aligned);
      UNROLL for (int k = 0; k < PACK; k++) {
        n[k] = x.get(k) * rstd;
        g[k] = d.get(k) * w.get(k);
        d_weight[k] = fmaf(d.get(k), n[k], d_weight[k]);
        sum_gn = fmaf(g[k], n[k], sum_gn);
      }
    }
    float mean_gn = block_sum(sum_gn, sums[row % 2]) / c;
    if (active) {
      Pack<real> other;
      if (residual) {
        other = load_some(residual + at, count, aligned);
      }
      Pack<real> result;
      UNROLL for (int k = 0; k < PACK; k++) {
        float d = fmaf(n[k], -mean_gn, g[k]) * rstd;
        if (residual) {
          d += other.get(k);
        }
        result.set(k, d);
      }
      store_some(d_in + at, result, count, aligned);
    }
  }
  float* to = partial + (long long)blockIdx.x * c + channel;
  UNROLL for (int k = 0; k < PACK; k++) {
    if (k < count) {
      to[k] = d_weight[k];
    }
  }
}

KERNEL(1024)
rmsnorm_backward_sum_v2(float* d_weight, const float* partial, int blocks, int c, int accumulate) {
  sum_tiles(d_weight, partial, blocks, c, c, accumulate);
}
