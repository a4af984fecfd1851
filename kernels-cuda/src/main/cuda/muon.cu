// What Muon does to a matrix besides products; source: Jordan and others, 2024. With g = gradient *
// min(1, maxNorm / norm):
//
// muon_momentum  m = beta m + (1-beta) g, direction = beta m + (1-beta) g; where norm is not finite, m
//                stays and direction is zero
// normalize      out = in / (length + epsilon), in transposed where asked for
// weighted_sum   out = alpha a + beta b
// muon_update    p = (1 - lr decay) p - lr scale direction, direction transposed where asked for, lr =
//                rate * schedule[0]; nothing where norm is not finite. muon_update_rounded is for a
//                parameter that is bf16 itself and rounds as adamw_rounded.cu does
//
// The direction, its length and the momentum are floats in every number format.
//
// Traffic per element: two reads and two writes for the momentum, one and one to normalize, two and one
// for the others.
//
// v1  one element per thread; where rows and columns are exchanged, neighbours read a column
// v2  one 128-bit pack per thread; where rows and columns are exchanged, through tiles of 32 x 32 in
//     shared memory, so that both sides move whole lines
#include "device.cuh"
#include "philox.cuh"

static constexpr int TILE = 32;
static constexpr int TILE_ROWS = 8;

__device__ __forceinline__ bool finite(float x) {
  return x - x == 0.0f;
}

// ---- muon_momentum ----

__device__ __forceinline__ void momentum(float& direction, float& m, float gradient, float norm,
                                         float beta, float max_norm) {
  if (!finite(norm)) {
    direction = 0.0f;
    return;
  }
  float g = gradient * (norm > max_norm ? max_norm / norm : 1.0f) * (1.0f - beta);
  m = fmaf(m, beta, g);
  direction = fmaf(m, beta, g);
}

KERNEL(256)
muon_momentum_v1(float* direction, float* ms, const float* gradient, const float* norm, float beta,
                 float max_norm, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    momentum(direction[i], ms[i], gradient[i], norm[0], beta, max_norm);
  }
}

KERNEL(256)
muon_momentum_v2(float* direction, float* ms, const float* gradient, const float* norm, float beta,
                 float max_norm, long long n) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * 4;
  if (i >= n) {
    return;
  }
  bool whole = i + 4 <= n;
  int count = whole ? 4 : (int)(n - i);
  Pack<float> m = load_some(ms + i, count, whole);
  Pack<float> g = load_some(gradient + i, count, whole);
  Pack<float> u;
  UNROLL for (int k = 0; k < 4; k++) {
    momentum(u.v[k], m.v[k], g.v[k], norm[0], beta, max_norm);
  }
  store_some(ms + i, m, count, whole);
  store_some(direction + i, u, count, whole);
}

// ---- normalize ----

// Where element i of a matrix of `columns` is in its transposed one.
__device__ __forceinline__ long long from(long long i, long long rows, long long columns,
                                          int transposed) {
  return transposed ? i % columns * rows + i / columns : i;
}

KERNEL(256)
normalize_v1(real* out, const float* in, const float* length, float epsilon, long long rows,
             long long columns, int transposed) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows * columns) {
    float factor = 1.0f / (length[0] + epsilon);
    out[i] = rounded<real>(in[from(i, rows, columns, transposed)] * factor);
  }
}

// For out (rows, columns) and in (columns, rows); a block has a tile of out. What is beyond the matrix
// is not read, so the tile there is never read either.
KERNEL(256)
normalize_v2(real* out, const float* in, const float* length, float epsilon, long long rows,
             long long columns) {
  __shared__ float tile[TILE][TILE + 1];
  float factor = 1.0f / (length[0] + epsilon);
  long long row = (long long)blockIdx.y * TILE;
  long long column = (long long)blockIdx.x * TILE;
  int x = threadIdx.x % TILE;
  int y = threadIdx.x / TILE;
  for (int k = y; k < TILE; k += TILE_ROWS) {
    if (column + k < columns && row + x < rows) {
      tile[k][x] = in[(column + k) * rows + row + x];
    }
  }
  __syncthreads();
  for (int k = y; k < TILE; k += TILE_ROWS) {
    if (row + k < rows && column + x < columns) {
      out[(row + k) * columns + column + x] = rounded<real>(tile[x][k] * factor);
    }
  }
}

// ---- weighted_sum ----

KERNEL(256)
weighted_sum_v1(real* out, const real* a, float alpha, const real* b, float beta, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = rounded<real>(fmaf(to_float(a[i]), alpha, to_float(b[i]) * beta));
  }
}

KERNEL(256)
weighted_sum_v2(real* out, const real* a, float alpha, const real* b, float beta, long long n) {
  long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  if (i + PACK <= n) {
    Pack<real> x = load_pack(a + i);
    Pack<real> y = load_pack(b + i);
    Pack<real> sum;
    UNROLL for (int k = 0; k < PACK; k++) {
      sum.set(k, fmaf(x.get(k), alpha, y.get(k) * beta));
    }
    store_pack(out + i, sum);
  } else {
    for (; i < n; i++) {
      out[i] = rounded<real>(fmaf(to_float(a[i]), alpha, to_float(b[i]) * beta));
    }
  }
}

// ---- muon_update ----

__device__ __forceinline__ float moved(float p, float direction, float lr, float scale,
                                       float weight_decay) {
  return fmaf(direction, -lr * scale, p * (1.0f - lr * weight_decay));
}

KERNEL(256)
muon_update_v1(float* parameter, const real* direction, const float* norm, const float* schedule,
               float rate, float scale, float weight_decay, long long rows, long long columns,
               int transposed) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows * columns && finite(norm[0])) {
    float u = to_float(direction[from(i, rows, columns, transposed)]);
    parameter[i] = moved(parameter[i], u, schedule[0] * rate, scale, weight_decay);
  }
}

KERNEL(256)
muon_update_rounded_v1(bf16* parameter, const real* direction, const float* norm,
                       const float* schedule, float rate, float scale, float weight_decay,
                       long long rows, long long columns, int transposed, const uint32* random,
                       int stream) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows * columns && finite(norm[0])) {
    float u = to_float(direction[from(i, rows, columns, transposed)]);
    float p = moved(to_float(parameter[i]), u, schedule[0] * rate, scale, weight_decay);
    uint64 bits =
        philox(random[0], random[1], STOCHASTIC_ROUNDING, stream, (uint64)i / 4, random[2]);
    parameter[i] = rounded_stochastically(p, (uint32)(bits >> 16 * (i % 4)) & 0xffffu);
  }
}

// For a direction (columns, rows); a block has a tile of the parameter.
KERNEL(256)
muon_update_v2(float* parameter, const real* direction, const float* norm, const float* schedule,
               float rate, float scale, float weight_decay, long long rows, long long columns) {
  __shared__ float tile[TILE][TILE + 1];
  if (!finite(norm[0])) {
    return;
  }
  long long row = (long long)blockIdx.y * TILE;
  long long column = (long long)blockIdx.x * TILE;
  int x = threadIdx.x % TILE;
  int y = threadIdx.x / TILE;
  for (int k = y; k < TILE; k += TILE_ROWS) {
    if (column + k < columns && row + x < rows) {
      tile[k][x] = to_float(direction[(column + k) * rows + row + x]);
    }
  }
  __syncthreads();
  float lr = schedule[0] * rate;
  for (int k = y; k < TILE; k += TILE_ROWS) {
    if (row + k < rows && column + x < columns) {
      long long i = (row + k) * columns + column + x;
      parameter[i] = moved(parameter[i], tile[x][k], lr, scale, weight_decay);
    }
  }
}
