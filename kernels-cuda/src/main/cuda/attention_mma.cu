// Causal self-attention on tensor cores: version 3 of attention.cu's, for tensors of bf16 and heads of
// 64 or 128 channels. What is computed is said there.
//
// Traffic is that of version 2, at half the bytes. What differs: scores, probabilities and sums never
// leave registers. Scores of a tile come out of the tensor cores as fragments; exponentials are taken
// in place; rounded to bf16 they are the left factor of the second product as they stand. dK and dV
// need the tile transposed, so that kernel computes it as k qᵀ: its rows are keys. Shared memory has
// only what is read from memory, brought by cp.async while the tile before is computed on. No atomics:
// backward computes scores twice, so that dQ and dK, dV have one writer each (7 products, not 5).
//
// A block is 4 warps with at most 255 registers a lane (docs/measured/cuda-registers.md), so that 2 blocks
// share a multiprocessor. A warp has 32 rows of its tile, so that each fragment of the other tile serves
// two products; in backward of 128 channels 16, since sums fill the registers. Tiles and shared memory,
// for 64 channels and for 128:
//   forward         128 queries, 64 keys (32): 32 KiB, 48 KiB; k comes while v is used, and v while k is
//   backward_key    128 keys (64), 32 queries, two buffers of q and dOut: 48.5 KiB, 64.5 KiB
//   backward_query  128 queries (64), 32 keys, two buffers of k and v: 48 KiB, 64 KiB
// Where a multiprocessor has 100 KiB (sm_89, sm_120) backward of 128 channels has it to itself.
// Source: Dao, "FlashAttention-2", 2023.
#include "attention_head.cuh"
#include "mma.cuh"

static constexpr int WARPS = 4;
static constexpr int THREADS = WARPS * WARP;
static constexpr float LOG2_E = 1.44269504f;

// c (16 R, N) += the rows of `a` times all N rows of `b`, from `d` on 16 channels of them.
template <int D, int N, int R>
__device__ __forceinline__ void add_products(FragmentC (&c)[R][N / 8], const FragmentA (&a)[R],
                                             const bf16* b, int d) {
  UNROLL for (int n = 0; n < N; n += 16) {
    FragmentB bs[2];
    load_bs<D>(bs, b, d, n);
    UNROLL for (int r = 0; r < R; r++) {
      multiply_add(c[r][n / 8], a[r], bs[0]);
      multiply_add(c[r][n / 8 + 1], a[r], bs[1]);
    }
  }
}

// c (16 R, N) += rows of `a` from `row` on times all N rows of `b`: sums over D channels.
template <int D, int N, int R>
__device__ __forceinline__ void row_products(FragmentC (&c)[R][N / 8], const bf16* a, int row,
                                             const bf16* b) {
  // Unrolled no further, since addresses would take registers that the sums need.
  UNROLL_BY(2) for (int d = 0; d < D; d += 16) {
    FragmentA as[R];
    UNROLL for (int r = 0; r < R; r++) {
      load_a<D>(as[r], a, row + 16 * r, d);
    }
    add_products<D, N, R>(c, as, b, d);
  }
}

// c (16 R, D) += weights (16 R, N), rounded, times the N rows of `b`.
template <int D, int N, int R>
__device__ __forceinline__ void weigh(FragmentC (&c)[R][D / 8],
                                      const FragmentC (&weights)[R][N / 8], const bf16* b) {
  UNROLL for (int n = 0; n < N; n += 16) {
    FragmentA as[R];
    UNROLL for (int r = 0; r < R; r++) {
      as[r] = rounded_a(weights[r][n / 8], weights[r][n / 8 + 1]);
    }
    UNROLL for (int d = 0; d < D; d += 16) {
      FragmentB bs[2];
      load_bs_by_rows<D>(bs, b, n, d);
      UNROLL for (int r = 0; r < R; r++) {
        multiply_add(c[r][d / 8], as[r], bs[0]);
        multiply_add(c[r][d / 8 + 1], as[r], bs[1]);
      }
    }
  }
}

template <int R, int N>
__device__ __forceinline__ void fill(FragmentC (&c)[R][N], float value) {
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int n = 0; n < N; n++) {
      c[r][n].fill(value);
    }
  }
}

// Of the four lanes that share rows of a C.
__device__ __forceinline__ float four_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
  return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}

__device__ __forceinline__ float four_sum(float x) {
  x += __shfl_xor_sync(ALL_LANES, x, 1);
  return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

// Writes 16 rows of D channels, `rows` of which exist, each half of them times its factor.
template <int D>
__device__ __forceinline__ void store_rows(bf16* to, long long stride, const FragmentC (&c)[D / 8],
                                           float factor0, float factor1, int rows) {
  UNROLL for (int half = 0; half < 2; half++) {
    int row = fragment_row(2 * half);
    UNROLL for (int d = 0; d < D; d += 32) {
      store_row(to + row * stride + d, &c[d / 8], half, half ? factor1 : factor0, row < rows, 32);
    }
  }
}

// By how much this lane's first row of a tile of scores, whose rows are queries from `query` on, is ahead
// of its first column, whose columns are keys from `key` on.
__device__ __forceinline__ int positions_ahead(int query, int key) {
  return query + fragment_row(0) - key - fragment_column(0);
}

// Whether number i of C n of such a tile is of a key that is later than its query.
__device__ __forceinline__ bool is_later(int n, int i, int ahead) {
  return 8 * n + i % 2 - i / 2 * 8 > ahead;
}

// ---- forward ----

// The next tile of scores of 16 rows, in place their exponentials; corrects what was summed before.
// Scores are of keys from `key` on, row 0 is of `query`; with `masked` later keys count nothing.
template <int D, int N>
__device__ __forceinline__ void soften(FragmentC (&s)[N / 8], FragmentC (&result)[D / 8],
                                       float (&max)[2], float (&sum)[2], float scale_log2, int key,
                                       int query, bool masked) {
  if (masked) {
    int ahead = positions_ahead(query, key);
    UNROLL for (int n = 0; n < N / 8; n++) {
      UNROLL for (int i = 0; i < 4; i++) {
        s[n].x[i] = is_later(n, i, ahead) ? -INFINITY_F : s[n].x[i];
      }
    }
  }
  UNROLL for (int half = 0; half < 2; half++) {
    float largest = max[half];
    UNROLL for (int n = 0; n < N / 8; n++) {
      largest = fmaxf(largest, fmaxf(s[n].x[2 * half], s[n].x[2 * half + 1]));
    }
    largest = four_max(largest);
    float kept = fast_exp2((max[half] - largest) * scale_log2);
    float offset = -largest * scale_log2;
    float added = 0.0f;
    UNROLL for (int n = 0; n < N / 8; n++) {
      UNROLL for (int i = 2 * half; i < 2 * half + 2; i++) {
        s[n].x[i] = fast_exp2(fmaf(s[n].x[i], scale_log2, offset));
        added += s[n].x[i];
      }
    }
    max[half] = largest;
    sum[half] = fmaf(sum[half], kept, added);
    UNROLL for (int d = 0; d < D / 8; d++) {
      result[d].x[2 * half] *= kept;
      result[d].x[2 * half + 1] *= kept;
    }
  }
}

// blockIdx.x: tile of queries, the last first, since it has most keys.
template <int D, int KEYS>
__device__ __forceinline__ void flash_forward(bf16* out, float* log_sum_exps, const bf16* qkv,
                                              int t, int heads) {
  static constexpr int R = 2;
  static constexpr int QUERIES = WARPS * 16 * R;
  static constexpr bool KEPT = D == 64;
  DYNAMIC_SHARED(bf16, q);
  bf16* k = q + QUERIES * D;
  bf16* v = k + KEYS * D;
  Head head(t, heads, D);
  int first = (gridDim.x - 1 - blockIdx.x) * QUERIES;
  int own = threadIdx.x / WARP * 16 * R;  // this warp's first query in the tile
  int end = lesser(t, first + QUERIES);   // of the keys
  const bf16* keys = qkv + head.qkv(0, D) + head.c;
  bring<QUERIES, D, THREADS>(q, qkv + head.qkv(first, D), head.stride, t - first, D);
  bring<KEYS, D, THREADS>(k, keys, head.stride, t, D);
  end_group();
  FragmentA kept[D / 16][R];
  if (KEPT) {
    wait_for_groups<0>();
    __syncthreads();
    UNROLL for (int d = 0; d < D; d += 16) {
      UNROLL for (int r = 0; r < R; r++) {
        load_a<D>(kept[d / 16][r], q, own + 16 * r, d);
      }
    }
  }
  float scale = 1.0f / sqrtf((float)D);
  float max[R][2];
  float sum[R][2];
  FragmentC result[R][D / 8];
  fill(result, 0.0f);
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int half = 0; half < 2; half++) {
      max[r][half] = -INFINITY_F;
      sum[r][half] = 0.0f;
    }
  }
  for (int key = 0; key < end; key += KEYS) {
    // Tiles begin at multiples of a warp's queries, so a warp that sees any key sees the first.
    bool seen = key <= first + own;
    FragmentC s[R][KEYS / 8];
    wait_for_groups<0>();
    __syncthreads();
    bring<KEYS, D, THREADS>(v, keys + head.c, head.stride, t - key, D);
    end_group();
    if (seen) {
      fill(s, 0.0f);
      if (KEPT) {
        UNROLL for (int d = 0; d < D; d += 16) {
          add_products<D, KEYS, R>(s, kept[d / 16], k, d);
        }
      } else {
        row_products<D, KEYS, R>(s, q, own, k);
      }
    }
    wait_for_groups<0>();
    __syncthreads();
    keys += KEYS * head.stride;
    if (key + KEYS < end) {
      bring<KEYS, D, THREADS>(k, keys, head.stride, t - key - KEYS, D);
      end_group();
    }
    if (seen) {
      UNROLL for (int r = 0; r < R; r++) {
        int query = first + own + 16 * r;
        // Where registers are short the branch would cost more of them than the comparisons.
        bool masked = D == 128 || key + KEYS - 1 > query;
        soften<D, KEYS>(s[r], result[r], max[r], sum[r], scale * LOG2_E, key, query, masked);
      }
      weigh<D, KEYS, R>(result, s, v);
    }
  }
  UNROLL for (int r = 0; r < R; r++) {
    int query = first + own + 16 * r;
    UNROLL for (int half = 0; half < 2; half++) {
      sum[r][half] = four_sum(sum[r][half]);
      int row = query + fragment_row(2 * half);
      if (lane() % 4 == 0 && row < t) {
        log_sum_exps[(long long)blockIdx.y * t + row] =
            fmaf(max[r][half], scale, log_poly(sum[r][half]));
      }
    }
    store_rows<D>(out + head.out(query, D), head.c, result[r], 1.0f / sum[r][0], 1.0f / sum[r][1],
                  t - query);
  }
}

KERNEL(128)
attention_forward_64_v3(bf16* out, float* log_sum_exps, const bf16* qkv, int t, int heads) {
  flash_forward<64, 64>(out, log_sum_exps, qkv, t, heads);
}

KERNEL(128)
attention_forward_128_v3(bf16* out, float* log_sum_exps, const bf16* qkv, int t, int heads) {
  flash_forward<128, 32>(out, log_sum_exps, qkv, t, heads);
}

// ---- backward ----

// Begins to bring N floats from `from`; zeros from `count` on.
template <int N>
__device__ __forceinline__ void bring_floats(float* to, const float* from, int count) {
  int i = threadIdx.x;
  if (i < N) {
    begin_copy<4>(to + i, from + i, i < count);
  }
}

// dK and dV of a tile of keys: blockIdx.x, the first first, since it has most queries.
template <int D, int R, int QUERIES>
__device__ __forceinline__ void flash_backward_key(bf16* d_qkv, const float* delta,
                                                   const bf16* d_out, const bf16* qkv,
                                                   const float* log_sum_exps, int t, int heads) {
  static constexpr int KEYS = WARPS * 16 * R;
  DYNAMIC_SHARED(bf16, k);
  bf16* v = k + KEYS * D;
  bf16* q = v + KEYS * D;         // two buffers
  bf16* d = q + 2 * QUERIES * D;  // of each
  float* lse = reinterpret_cast<float*>(d + 2 * QUERIES * D);
  float* expected = lse + 2 * QUERIES;
  Head head(t, heads, D);
  int first = blockIdx.x * KEYS;
  int own = threadIdx.x / WARP * 16 * R;  // this warp's first key in the tile
  const bf16* queries = qkv + head.qkv(0, D);
  const bf16* d_outs = d_out + head.out(0, D);
  log_sum_exps += (long long)blockIdx.y * t;
  delta += (long long)blockIdx.y * t;
  auto bring_queries = [&](int query, int buffer) {
    int left = t - query;
    bring<QUERIES, D, THREADS>(q + buffer * QUERIES * D, queries + query * head.stride, head.stride,
                               left, D);
    bring<QUERIES, D, THREADS>(d + buffer * QUERIES * D, d_outs + (long long)query * head.c, head.c,
                               left, D);
    bring_floats<QUERIES>(lse + buffer * QUERIES, log_sum_exps + query, left);
    bring_floats<QUERIES>(expected + buffer * QUERIES, delta + query, left);
    end_group();
  };
  const bf16* keys = queries + first * head.stride + head.c;
  bring<KEYS, D, THREADS>(k, keys, head.stride, t - first, D);
  bring<KEYS, D, THREADS>(v, keys + head.c, head.stride, t - first, D);
  bring_queries(first, 0);
  float scale = 1.0f / sqrtf((float)D);
  FragmentC d_k[R][D / 8];
  FragmentC d_v[R][D / 8];
  fill(d_k, 0.0f);
  fill(d_v, 0.0f);
  int buffer = 0;
  for (int query = first; query < t; query += QUERIES) {
    wait_for_groups<0>();
    __syncthreads();
    if (query + QUERIES < t) {
      // The other buffer was last read before the barrier.
      bring_queries(query + QUERIES, 1 - buffer);
    }
    const bf16* qs = q + buffer * QUERIES * D;
    const bf16* ds = d + buffer * QUERIES * D;
    // Of all queries some are at or after this warp's first key, if the last is.
    if (query + QUERIES > first + own) {
      // Both have keys as rows and queries as columns. Queries beyond t are zeros, and add nothing.
      FragmentC p[R][QUERIES / 8];
      FragmentC dp[R][QUERIES / 8];
      fill(p, 0.0f);
      row_products<D, QUERIES, R>(p, k, own, qs);
      // As if queries were rows: then a key is later where a row is ahead of its column.
      int ahead = positions_ahead(first + own, query);
      UNROLL for (int n = 0; n < QUERIES / 8; n++) {
        UNROLL for (int i = 0; i < 2; i++) {
          int column = 8 * n + fragment_column(i);
          float offset = lse[buffer * QUERIES + column] * -LOG2_E;
          float negative = -expected[buffer * QUERIES + column];
          UNROLL for (int r = 0; r < R; r++) {
            UNROLL for (int half = 0; half < 2; half++) {
              float& x = p[r][n].x[2 * half + i];
              x = fast_exp2(fmaf(x, scale * LOG2_E, offset));
              x = ahead + 16 * r > 8 * n + i - 8 * half ? 0.0f : x;
              dp[r][n].x[2 * half + i] = negative;
            }
          }
        }
      }
      weigh<D, QUERIES, R>(d_v, p, ds);
      row_products<D, QUERIES, R>(dp, v, own, ds);
      UNROLL for (int r = 0; r < R; r++) {
        UNROLL for (int n = 0; n < QUERIES / 8; n++) {
          UNROLL for (int i = 0; i < 4; i++) {
            dp[r][n].x[i] *= p[r][n].x[i];
          }
        }
      }
      weigh<D, QUERIES, R>(d_k, dp, qs);
    }
    buffer = 1 - buffer;
  }
  UNROLL for (int r = 0; r < R; r++) {
    int key = first + own + 16 * r;
    bf16* to = d_qkv + head.qkv(key, D) + head.c;
    store_rows<D>(to, head.stride, d_k[r], scale, scale, t - key);
    store_rows<D>(to + head.c, head.stride, d_v[r], 1.0f, 1.0f, t - key);
  }
}

KERNEL(128)
attention_backward_key_64_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                             const float* log_sum_exps, int t, int heads) {
  flash_backward_key<64, 2, 32>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}

KERNEL(128)
attention_backward_key_128_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                              const float* log_sum_exps, int t, int heads) {
  flash_backward_key<128, 1, 32>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}

// dQ of a tile of queries, the last first.
template <int D, int R, int KEYS>
__device__ __forceinline__ void flash_backward_query(bf16* d_qkv, const float* delta,
                                                     const bf16* d_out, const bf16* qkv,
                                                     const float* log_sum_exps, int t, int heads) {
  static constexpr int QUERIES = WARPS * 16 * R;
  DYNAMIC_SHARED(bf16, q);
  bf16* d = q + QUERIES * D;
  bf16* k = d + QUERIES * D;   // two buffers
  bf16* v = k + 2 * KEYS * D;  // of each
  Head head(t, heads, D);
  int first = (gridDim.x - 1 - blockIdx.x) * QUERIES;
  int own = threadIdx.x / WARP * 16 * R;  // this warp's first query in the tile
  int end = lesser(t, first + QUERIES);
  const bf16* keys = qkv + head.qkv(0, D) + head.c;
  auto bring_keys = [&](int key, int buffer) {
    const bf16* from = keys + key * head.stride;
    bring<KEYS, D, THREADS>(k + buffer * KEYS * D, from, head.stride, t - key, D);
    bring<KEYS, D, THREADS>(v + buffer * KEYS * D, from + head.c, head.stride, t - key, D);
    end_group();
  };
  bring<QUERIES, D, THREADS>(q, qkv + head.qkv(first, D), head.stride, t - first, D);
  bring<QUERIES, D, THREADS>(d, d_out + head.out(first, D), head.c, t - first, D);
  bring_keys(0, 0);
  float scale = 1.0f / sqrtf((float)D);
  float offset[R][2];
  float negative[R][2];
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int half = 0; half < 2; half++) {
      int row = first + own + 16 * r + fragment_row(2 * half);
      long long at = (long long)blockIdx.y * t + row;
      offset[r][half] = row < t ? log_sum_exps[at] * -LOG2_E : 0.0f;
      negative[r][half] = row < t ? -delta[at] : 0.0f;
    }
  }
  FragmentC d_q[R][D / 8];
  fill(d_q, 0.0f);
  int buffer = 0;
  for (int key = 0; key < end; key += KEYS) {
    wait_for_groups<0>();
    __syncthreads();
    if (key + KEYS < end) {
      bring_keys(key + KEYS, 1 - buffer);
    }
    const bf16* ks = k + buffer * KEYS * D;
    const bf16* vs = v + buffer * KEYS * D;
    if (key <= first + own) {
      FragmentC p[R][KEYS / 8];
      FragmentC dp[R][KEYS / 8];
      fill(p, 0.0f);
      row_products<D, KEYS, R>(p, q, own, ks);
      UNROLL for (int r = 0; r < R; r++) {
        int query = first + own + 16 * r;
        int ahead = positions_ahead(query, key);
        UNROLL for (int n = 0; n < KEYS / 8; n++) {
          UNROLL for (int i = 0; i < 4; i++) {
            float x = fast_exp2(fmaf(p[r][n].x[i], scale * LOG2_E, offset[r][i / 2]));
            p[r][n].x[i] = is_later(n, i, ahead) ? 0.0f : x;
            dp[r][n].x[i] = negative[r][i / 2];
          }
        }
      }
      row_products<D, KEYS, R>(dp, d, own, vs);
      UNROLL for (int r = 0; r < R; r++) {
        UNROLL for (int n = 0; n < KEYS / 8; n++) {
          UNROLL for (int i = 0; i < 4; i++) {
            dp[r][n].x[i] *= p[r][n].x[i];
          }
        }
      }
      weigh<D, KEYS, R>(d_q, dp, ks);
    }
    buffer = 1 - buffer;
  }
  UNROLL for (int r = 0; r < R; r++) {
    int query = first + own + 16 * r;
    store_rows<D>(d_qkv + head.qkv(query, D), head.stride, d_q[r], scale, scale, t - query);
  }
}

KERNEL(128)
attention_backward_query_64_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                               const float* log_sum_exps, int t, int heads) {
  flash_backward_query<64, 2, 32>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}

KERNEL(128)
attention_backward_query_128_v3(bf16* d_qkv, const float* delta, const bf16* d_out, const bf16* qkv,
                                const float* log_sum_exps, int t, int heads) {
  flash_backward_query<128, 1, 32>(d_qkv, delta, d_out, qkv, log_sum_exps, t, heads);
}
