// Causal self-attention on matrix units: version 3 of attention.cu's, for tensors of bf16 and heads of
// 64 or 128 channels. What is computed is said there. Stands in place of kernels-cuda's file of the same
// name, with the same kernels.
//
// Traffic is that of version 2, at half the bytes. What differs: scores, probabilities and sums never
// leave registers, since a result, rounded, is an operand of the next product (matrix.cuh). Operands
// whose inner dimension is not innermost in memory come from tiles that were transposed on their way
// to shared memory. Rows of the block itself stay in registers; the next tiles are loaded while these are
// multiplied. In backward_key rows are keys, so that scores come out as the sums over queries want
// them. No atomics: backward computes scores twice, so that dQ and dK, dV have one writer each.
//
// A wave has 16 rows, on CDNA 32, so that each operand from shared memory is used twice. RDNA has half
// the registers: there, of heads of 128, backward keeps its own rows in shared memory, and tiles are
// half as high. Of the 64 KiB of shared memory that there are, for 64 and for 128 channels:
//
//                    rows of a block     rows of a tile     KiB on CDNA       on RDNA
//   forward          128                 64, 32             17, 18            18, 19
//   backward_key     CDNA 128, RDNA 64   32 (RDNA 32, 16)   18, 35            20, 55
//   backward_query   CDNA 128, RDNA 64   32 (RDNA 32, 16)   13, 26            14, 49
//
// docs/measured/hip-registers.md has the registers: none spills.
// Source: Dao, "FlashAttention-2", 2023.
#include "attention_head.cuh"
#include "matrix.cuh"

static constexpr float LOG2_E = 1.44269504f;

#if defined(MATRIX_MFMA)
static constexpr int FORWARD_THREADS = 256;
static constexpr int BACKWARD_THREADS = 256;
static constexpr int R = 2;  // groups of 16 rows of a wave
#else
static constexpr int FORWARD_THREADS = 256;
static constexpr int BACKWARD_THREADS = 128;
static constexpr int R = 1;
#endif
static constexpr int WAVE_ROWS = 16 * R;
static constexpr int FORWARD_ROWS = FORWARD_THREADS / WARP * WAVE_ROWS;
static constexpr int BACKWARD_ROWS = BACKWARD_THREADS / WARP * WAVE_ROWS;

// Whether a wave has room for two of its own rows' operands beside the sums of backward.
template <int D>
static constexpr bool KEPT = D == 64 || WAVE == 64;

// Rows of the tiles that backward goes through.
template <int D>
static constexpr int TILE_ROWS = KEPT<D> ? 32 : 16;

// The first row of this wave in its block.
__device__ __forceinline__ int wave_first() {
  return threadIdx.x / WARP * WAVE_ROWS;
}

// A wave's own rows of a matrix of D channels: in registers, or where those lack, in a tile of the block's
// rows in shared memory, of which the caller has as many as `numbers` says.
template <int D, bool IN_REGISTERS>
struct OwnRows {
  static constexpr int numbers = 8;  // an array cannot be empty
  Operand operands[R][D / 16];

  __device__ __forceinline__ void bring(bf16*, const bf16* from, long long stride, int rows) {
    UNROLL for (int r = 0; r < R; r++) {
      int first = wave_first() + 16 * r;
      UNROLL for (int d = 0; d < D; d += 16) {
        operands[r][d / 16] = fetch_operand(from + first * stride + d, stride, rows - first);
      }
    }
  }

  __device__ __forceinline__ Operand get(const bf16*, int r, int d) const {
    return operands[r][d / 16];
  }
};

template <int D>
struct OwnRows<D, false> {
  static constexpr int numbers = BACKWARD_ROWS * (D + PAD);

  // There after the next barrier.
  __device__ __forceinline__ void bring(bf16* tile, const bf16* from, long long stride, int rows) {
    Bringer<BACKWARD_ROWS, D, BACKWARD_THREADS, 1> bringer;
    bringer.load(from, stride, rows, D);
    bringer.store(tile);
  }

  __device__ __forceinline__ Operand get(const bf16* tile, int r, int d) const {
    return load_operand<D>(tile, wave_first() + 16 * r, d);
  }
};

template <int N>
__device__ __forceinline__ void fill(Sums (&sums)[R][N], float value) {
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int n = 0; n < N; n++) {
      sums[r][n].fill(value);
    }
  }
}

// products = this wave's own rows times the 16 rows from `row` of a tile: sums over D channels.
template <int D, class Own>
__device__ __forceinline__ void row_products(Sums (&products)[R], const Own& own,
                                             const bf16* own_tile, const bf16* tile, int row) {
  UNROLL for (int r = 0; r < R; r++) {
    products[r].fill(0.0f);
  }
  UNROLL for (int d = 0; d < D; d += 16) {
    Operand columns = load_operand<D>(tile, row, d);
    UNROLL for (int r = 0; r < R; r++) {
      multiply_add(products[r], own.get(own_tile, r, d), columns);
    }
    keep_order();
  }
}

// sums (16 R, D) += weights (16 R, 16) times the 16 rows from `row` of a tile that is transposed, of rows
// of ROWS numbers.
template <int D, int ROWS>
__device__ __forceinline__ void weigh(Sums (&sums)[R][D / 16], const Operand (&weights)[R],
                                      const bf16* tile, int row) {
  UNROLL for (int d = 0; d < D; d += 16) {
    Operand columns = load_operand<ROWS>(tile, d, row);
    UNROLL for (int r = 0; r < R; r++) {
      multiply_add(sums[r][d / 16], weights[r], columns);
    }
    keep_order();
  }
}

// Writes this wave's 16 R rows of D channels times `factor` of each row; `rows` of the block's exist.
template <int D>
__device__ __forceinline__ void store_rows(bf16* to, long long stride, Sums (&sums)[R][D / 16],
                                           const float (&factors)[R], int rows) {
  UNROLL for (int r = 0; r < R; r++) {
    int row = wave_first() + 16 * r + own_row();
    UNROLL for (int d = 0; d < D; d += 16) {
      Sums& numbers = sums[r][d / 16];
      UNROLL for (int i = 0; i < SUMS; i++) {
        numbers.x[i] *= factors[r];
      }
      store_result(to + row * stride + d, numbers, row < rows, 16);
    }
  }
}

// ---- forward ----

// The next scores of 16 rows, in place their exponentials; corrects what was summed before. Scores are
// of keys from `key` on, row 0 is of `query`; with `masked` later keys count nothing.
template <int D, int KEYS>
__device__ __forceinline__ void soften(Sums (&s)[KEYS / 16], Sums (&result)[D / 16], float& max,
                                       float& sum, float scale_log2, int key, int query,
                                       bool masked) {
  if (masked) {
    UNROLL for (int n = 0; n < KEYS / 16; n++) {
      UNROLL for (int i = 0; i < SUMS; i++) {
        if (key + 16 * n + own_column(i) > query + own_row()) {
          s[n].x[i] = -INFINITY_F;
        }
      }
    }
  }
  float largest = max;
  UNROLL for (int n = 0; n < KEYS / 16; n++) {
    UNROLL for (int i = 0; i < SUMS; i++) {
      largest = larger(largest, s[n].x[i]);
    }
  }
  largest = row_max(largest);
  float kept = fast_exp2((max - largest) * scale_log2);
  float offset = -largest * scale_log2;
  float added = 0.0f;
  UNROLL for (int n = 0; n < KEYS / 16; n++) {
    UNROLL for (int i = 0; i < SUMS; i++) {
      s[n].x[i] = fast_exp2(fmaf(s[n].x[i], scale_log2, offset));
      added += s[n].x[i];
    }
  }
  max = largest;
  sum = fmaf(sum, kept, added);
  UNROLL for (int d = 0; d < D / 16; d++) {
    UNROLL for (int i = 0; i < SUMS; i++) {
      result[d].x[i] *= kept;
    }
  }
}

// blockIdx.x: tile of queries, the last first, since it has most keys.
template <int D, int KEYS>
__device__ __forceinline__ void flash_forward(bf16* out, float* log_sum_exps, const bf16* qkv,
                                              int t, int heads) {
  __shared__ __align__(16) bf16 k_tile[KEYS * (D + PAD)];
  __shared__ __align__(16) bf16 v_tile[D * (KEYS + PAD)];  // transposed
  Head head(t, heads, D);
  int first = (gridDim.x - 1 - blockIdx.x) * FORWARD_ROWS;
  int own = first + wave_first();             // this wave's first query
  int end = lesser(t, first + FORWARD_ROWS);  // of the keys
  const bf16* keys = qkv + head.qkv(0, D) + head.c;
  OwnRows<D, true> q;
  q.bring(nullptr, qkv + head.qkv(first, D), head.stride, t - first);
  Bringer<KEYS, D, FORWARD_THREADS, 1> bring_k;
  Bringer<KEYS, D, FORWARD_THREADS, 8> bring_v;
  bring_k.load(keys, head.stride, t, D);
  bring_v.load(keys + head.c, head.stride, t, D);
  float scale = 1.0f / sqrtf((float)D);
  float max[R];
  float sum[R];
  Sums result[R][D / 16];
  fill(result, 0.0f);
  UNROLL for (int r = 0; r < R; r++) {
    max[r] = -INFINITY_F;
    sum[r] = 0.0f;
  }
  for (int key = 0; key < end; key += KEYS) {
    __syncthreads();
    bring_k.store(k_tile);
    bring_v.store_transposed(v_tile);
    __syncthreads();
    int next = key + KEYS;
    if (next < end) {
      bring_k.load(keys + next * head.stride, head.stride, t - next, D);
      bring_v.load(keys + next * head.stride + head.c, head.stride, t - next, D);
    }
    // Tiles begin at multiples of a wave's queries, so a wave that sees any key sees the first.
    if (key <= own) {
      Sums s[R][KEYS / 16];
      UNROLL for (int n = 0; n < KEYS / 16; n++) {
        Sums products[R];
        row_products<D>(products, q, nullptr, k_tile, 16 * n);
        UNROLL for (int r = 0; r < R; r++) {
          s[r][n] = products[r];
        }
      }
      UNROLL for (int r = 0; r < R; r++) {
        int query = own + 16 * r;
        soften<D, KEYS>(s[r], result[r], max[r], sum[r], scale * LOG2_E, key, query,
                        key + KEYS - 1 > query);
      }
      UNROLL for (int n = 0; n < KEYS / 16; n++) {
        Operand weights[R];
        UNROLL for (int r = 0; r < R; r++) {
          weights[r] = rounded_operand(s[r][n]);
        }
        weigh<D, KEYS>(result, weights, v_tile, 16 * n);
      }
    }
  }
  float factors[R];
  UNROLL for (int r = 0; r < R; r++) {
    sum[r] = row_sum(sum[r]);
    factors[r] = 1.0f / sum[r];
    int query = own + 16 * r + own_row();
    if (lane() < 16 && query < t) {
      log_sum_exps[(long long)blockIdx.y * t + query] = fmaf(max[r], scale, log_poly(sum[r]));
    }
  }
  store_rows<D>(out + head.out(first, D), head.c, result, factors, t - first);
}

KERNEL(256)
attention_forward_64_v3(bf16* out, float* log_sum_exps, const bf16* qkv, int t, int heads) {
  flash_forward<64, 64>(out, log_sum_exps, qkv, t, heads);
}

KERNEL(256)
attention_forward_128_v3(bf16* out, float* log_sum_exps, const bf16* qkv, int t, int heads) {
  flash_forward<128, 32>(out, log_sum_exps, qkv, t, heads);
}

// ---- backward ----

// dK and dV of a tile of keys: blockIdx.x, the first first, since it has most queries.
template <int D>
__device__ __forceinline__ void flash_backward_key(bf16* d_qkv, const float* delta,
                                                   const bf16* d_out, const bf16* qkv,
                                                   const float* log_sum_exps, int t, int heads) {
  static constexpr int QUERIES = TILE_ROWS<D>;
  typedef OwnRows<D, KEPT<D>> Own;
  __shared__ __align__(16) bf16 k_tile[Own::numbers];
  __shared__ __align__(16) bf16 v_tile[Own::numbers];
  __shared__ __align__(16) bf16 q_tile[QUERIES * (D + PAD)];
  __shared__ __align__(16) bf16 d_tile[QUERIES * (D + PAD)];
  __shared__ __align__(16) bf16 q_transposed[D * (QUERIES + PAD)];
  __shared__ __align__(16) bf16 d_transposed[D * (QUERIES + PAD)];
  __shared__ float lse[QUERIES];
  __shared__ float expected[QUERIES];
  Head head(t, heads, D);
  int first = blockIdx.x * BACKWARD_ROWS;
  int own = first + wave_first();  // this wave's first key
  const bf16* queries = qkv + head.qkv(0, D);
  const bf16* keys = queries + first * head.stride + head.c;
  const bf16* d_outs = d_out + head.out(0, D);
  log_sum_exps += (long long)blockIdx.y * t;
  delta += (long long)blockIdx.y * t;
  Own k;
  Own v;
  k.bring(k_tile, keys, head.stride, t - first);
  v.bring(v_tile, keys + head.c, head.stride, t - first);
  Bringer<QUERIES, D, BACKWARD_THREADS, 8> bring_q;
  Bringer<QUERIES, D, BACKWARD_THREADS, 8> bring_d;
  float next_lse = 0.0f;
  float next_expected = 0.0f;
  auto load = [&](int query) {
    bring_q.load(queries + query * head.stride, head.stride, t - query, D);
    bring_d.load(d_outs + (long long)query * head.c, head.c, t - query, D);
    int i = query + threadIdx.x;
    bool there = threadIdx.x < QUERIES && i < t;
    next_lse = there ? log_sum_exps[i] : 0.0f;
    next_expected = there ? delta[i] : 0.0f;
  };
  load(first);
  float scale = 1.0f / sqrtf((float)D);
  Sums d_k[R][D / 16];
  Sums d_v[R][D / 16];
  fill(d_k, 0.0f);
  fill(d_v, 0.0f);
  for (int query = first; query < t; query += QUERIES) {
    __syncthreads();
    bring_q.store(q_tile);
    bring_q.store_transposed(q_transposed);
    bring_d.store(d_tile);
    bring_d.store_transposed(d_transposed);
    if (threadIdx.x < QUERIES) {
      lse[threadIdx.x] = next_lse;
      expected[threadIdx.x] = next_expected;
    }
    __syncthreads();
    if (query + QUERIES < t) {
      load(query + QUERIES);
    }
    UNROLL for (int n = 0; n < QUERIES; n += 16) {
      // Rows are keys, columns queries. Of the queries some are at or after the first key, if the last is.
      if (query + n + 15 < own) {
        continue;
      }
      Sums p[R];
      Sums dp[R];
      row_products<D>(p, k, k_tile, q_tile, n);
      row_products<D>(dp, v, v_tile, d_tile, n);
      UNROLL for (int r = 0; r < R; r++) {
        UNROLL for (int i = 0; i < SUMS; i++) {
          int column = n + own_column(i);
          // Queries beyond t are zeros, and add nothing.
          bool seen = own + 16 * r + own_row() <= query + column;
          float e = fast_exp2(fmaf(p[r].x[i], scale * LOG2_E, lse[column] * -LOG2_E));
          p[r].x[i] = seen ? e : 0.0f;
          dp[r].x[i] = (dp[r].x[i] - expected[column]) * p[r].x[i];
        }
      }
      Operand weights[R];
      UNROLL for (int r = 0; r < R; r++) {
        weights[r] = rounded_operand(p[r]);
      }
      weigh<D, QUERIES>(d_v, weights, d_transposed, n);
      UNROLL for (int r = 0; r < R; r++) {
        weights[r] = rounded_operand(dp[r]);
      }
      weigh<D, QUERIES>(d_k, weights, q_transposed, n);
    }
  }
  float scales[R];
  float ones[R];
  UNROLL for (int r = 0; r < R; r++) {
    scales[r] = scale;
    ones[r] = 1.0f;
  }
  bf16* to = d_qkv + head.qkv(first, D) + head.c;
  store_rows<D>(to, head.stride, d_k, scales, t - first);
  store_rows<D>(to + head.c, head.stride, d_v, ones, t - first);
}

KERNEL(BACKWARD_THREADS)
attention_backward_key_64_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                             const float* log_sum_exps, int t, int heads) {
  flash_backward_key<64>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}

KERNEL(BACKWARD_THREADS)
attention_backward_key_128_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                              const float* log_sum_exps, int t, int heads) {
  flash_backward_key<128>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}

// dQ of a tile of queries, the last first.
template <int D>
__device__ __forceinline__ void flash_backward_query(bf16* d_qkv, const float* delta,
                                                     const bf16* d_out, const bf16* qkv,
                                                     const float* log_sum_exps, int t, int heads) {
  static constexpr int KEYS = TILE_ROWS<D>;
  typedef OwnRows<D, KEPT<D>> Own;
  __shared__ __align__(16) bf16 q_tile[Own::numbers];
  __shared__ __align__(16) bf16 d_tile[Own::numbers];
  __shared__ __align__(16) bf16 k_tile[KEYS * (D + PAD)];
  __shared__ __align__(16) bf16 v_tile[KEYS * (D + PAD)];
  __shared__ __align__(16) bf16 k_transposed[D * (KEYS + PAD)];
  Head head(t, heads, D);
  int first = (gridDim.x - 1 - blockIdx.x) * BACKWARD_ROWS;
  int own = first + wave_first();  // this wave's first query
  int end = lesser(t, first + BACKWARD_ROWS);
  const bf16* keys = qkv + head.qkv(0, D) + head.c;
  Own q;
  Own d;
  q.bring(q_tile, qkv + head.qkv(first, D), head.stride, t - first);
  d.bring(d_tile, d_out + head.out(first, D), head.c, t - first);
  Bringer<KEYS, D, BACKWARD_THREADS, 8> bring_k;
  Bringer<KEYS, D, BACKWARD_THREADS, 1> bring_v;
  bring_k.load(keys, head.stride, t, D);
  bring_v.load(keys + head.c, head.stride, t, D);
  float scale = 1.0f / sqrtf((float)D);
  float offset[R];
  float expected[R];
  UNROLL for (int r = 0; r < R; r++) {
    int query = own + 16 * r + own_row();
    long long at = (long long)blockIdx.y * t + query;
    offset[r] = query < t ? log_sum_exps[at] * -LOG2_E : 0.0f;
    expected[r] = query < t ? delta[at] : 0.0f;
  }
  Sums d_q[R][D / 16];
  fill(d_q, 0.0f);
  for (int key = 0; key < end; key += KEYS) {
    __syncthreads();
    bring_k.store(k_tile);
    bring_k.store_transposed(k_transposed);
    bring_v.store(v_tile);
    __syncthreads();
    int next = key + KEYS;
    if (next < end) {
      bring_k.load(keys + next * head.stride, head.stride, t - next, D);
      bring_v.load(keys + next * head.stride + head.c, head.stride, t - next, D);
    }
    UNROLL for (int n = 0; n < KEYS; n += 16) {
      if (key + n > own + WAVE_ROWS - 1) {
        continue;
      }
      Sums p[R];
      Sums dp[R];
      row_products<D>(p, q, q_tile, k_tile, n);
      row_products<D>(dp, d, d_tile, v_tile, n);
      Operand weights[R];
      UNROLL for (int r = 0; r < R; r++) {
        UNROLL for (int i = 0; i < SUMS; i++) {
          bool seen = key + n + own_column(i) <= own + 16 * r + own_row();
          float e = fast_exp2(fmaf(p[r].x[i], scale * LOG2_E, offset[r]));
          dp[r].x[i] = seen ? (dp[r].x[i] - expected[r]) * e : 0.0f;
        }
        weights[r] = rounded_operand(dp[r]);
      }
      weigh<D, KEYS>(d_q, weights, k_transposed, n);
    }
  }
  float scales[R];
  UNROLL for (int r = 0; r < R; r++) {
    scales[r] = scale;
  }
  store_rows<D>(d_qkv + head.qkv(first, D), head.stride, d_q, scales, t - first);
}

KERNEL(BACKWARD_THREADS)
attention_backward_query_64_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                               const float* log_sum_exps, int t, int heads) {
  flash_backward_query<64>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}

KERNEL(BACKWARD_THREADS)
attention_backward_query_128_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                                const float* log_sum_exps, int t, int heads) {
  flash_backward_query<128>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}
