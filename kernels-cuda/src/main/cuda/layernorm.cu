// Layer normalisation of rows of C channels.
//
// LayerNormForward: mean and rstd = 1 / sqrt(variance + epsilon) of each row, and
// out = (in - mean) * rstd * weight + bias.
// Traffic: one read and one write per element. The variance is of deviations from the mean, in a
// second pass over the row, since E[x^2] - E[x]^2 cancels.
//
// v1  one thread per row, three passes over it
// v2  one warp per row, sums by shuffles, three passes that the first-level cache serves
// v3  one warp per row, 128-bit packs, the row kept in shared memory: read once
//
// add_layernorm_forward: the same for in = a + b, which it also stores: the sum of the residual
// stream is normalised while it is at hand, saving one read.
//
// LayerNormBackward: with n = (in - mean) * rstd and g = dOut * weight,
// dIn = residual + rstd * (g - mean(g) - n * mean(g n)), dWeight (+)= sum over rows of dOut n,
// dBias (+)= sum over rows of dOut.
// Traffic: two reads (three with a residual) and one write per element.
//
// v1  one thread per row for dIn, and one thread per channel for the two sums over rows: reads twice
// v2  a block walks through some rows, each thread keeping its channels' sums in registers: reads
//     once; partial sums of the blocks are added in order
// v3  the same bits; the next row is under way while a row's sums meet at the barrier; rows are whole packs
//
// Forward v3 and backward v3 also give the largest size of what they write, of each block, where
// `largest` is not null: quantize.cu's scale.
#include "column_sum.cuh"
#include "pack_floats.cuh"

KERNEL(256)
layernorm_forward_v1(real* out, float* means, float* rstds, const real* in, const real* weight,
                     const real* bias, int rows, int c, float epsilon) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) {
    return;
  }
  const real* x = in + (long long)row * c;
  float sum = 0.0f;
  for (int i = 0; i < c; i++) {
    sum += to_float(x[i]);
  }
  float mean = sum / c;
  float squares = 0.0f;
  for (int i = 0; i < c; i++) {
    float d = to_float(x[i]) - mean;
    squares = fmaf(d, d, squares);
  }
  float rstd = 1.0f / sqrtf(squares / c + epsilon);
  for (int i = 0; i < c; i++) {
    float n = (to_float(x[i]) - mean) * rstd;
    out[(long long)row * c + i] = rounded<real>(fmaf(n, to_float(weight[i]), to_float(bias[i])));
  }
  means[row] = mean;
  rstds[row] = rstd;
}

KERNEL(256)
layernorm_forward_v2(real* out, float* means, float* rstds, const real* in, const real* weight,
                     const real* bias, int rows, int c, float epsilon) {
  int lane = threadIdx.x % WARP;
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / WARP;
  if (row >= rows) {
    return;
  }
  const real* x = in + (long long)row * c;
  float sum = 0.0f;
  for (int i = lane; i < c; i += WARP) {
    sum += to_float(x[i]);
  }
  float mean = warp_sum(sum) / c;
  float squares = 0.0f;
  for (int i = lane; i < c; i += WARP) {
    float d = to_float(x[i]) - mean;
    squares = fmaf(d, d, squares);
  }
  float rstd = 1.0f / sqrtf(warp_sum(squares) / c + epsilon);
  for (int i = lane; i < c; i += WARP) {
    float n = (to_float(x[i]) - mean) * rstd;
    out[(long long)row * c + i] = rounded<real>(fmaf(n, to_float(weight[i]), to_float(bias[i])));
  }
  if (lane == 0) {
    means[row] = mean;
    rstds[row] = rstd;
  }
}

// Normalises the row that this warp has in shared memory; lane i owns packs i, i + WARP, ... and returns the
// largest size of its numbers, where that is wanted.
__device__ __forceinline__ float normalize_row(real* out, float* mean_to, float* rstd_to,
                                               const Pack<real>* row, float sum, const real* weight,
                                               const real* bias, int c, float epsilon,
                                               bool wanted) {
  int lane = threadIdx.x % WARP;
  bool aligned = c % PACK == 0;
  float mean = warp_sum(sum) / c;
  float squares = 0.0f;
  for (int p = lane; p * PACK < c; p += WARP) {
    Pack<real> x = row[p];
    UNROLL for (int k = 0; k < PACK; k++) {
      float d = p * PACK + k < c ? x.get(k) - mean : 0.0f;
      squares = fmaf(d, d, squares);
    }
  }
  float rstd = 1.0f / sqrtf(warp_sum(squares) / c + epsilon);
  float max = 0.0f;
  for (int p = lane; p * PACK < c; p += WARP) {
    int count = lesser(PACK, c - p * PACK);
    Pack<real> x = row[p];
    Pack<real> w = load_some(weight + p * PACK, count, aligned);
    Pack<real> b = load_some(bias + p * PACK, count, aligned);
    UNROLL for (int k = 0; k < PACK; k++) {
      x.set(k, fmaf((x.get(k) - mean) * rstd, w.get(k), b.get(k)));
    }
    store_some(out + p * PACK, x, count, aligned);
    if (wanted) {
      // Beyond the last channel there are zeros: those of the weight and the bias.
      max = larger_of(max, x);
    }
  }
  if (lane == 0) {
    *mean_to = mean;
    *rstd_to = rstd;
  }
  return max;
}

KERNEL(4 * WARP)
layernorm_forward_v3(real* out, float* means, float* rstds, const real* in, const real* weight,
                     const real* bias, int rows, int c, float epsilon, float* largest) {
  DYNAMIC_SHARED(Pack<real>, kept);
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int row = blockIdx.x * (blockDim.x / WARP) + warp;
  float max = 0.0f;
  if (row < rows) {
    bool aligned = c % PACK == 0;
    long long at = (long long)row * c;
    Pack<real>* mine = kept + warp * ((c + PACK - 1) / PACK);
    float sum = 0.0f;
    for (int p = lane; p * PACK < c; p += WARP) {
      Pack<real> x = load_some(in + at + p * PACK, lesser(PACK, c - p * PACK), aligned);
      UNROLL for (int k = 0; k < PACK; k++) {
        sum += x.get(k);
      }
      mine[p] = x;
    }
    max = normalize_row(out + at, means + row, rstds + row, mine, sum, weight, bias, c, epsilon,
                        largest != nullptr);
  }
  store_largest(largest, max);
}

KERNEL(4 * WARP)
add_layernorm_forward_v1(real* out, float* means, float* rstds, real* sums, const real* a,
                         const real* b, const real* weight, const real* bias, int rows, int c,
                         float epsilon) {
  DYNAMIC_SHARED(Pack<real>, kept);
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int row = blockIdx.x * (blockDim.x / WARP) + warp;
  if (row >= rows) {
    return;
  }
  bool aligned = c % PACK == 0;
  long long at = (long long)row * c;
  Pack<real>* mine = kept + warp * ((c + PACK - 1) / PACK);
  float sum = 0.0f;
  for (int p = lane; p * PACK < c; p += WARP) {
    int count = lesser(PACK, c - p * PACK);
    Pack<real> x = load_some(a + at + p * PACK, count, aligned);
    Pack<real> y = load_some(b + at + p * PACK, count, aligned);
    UNROLL for (int k = 0; k < PACK; k++) {
      x.set(k, x.get(k) + y.get(k));
      sum += x.get(k);
    }
    store_some(sums + at + p * PACK, x, count, aligned);
    mine[p] = x;
  }
  normalize_row(out + at, means + row, rstds + row, mine, sum, weight, bias, c, epsilon, false);
}

// ---- backward ----

KERNEL(256)
layernorm_backward_input_v1(real* d_in, const real* d_out, const real* in, const real* weight,
                            const float* means, const float* rstds, const real* residual, int rows,
                            int c) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) {
    return;
  }
  long long at = (long long)row * c;
  float mean = means[row];
  float rstd = rstds[row];
  float sum_g = 0.0f;
  float sum_gn = 0.0f;
  for (int i = 0; i < c; i++) {
    float n = (to_float(in[at + i]) - mean) * rstd;
    float g = to_float(d_out[at + i]) * to_float(weight[i]);
    sum_g += g;
    sum_gn = fmaf(g, n, sum_gn);
  }
  float mean_g = sum_g / c;
  float mean_gn = sum_gn / c;
  for (int i = 0; i < c; i++) {
    float n = (to_float(in[at + i]) - mean) * rstd;
    float g = to_float(d_out[at + i]) * to_float(weight[i]);
    float d = fmaf(n, -mean_gn, g - mean_g) * rstd;
    if (residual) {
      d += to_float(residual[at + i]);
    }
    d_in[at + i] = rounded<real>(d);
  }
}

KERNEL(256)
layernorm_backward_weight_v1(float* d_weight, float* d_bias, const real* d_out, const real* in,
                             const float* means, const float* rstds, int rows, int c,
                             int accumulate) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= c) {
    return;
  }
  float sum_dn = accumulate ? d_weight[i] : 0.0f;
  float sum_d = accumulate ? d_bias[i] : 0.0f;
  for (int row = 0; row < rows; row++) {
    float n = (to_float(in[(long long)row * c + i]) - means[row]) * rstds[row];
    float d = to_float(d_out[(long long)row * c + i]);
    sum_dn = fmaf(d, n, sum_dn);
    sum_d += d;
  }
  d_weight[i] = sum_dn;
  d_bias[i] = sum_d;
}

// Rows [blockIdx.x * rows_per_block, ...): dIn, and this block's sums of dOut n and of dOut, side by
// side in `partial`. Thread i owns channels [i * PACK, i * PACK + PACK). One barrier per row: two
// rows in a row use different shared memory.
KERNEL(4096 / PACK)
layernorm_backward_v2(real* d_in, float* partial, const real* d_out, const real* in,
                      const real* weight, const float* means, const float* rstds,
                      const real* residual, int rows, int c, int rows_per_block) {
  __shared__ float2 sums[2][WARP];
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int warps = blockDim.x / WARP;
  bool aligned = c % PACK == 0;
  int channel = threadIdx.x * PACK;
  int count = lesser(PACK, c - channel);
  bool active = channel < c;
  float w[PACK];
  float d_weight[PACK];
  float d_bias[PACK];
  {
    Pack<real> x;
    if (active) {
      x = load_some(weight + channel, count, aligned);
    }
    UNROLL for (int k = 0; k < PACK; k++) {
      w[k] = active ? x.get(k) : 0.0f;
      d_weight[k] = 0.0f;
      d_bias[k] = 0.0f;
    }
  }
  int first = blockIdx.x * rows_per_block;
  int end = lesser(rows, first + rows_per_block);
  for (int row = first; row < end; row++) {
    long long at = (long long)row * c + channel;
    float mean = means[row];
    float rstd = rstds[row];
    float n[PACK];
    float g[PACK];
    float sum_g = 0.0f;
    float sum_gn = 0.0f;
    if (active) {
      Pack<real> x = load_some(in + at, count, aligned);
      Pack<real> d = load_some(d_out + at, count, aligned);
      UNROLL for (int k = 0; k < PACK; k++) {
        n[k] = (x.get(k) - mean) * rstd;
        g[k] = d.get(k) * w[k];
        d_weight[k] = fmaf(d.get(k), n[k], d_weight[k]);
        d_bias[k] += d.get(k);
        sum_g += g[k];
        sum_gn = fmaf(g[k], n[k], sum_gn);
      }
    }
    sum_g = warp_sum(sum_g);
    sum_gn = warp_sum(sum_gn);
    float2* shared = sums[row % 2];
    if (lane == 0) {
      shared[warp] = make_float2(sum_g, sum_gn);
    }
    __syncthreads();
    float2 mine = lane < warps ? shared[lane] : make_float2(0.0f, 0.0f);
    float mean_g = warp_sum(mine.x) / c;
    float mean_gn = warp_sum(mine.y) / c;
    if (active) {
      Pack<real> other;
      if (residual) {
        other = load_some(residual + at, count, aligned);
      }
      Pack<real> result;
      UNROLL for (int k = 0; k < PACK; k++) {
        float d = fmaf(n[k], -mean_gn, g[k] - mean_g) * rstd;
        if (residual) {
          d += other.get(k);
        }
        result.set(k, d);
      }
      store_some(d_in + at, result, count, aligned);
    }
  }
  float* to = partial + (long long)blockIdx.x * 2 * c + channel;
  UNROLL for (int k = 0; k < PACK; k++) {
    if (k < count) {
      to[k] = d_weight[k];
      to[c + k] = d_bias[k];
    }
  }
}

// What a thread has of a row.
struct NormRow {
  Pack<real> in;
  Pack<real> d_out;
  Pack<real> residual;
  float mean;
  float rstd;
};

// Begins to bring this thread's pack of a row.
__device__ __forceinline__ void load_row(NormRow& to, const real* in, const real* d_out,
                                         const real* residual, const float* means,
                                         const float* rstds, int row, long long at, bool active) {
  to.mean = means[row];
  to.rstd = rstds[row];
  if (active) {
    to.in = load_pack(in + at);
    to.d_out = load_pack(d_out + at);
    if (residual) {
      to.residual = load_pack(residual + at);
    }
  }
}

// As v2, with the next row's numbers in registers before this row's sums are waited for. Rows are whole
// packs, or it is v2's work.
KERNEL(4096 / PACK)
layernorm_backward_v3(real* d_in, float* partial, const real* d_out, const real* in,
                      const real* weight, const float* means, const float* rstds,
                      const real* residual, int rows, int c, int rows_per_block, float* largest) {
  __shared__ float2 sums[2][WARP];
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  int warps = blockDim.x / WARP;
  int channel = threadIdx.x * PACK;
  bool active = channel < c;
  float w[PACK];
  float d_weight[PACK];
  float d_bias[PACK];
  if (active) {
    to_floats(w, load_pack(weight + channel));
  }
  UNROLL for (int k = 0; k < PACK; k++) {
    d_weight[k] = 0.0f;
    d_bias[k] = 0.0f;
  }
  float max = 0.0f;
  int row = blockIdx.x * rows_per_block;
  int end = lesser(rows, row + rows_per_block);
  NormRow next;
  load_row(next, in, d_out, residual, means, rstds, row, (long long)row * c + channel, active);
  for (; row < end; row++) {
    long long at = (long long)row * c + channel;
    NormRow now = next;
    if (row + 1 < end) {
      load_row(next, in, d_out, residual, means, rstds, row + 1, at + c, active);
    }
    float n[PACK];
    float g[PACK];
    float sum_g = 0.0f;
    float sum_gn = 0.0f;
    if (active) {
      float d[PACK];
      to_floats(n, now.in);
      to_floats(d, now.d_out);
      UNROLL for (int k = 0; k < PACK; k++) {
        n[k] = (n[k] - now.mean) * now.rstd;
        g[k] = d[k] * w[k];
        d_weight[k] = fmaf(d[k], n[k], d_weight[k]);
        d_bias[k] += d[k];
        sum_g += g[k];
        sum_gn = fmaf(g[k], n[k], sum_gn);
      }
    }
    sum_g = warp_sum(sum_g);
    sum_gn = warp_sum(sum_gn);
    float2* shared = sums[row % 2];
    if (lane == 0) {
      shared[warp] = make_float2(sum_g, sum_gn);
    }
    __syncthreads();
    float2 mine = lane < warps ? shared[lane] : make_float2(0.0f, 0.0f);
    float mean_g = warp_sum(mine.x) / c;
    float mean_gn = warp_sum(mine.y) / c;
    if (active) {
      UNROLL for (int k = 0; k < PACK; k++) {
        n[k] = fmaf(n[k], -mean_gn, g[k] - mean_g) * now.rstd;
      }
      if (residual) {
        float other[PACK];
        to_floats(other, now.residual);
        UNROLL for (int k = 0; k < PACK; k++) {
          n[k] += other[k];
        }
      }
      Pack<real> result = pack_of(n);
      store_pack(d_in + at, result);
      if (largest) {
        max = larger_of(max, result);
      }
    }
  }
  if (active) {
    float* to = partial + (long long)blockIdx.x * 2 * c + channel;
    UNROLL for (int k = 0; k < PACK; k++) {
      to[k] = d_weight[k];
      to[c + k] = d_bias[k];
    }
  }
  store_largest(largest, max);
}

// blockIdx.y 0: dWeight, 1: dBias.
KERNEL(1024)
layernorm_backward_sum_v2(float* d_weight, float* d_bias, const float* partial, int blocks, int c,
                          int accumulate) {
  float* to = blockIdx.y == 0 ? d_weight : d_bias;
  sum_tiles(to, partial + (long long)blockIdx.y * c, blocks, 2 * c, c, accumulate);
}
