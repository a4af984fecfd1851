// Backward pass of causal self-attention in one sweep, by products of 32 x 32 (wide_matrix.cuh), on CDNA 2
// and 3: version 4, for tensors of bf16 and heads of 64 or 128 channels. What is computed is said in
// attention.cu.
//
// Version 3 (attention_mma.cu) computes scores and their gradients twice, for dK and dV and again for dQ: 7
// products per pair of tiles. This computes them once: 5 products, half the exponentials. A block walks
// through tiles of 128 keys, 32 per wave, and through the queries that see them, 32 at a time; dK and dV
// are sums in registers. The gradients of scores go to shared memory once, whence each wave multiplies
// all of them by its quarter of the keys' channels, which it has in registers, and adds that to dQ.
//
// dQ is a sum over tiles of keys. There are no atomics: the tiles of a head are dealt to `parts` blocks, each
// of which has a dQ of floats of its own in scratch and adds to it in the order of its tiles, the same lane to
// the same numbers; another kernel adds the parts in order, and rounds. So bits depend on the number of
// parts, and that on sizes alone.
//
// Traffic: of T queries in K = T / 128 tiles of keys, each number of q and dOut is read (K + 1) / 2 times, of
// k and v once. Each number of dQ is written (K + 1) / 2 times and read as often, 4 bytes at a time, parts or
// not, then written once more: 38 bytes at T = 1024. Instead version 3 reads q and dOut as often, and k and v
// (K + 1) / 2 times more, 18 bytes per number there. Scratch is `parts` times 4 bytes per number of dQ: as
// many parts as it takes to fill a GPU, one where sequences and heads do. The next queries are on their way
// while these are multiplied, half of the threads bring q and half dOut. Shared memory: 25 KiB with 64
// channels, 41 with 128.
//
// docs/measured/hip-registers.md has the registers: none spills, and there is room for two waves on a SIMD
// with 64 channels and for one with 128.
// Source: Dao, "FlashAttention-2", 2023.
#include "wide_rows.cuh"

static constexpr int QUERIES = WIDE;

// A wave's quarter of the channels of dQ, for 32 queries: dScores times keys.
template <int D>
struct QueryGradient {
  static constexpr int CHANNELS = D / WAVES;

  Operand keys[ROWS / 16][CHANNELS / 16];  // rows are channels
  Sums sums[QUERIES / 16][CHANNELS / 16];

  static __device__ __forceinline__ int channel() {
    return wave() * CHANNELS;
  }

  // The block's keys, of which there are `rows`, transposed by way of `tile`, which has room for them.
  __device__ __forceinline__ void fetch(bf16* tile, const bf16* from, long long stride, int rows) {
    Bringer<ROWS, D, THREADS, 16> bringer;
    bringer.thread = unknown((int)threadIdx.x);
    bringer.load(from, stride, rows, D);
    __syncthreads();
    bringer.template store_transposed<Swizzled<ROWS>>(tile);
    __syncthreads();
    UNROLL for (int k = 0; k < ROWS; k += 16) {
      UNROLL for (int c = 0; c < CHANNELS; c += 16) {
        int at = Swizzled<ROWS>::at(channel() + c + own_row(), k + first_inner());
        keys[k / 16][c / 16].chunks[0] = *reinterpret_cast<const Chunk*>(tile + at);
      }
    }
    __syncthreads();
  }

  // For each four sums of this lane: they, where they are in a matrix of D channels, and whether the row is
  // one of `rows`.
  template <class Each>
  __device__ __forceinline__ void each(float* of, int rows, Each do_it) {
    UNROLL for (int r = 0; r < QUERIES; r += 16) {
      int row = r + own_row();
      UNROLL for (int c = 0; c < CHANNELS; c += 16) {
        float* at = of + (long long)row * D + channel() + c + own_column(0);
        do_it(sums[r / 16][c / 16], reinterpret_cast<float4*>(at), row < rows);
      }
    }
  }

  // What is there, or zeros when nothing is yet.
  __device__ __forceinline__ void load(float* from, int rows, bool is) {
    each(from, rows, [&](Sums& to, const float4* at, bool there) {
      float4 x = there && is ? *at : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
      to.x[0] = x.x;
      to.x[1] = x.y;
      to.x[2] = x.z;
      to.x[3] = x.w;
    });
  }

  __device__ __forceinline__ void store(float* to, int rows) {
    each(to, rows, [&](const Sums& from, float4* at, bool there) {
      if (there) {
        *at = make_float4(from.x[0], from.x[1], from.x[2], from.x[3]);
      }
    });
  }

  // d_scores: 32 queries times the block's keys.
  __device__ __forceinline__ void add(const bf16* d_scores) {
    UNROLL for (int k = 0; k < ROWS; k += 16) {
      UNROLL for (int r = 0; r < QUERIES; r += 16) {
        Operand rows = load_operand<ROWS>(d_scores, r, k);
        UNROLL for (int c = 0; c < CHANNELS; c += 16) {
          multiply_add(sums[r / 16][c / 16], rows, keys[k / 16][c / 16]);
        }
      }
    }
  }
};

// Tiles of 32 queries and of dOut, as they lie and transposed; before, once, the block's keys.
template <int D>
struct QueryTiles {
  union {
    struct {
      bf16 q[QUERIES * D];
      bf16 d[QUERIES * D];
      bf16 q_transposed[D * QUERIES];
      bf16 d_transposed[D * QUERIES];
    };
    bf16 keys[D * ROWS];
  };
  float lse[QUERIES];
  float expected[QUERIES];
};

// On their way from memory: half of the block's threads bring the queries, the others dOut.
template <int D>
struct QueryBringer {
  static constexpr int HALF = THREADS / 2;

  Bringer<QUERIES, D, HALF, 16> rows;
  bool of_d_out;
  float lse, expected;

  __device__ __forceinline__ void begin() {
    rows.thread = unknown((int)threadIdx.x) % HALF;
    of_d_out = wave() >= WAVES / 2;
  }

  __device__ __forceinline__ void load(const bf16* queries, const bf16* d_outs, const float* lses,
                                       const float* deltas, const Head& head, int query, int t) {
    long long stride = of_d_out ? head.c : head.stride;
    rows.load((of_d_out ? d_outs : queries) + query * stride, stride, t - query, D);
    int i = query + threadIdx.x;
    bool there = threadIdx.x < QUERIES && i < t;
    lse = there ? lses[i] : 0.0f;
    expected = there ? deltas[i] : 0.0f;
  }

  __device__ __forceinline__ void store(QueryTiles<D>& to) const {
    rows.template store<Swizzled<D>>(of_d_out ? to.d : to.q);
    rows.template store_transposed<Woven<QUERIES>>(of_d_out ? to.d_transposed : to.q_transposed);
    if (threadIdx.x < QUERIES) {
      to.lse[threadIdx.x] = lse;
      to.expected[threadIdx.x] = expected;
    }
  }
};

// A wave's 32 keys: dK and dV.
template <int D>
struct KeyGradients {
  OwnRows<D> k, v;
  WideSums d_k[D / WIDE], d_v[D / WIDE];

  __device__ __forceinline__ void begin(const bf16* keys, const Head& head, int rows) {
    k.fetch(keys, head.stride, rows);
    v.fetch(keys + head.c, head.stride, rows);
    UNROLL for (int d = 0; d < D / WIDE; d++) {
      d_k[d].begin();
      d_v[d].begin();
    }
  }

  // Adds what 32 queries from `query` on add to those of the keys from `own` on, and leaves the
  // gradients of their scores, a query's side by side. Queries beyond T are zeros, and add nothing.
  __device__ __forceinline__ void add(const QueryTiles<D>& tiles, bf16* d_scores, float scale_log2,
                                      int query, int own) {
    WideSums s = k.times(tiles.q, 0);
    WideSums ds = v.times(tiles.d, 0);
    const float* lse = tiles.lse + wide_column();
    const float* expected = tiles.expected + wide_column();
    bf16* to = d_scores + Padded<ROWS>::at(wide_column(), wave() * WIDE + wide_row());
    int seen = own + wide_row() - query - wide_column();
    WideOperand weights[2], d_weights[2];
    UNROLL for (int i = 0; i < WIDE_SUMS; i += 2) {
      float p[2], dp[2];
      UNROLL for (int j = 0; j < 2; j++) {
        int column = wide_offset(i + j);
        float e = fast_exp2(fmaf(s.x[i + j], scale_log2, lse[column] * -LOG2_E));
        p[j] = seen <= column ? e : 0.0f;
        dp[j] = (ds.x[i + j] - expected[column]) * p[j];
      }
      weights[i / 8].words[i / 2 % 4] = pair(p[0], p[1]);
      uint32 two = pair(dp[0], dp[1]);
      d_weights[i / 8].words[i / 2 % 4] = two;
      to[Padded<ROWS>::at(wide_offset(i), 0)].bits = (uint16)two;
      to[Padded<ROWS>::at(wide_offset(i + 1), 0)].bits = (uint16)(two >> 16);
    }
    UNROLL for (int half = 0; half < 2; half++) {
      weigh<D, QUERIES>(d_v, weights[half], tiles.d_transposed, 16 * half);
      weigh<D, QUERIES>(d_k, d_weights[half], tiles.q_transposed, 16 * half);
    }
  }
};

// blockIdx.x: the tiles of keys blockIdx.x + n gridDim.x.
template <int D>
__device__ __forceinline__ void flash_backward(bf16* d_qkv, float* partial, const float* delta,
                                               const bf16* d_out, const bf16* qkv,
                                               const float* log_sum_exps, int t, int heads) {
  __shared__ __align__(16) QueryTiles<D> tiles;
  __shared__ __align__(16) bf16 d_scores[QUERIES * (ROWS + PAD)];
  Head head(t, heads, D);
  const bf16* queries = qkv + head.qkv(0, D);
  const bf16* d_outs = d_out + head.out(0, D);
  log_sum_exps += (long long)blockIdx.y * t;
  delta += (long long)blockIdx.y * t;
  partial += ((long long)blockIdx.x * gridDim.y + blockIdx.y) * t * D;
  float scale = 1.0f / sqrtf((float)D);
  KeyGradients<D> own_keys;
  QueryGradient<D> d_q;
  QueryBringer<D> bringer;
  int begin = blockIdx.x * ROWS;
  for (int first = begin; first < t; first += gridDim.x * ROWS) {
    int own = first + wave() * WIDE;  // this wave's first key
    const bf16* keys = queries + first * head.stride + head.c;
    own_keys.begin(keys, head, t - first);
    d_q.fetch(tiles.keys, keys, head.stride, t - first);
    bringer.begin();
    bringer.load(queries, d_outs, log_sum_exps, delta, head, first, t);
    for (int query = first; query < t; query += QUERIES) {
      float* d_queries = partial + (long long)query * D;
      // Nobody reads tiles of queries since the barrier before last, nor scores since this one.
      bringer.store(tiles);
      __syncthreads();
      if (query + QUERIES < t) {
        bringer.load(queries, d_outs, log_sum_exps, delta, head, query + QUERIES, t);
      }
      own_keys.add(tiles, d_scores, scale * LOG2_E, query, own);
      d_q.load(d_queries, t - query, first != begin);
      __syncthreads();
      d_q.add(d_scores);
      d_q.store(d_queries, t - query);
    }
    bf16* to = d_qkv + head.qkv(first, D) + head.c;
    store_rows<D>(to, head.stride, own_keys.d_k, scale, t - first);
    store_rows<D>(to + head.c, head.stride, own_keys.d_v, 1.0f, t - first);
  }
}

KERNEL(256, 2)
attention_backward_64_v4(bf16* d_qkv, float* partial, const float* delta, const bf16* d_out,
                         const bf16* qkv, const float* log_sum_exps, int t, int heads) {
  flash_backward<64>(d_qkv, partial, delta, d_out, qkv, log_sum_exps, t, heads);
}

KERNEL(256)
attention_backward_128_v4(bf16* d_qkv, float* partial, const float* delta, const bf16* d_out,
                          const bf16* qkv, const float* log_sum_exps, int t, int heads) {
  flash_backward<128>(d_qkv, partial, delta, d_out, qkv, log_sum_exps, t, heads);
}

// dQ: the sum of the parts that have the query, in order. A thread has four channels.
template <int D>
__device__ __forceinline__ void sum_parts(bf16* d_qkv, const float* partial, int t, int heads,
                                          int sequences_and_heads, int parts) {
  long long i = ((long long)blockIdx.x * THREADS + threadIdx.x) * 4;
  long long numbers = (long long)sequences_and_heads * t * D;
  if (i >= numbers) {
    return;
  }
  int channel = (int)(i % D);
  int query = (int)(i / D % t);
  long long of = i / D / t;
  float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  for (int part = 0; part < parts && part * ROWS <= query; part++) {
    float4 x = *reinterpret_cast<const float4*>(partial + part * numbers + i);
    sum.x += x.x;
    sum.y += x.y;
    sum.z += x.z;
    sum.w += x.w;
  }
  float scale = 1.0f / sqrtf((float)D);
  long long token = of / heads * t + query;
  bf16* to = d_qkv + (token * 3 * heads + of % heads) * D + channel;
  *reinterpret_cast<uint2*>(to) =
      make_uint2(pair(sum.x * scale, sum.y * scale), pair(sum.z * scale, sum.w * scale));
}

KERNEL(256)
attention_backward_sum_64_v4(bf16* d_qkv, const float* partial, int t, int heads,
                             int sequences_and_heads, int parts) {
  sum_parts<64>(d_qkv, partial, t, heads, sequences_and_heads, parts);
}

KERNEL(256)
attention_backward_sum_128_v4(bf16* d_qkv, const float* partial, int t, int heads,
                              int sequences_and_heads, int parts) {
  sum_parts<128>(d_qkv, partial, t, heads, sequences_and_heads, parts);
}
