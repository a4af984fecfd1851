// Causal self-attention by products of 32 x 32 (wide_matrix.cuh), on CDNA 2 and 3: version 4 of the forward
// pass, for tensors of bf16 and heads of 64 or 128 channels. What is computed is said in attention.cu;
// backward is attention_sweep.cu.
//
// Traffic is that of version 3 (attention_mma.cu), and as there a wave has 32 queries, a block 128, and
// scores, probabilities and sums stay in registers. What differs: an instruction has twice the work, a row
// has two lanes and not four, so that its maximum is one shuffle; tiles lie without padding, and no two
// lanes meet in a bank; and while the tile of keys is read that of values is written, and the other way
// round, each a round after its loads from memory began, so that no wave waits for both. 16 KiB of shared
// memory: tiles of 64 keys of 64 channels, or 32 of 128.
//
// docs/measured/hip-registers.md has the registers: none spills, and there is room for three waves on a SIMD
// with 64 channels and for two with 128.
// Source: Dao, "FlashAttention-2", 2023.
#include "wide_rows.cuh"

// A wave's 32 queries on their way through the keys.
template <int D, int KEYS>
struct Softmax {
  WideOperand weights[KEYS / 16];  // of the tile of keys: exponentials, rounded
  WideSums result[D / WIDE];
  float max, sum, kept;

  __device__ __forceinline__ void begin() {
    UNROLL for (int d = 0; d < D / WIDE; d++) {
      result[d].begin();
    }
    max = -INFINITY_F;
    sum = 0.0f;
  }

  // Scores of the keys from `key` on, in place their exponentials; row 0 is of `query`, and later keys
  // count nothing. `kept` is what remains of what was summed before.
  __device__ __forceinline__ void soften(const OwnRows<D>& q, const bf16* k_tile, float scale_log2,
                                         int key, int query) {
    float s[KEYS / 2];
    UNROLL for (int n = 0; n < KEYS / WIDE; n++) {
      WideSums products = q.times(k_tile, WIDE * n);
      UNROLL for (int i = 0; i < WIDE_SUMS; i++) {
        s[WIDE_SUMS * n + i] = products.x[i];
      }
    }
    int seen = query + wide_row() - key - wide_column();
    float largest = max;
    UNROLL for (int i = 0; i < KEYS / 2; i++) {
      s[i] = WIDE * (i / WIDE_SUMS) + wide_offset(i % WIDE_SUMS) > seen ? -INFINITY_F : s[i];
      largest = larger(largest, s[i]);
    }
    largest = wide_row_max(largest);
    kept = fast_exp2((max - largest) * scale_log2);
    float offset = -largest * scale_log2;
    float added = 0.0f;
    UNROLL for (int i = 0; i < KEYS / 2; i++) {
      s[i] = fast_exp2(fmaf(s[i], scale_log2, offset));
      added += s[i];
    }
    max = largest;
    sum = fmaf(sum, kept, added);
    UNROLL for (int i = 0; i < KEYS / 2; i += 2) {
      weights[i / 8].words[i / 2 % 4] = pair(s[i], s[i + 1]);
    }
  }

  __device__ __forceinline__ void weigh_values(const bf16* v_tile) {
    UNROLL for (int d = 0; d < D / WIDE; d++) {
      UNROLL for (int i = 0; i < WIDE_SUMS; i++) {
        result[d].x[i] *= kept;
      }
    }
    UNROLL for (int key = 0; key < KEYS; key += 16) {
      weigh<D, KEYS>(result, weights[key / 16], v_tile, key);
    }
  }
};

// blockIdx.x: tile of queries, the last first, since it has most keys.
template <int D, int KEYS>
__device__ __forceinline__ void flash_forward(bf16* out, float* log_sum_exps, const bf16* qkv,
                                              int t, int heads) {
  __shared__ __align__(16) bf16 k_tile[KEYS * D];
  __shared__ __align__(16) bf16 v_tile[D * KEYS];  // transposed
  Head head(t, heads, D);
  int first = (gridDim.x - 1 - blockIdx.x) * ROWS;
  int own = first + wave() * WIDE;    // this wave's first query
  int end = lesser(t, first + ROWS);  // of the keys
  const bf16* keys = qkv + head.qkv(0, D) + head.c;
  OwnRows<D> q;
  q.fetch(qkv + head.qkv(first, D), head.stride, t - first);
  Bringer<KEYS, D, THREADS, 1> bring_k;
  Bringer<KEYS, D, THREADS, 16> bring_v;
  auto load_k = [&](int key) { bring_k.load(keys + key * head.stride, head.stride, t - key, D); };
  auto load_v = [&](int key) {
    bring_v.load(keys + key * head.stride + head.c, head.stride, t - key, D);
  };
  load_k(0);
  load_v(0);
  float scale = 1.0f / sqrtf((float)D);
  Softmax<D, KEYS> softmax;
  softmax.begin();
  bring_k.template store<Swizzled<D>>(k_tile);
  if (KEYS < end) {
    load_k(KEYS);
  }
  for (int key = 0; key < end; key += KEYS) {
    int next = key + KEYS;
    // Tiles begin at multiples of a wave's queries, so a wave that sees any key sees the first.
    bool sees = key <= own;
    __syncthreads();  // keys are there, and nobody reads values
    bring_v.template store_transposed<Woven<KEYS>>(v_tile);
    if (next < end) {
      load_v(next);
    }
    if (sees) {
      softmax.soften(q, k_tile, scale * LOG2_E, key, own);
    }
    __syncthreads();  // values are there, and nobody reads keys
    if (next < end) {
      bring_k.template store<Swizzled<D>>(k_tile);
      if (next + KEYS < end) {
        load_k(next + KEYS);
      }
    }
    if (sees) {
      softmax.weigh_values(v_tile);
    }
  }
  float sum = wide_row_sum(softmax.sum);
  int query = own + wide_row();
  if (lane() < WIDE && query < t) {
    log_sum_exps[(long long)blockIdx.y * t + query] = fmaf(softmax.max, scale, log_poly(sum));
  }
  store_rows<D>(out + head.out(first, D), head.c, softmax.result, 1.0f / sum, t - first);
}

KERNEL(256, 3)
attention_forward_64_v4(bf16* out, float* log_sum_exps, const bf16* qkv, int t, int heads) {
  flash_forward<64, 64>(out, log_sum_exps, qkv, t, heads);
}

KERNEL(256, 2)
attention_forward_128_v4(bf16* out, float* log_sum_exps, const bf16* qkv, int t, int heads) {
  flash_forward<128, 32>(out, log_sum_exps, qkv, t, heads);
}
