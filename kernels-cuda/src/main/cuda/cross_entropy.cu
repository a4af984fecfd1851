// Softmax cross-entropy over rows of V of Vp logits.
//
// CrossEntropyForward: logSumExp over the first V columns, and loss = logSumExp - logit of the target.
// CrossEntropyBackward: dLogits = dLoss * (exp(logit - logSumExp) - [v = target]), 0 from V on; in
// place of the logits when the plan says so.
// Where a target's logit is so small that the loss is not finite, neither is its gradient, so that no
// update comes of it.
// Traffic: forward one read, backward one read and one write per logit. Probabilities are never
// stored; logSumExp is enough to have them again.
//
// v1  forward one thread per row, two passes; backward one thread per logit
// v2  forward one block per row, 128-bit packs, largest and sum in one pass (each thread rescales its
//     sum when it meets a larger logit); backward one pack per thread
//
// v3  in bf16 the hardware's exponential and its rounding of two numbers at once; rows are in whole
//     packs, or it is v2's work
//
// cross_entropy_fused: both at once, for when dLosses are known before; the gradient takes the logits'
// place.
//
// v1  a row is read a second time while it is still in the second-level cache
// v2  v3's arithmetic, and the row kept in shared memory, as far as there is room: one read, one write
#include "pack_floats.cuh"

KERNEL(256)
cross_entropy_forward_v1(float* losses, float* log_sum_exps, const real* logits, const int* targets,
                         int rows, int vocabulary, int columns) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) {
    return;
  }
  const real* x = logits + (long long)row * columns;
  float max = -INFINITY_F;
  for (int v = 0; v < vocabulary; v++) {
    max = larger(max, to_float(x[v]));
  }
  float sum = 0.0f;
  for (int v = 0; v < vocabulary; v++) {
    sum += exp_poly(to_float(x[v]) - max);
  }
  float log_sum_exp = max + log_poly(sum);
  log_sum_exps[row] = log_sum_exp;
  losses[row] = log_sum_exp - to_float(x[targets[row]]);
}

// The logarithm of the sum of exponentials of a row, in all threads of the block.
__device__ __forceinline__ float log_sum_exp_of(const real* x, int vocabulary, bool aligned) {
  __shared__ float maxima[WARP];
  __shared__ float sums[WARP];
  float max = -INFINITY_F;
  float sum = 0.0f;
  for (int i = threadIdx.x * PACK; i < vocabulary; i += blockDim.x * PACK) {
    // With whole packs, those beyond the vocabulary are padding, and skipped below.
    Pack<real> p = load_some(x + i, vocabulary - i, aligned);
    int count = lesser(PACK, vocabulary - i);
    float local = -INFINITY_F;
    UNROLL for (int k = 0; k < PACK; k++) {
      local = k < count ? larger(local, p.get(k)) : local;
    }
    if (!(local <= max)) {
      // Not exp(-infinity - local): of nothing there is nothing to rescale.
      sum = sum == 0.0f ? 0.0f : sum * exp_poly(max - local);
      max = local;
    }
    UNROLL for (int k = 0; k < PACK; k++) {
      sum += k < count && max != -INFINITY_F ? exp_poly(p.get(k) - max) : 0.0f;
    }
  }
  float largest = block_max(max, maxima);
  sum = sum == 0.0f ? 0.0f : sum * exp_poly(max - largest);
  return largest + log_poly(block_sum(sum, sums));
}

KERNEL(1024)
cross_entropy_forward_v2(float* losses, float* log_sum_exps, const real* logits, const int* targets,
                         int vocabulary, int columns) {
  int row = blockIdx.x;
  const real* x = logits + (long long)row * columns;
  float log_sum_exp = log_sum_exp_of(x, vocabulary, columns % PACK == 0);
  if (threadIdx.x == 0) {
    log_sum_exps[row] = log_sum_exp;
    losses[row] = log_sum_exp - to_float(x[targets[row]]);
  }
}

// What is subtracted at the target, whose logit is `e` from logSumExp: d_loss, or NaN for an infinite e.
__device__ __forceinline__ float hit_of(float d_loss, float e) {
  return d_loss + (e - e);
}

__device__ __forceinline__ float d_logit(float logit, int v, float d_loss, float log_sum_exp,
                                         int target, int vocabulary) {
  if (v >= vocabulary) {
    return 0.0f;
  }
  float e = logit - log_sum_exp;
  float d = d_loss * exp_poly(e);
  return v == target ? d - hit_of(d_loss, e) : d;
}

KERNEL(256)
cross_entropy_backward_v1(real* d_logits, const float* d_losses, const real* logits,
                          const float* log_sum_exps, const int* targets, int rows, int vocabulary,
                          int columns) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  int row = (int)(i / columns);
  if (row < rows) {
    d_logits[i] = rounded<real>(d_logit(to_float(logits[i]), (int)(i % columns), d_losses[row],
                                        log_sum_exps[row], targets[row], vocabulary));
  }
}

__device__ __forceinline__ void d_logits_of(real* d, const real* x, int first, int step,
                                            float d_loss, float log_sum_exp, int target,
                                            int vocabulary, int columns) {
  bool aligned = columns % PACK == 0;
  for (int i = first; i < columns; i += step) {
    int count = lesser(PACK, columns - i);
    Pack<real> p = load_some(x + i, count, aligned);
    UNROLL for (int k = 0; k < PACK; k++) {
      p.set(k, d_logit(p.get(k), i + k, d_loss, log_sum_exp, target, vocabulary));
    }
    store_some(d + i, p, count, aligned);
  }
}

// blockIdx.x: row, blockIdx.y: which 256 packs of it.
KERNEL(256)
cross_entropy_backward_v2(real* d_logits, const float* d_losses, const real* logits,
                          const float* log_sum_exps, const int* targets, int rows, int vocabulary,
                          int columns) {
  int row = blockIdx.x;
  long long at = (long long)row * columns;
  int first = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  d_logits_of(d_logits + at, logits + at, first, gridDim.y * blockDim.x * PACK, d_losses[row],
              log_sum_exps[row], targets[row], vocabulary, columns);
}

KERNEL(1024)
cross_entropy_fused_v1(float* losses, float* log_sum_exps, real* d_logits, const float* d_losses,
                       const real* logits, const int* targets, int vocabulary, int columns) {
  int row = blockIdx.x;
  long long at = (long long)row * columns;
  const real* x = logits + at;
  int target = targets[row];
  float log_sum_exp = log_sum_exp_of(x, vocabulary, columns % PACK == 0);
  if (threadIdx.x == 0) {
    log_sum_exps[row] = log_sum_exp;
    losses[row] = log_sum_exp - to_float(x[target]);
  }
  __syncthreads();
  d_logits_of(d_logits + at, x, threadIdx.x * PACK, blockDim.x * PACK, d_losses[row], log_sum_exp,
              target, vocabulary, columns);
}

// ---- by the hardware's conversions ----

static constexpr float LOG2_E = 1.44269504f;

// The arithmetic of a row. In bf16 exponents count in powers of two: e^(x - max) is 2^(x log2 e - max log2
// e), one multiply-add and one instruction. In fp32 it is exp_poly, to the last bit.
#ifdef ANNEAL_BF16
__device__ __forceinline__ float exponent_base(float max) {
  return max * -LOG2_E;
}
__device__ __forceinline__ float power(float x, float base) {
  return fast_exp2(fmaf(x, LOG2_E, base));
}
#else
__device__ __forceinline__ float exponent_base(float max) {
  return -max;
}
__device__ __forceinline__ float power(float x, float base) {
  return exp_poly(x + base);
}
#endif

// A thread's largest logit and the sum of exponentials below it.
struct RowSum {
  float max = -INFINITY_F;
  float sum = 0.0f;

  // The numbers of a pack, of which `count` are logits.
  __device__ __forceinline__ void add(float (&x)[PACK], int count) {
    if (count < PACK) {
      UNROLL for (int k = 0; k < PACK; k++) {
        x[k] = k < count ? x[k] : -INFINITY_F;
      }
    }
    float largest = x[0];
    UNROLL for (int k = 1; k < PACK; k++) {
      largest = larger_number(largest, x[k]);
    }
    if (largest > max) {
      // Of nothing there is nothing to rescale.
      sum = sum == 0.0f ? 0.0f : sum * power(max, exponent_base(largest));
      max = largest;
    }
    // Where all are -infinity, any number less than infinity serves.
    float base = max == -INFINITY_F ? 0.0f : exponent_base(max);
    UNROLL for (int k = 0; k < PACK; k++) {
      sum += power(x[k], base);
    }
  }

  // The logarithm of the block's sum, in all its threads.
  __device__ __forceinline__ float logarithm() {
    __shared__ float maxima[WARP];
    __shared__ float sums[WARP];
    float largest = block_max(max, maxima);
    float rescaled = sum == 0.0f ? 0.0f : sum * power(max, exponent_base(largest));
    return largest + log_poly(block_sum(rescaled, sums));
  }
};

KERNEL(1024)
cross_entropy_forward_v3(float* losses, float* log_sum_exps, const real* logits, const int* targets,
                         int vocabulary, int columns) {
  int row = blockIdx.x;
  const real* x = logits + (long long)row * columns;
  RowSum row_sum;
  UNROLL_BY(4) for (int i = threadIdx.x * PACK; i < vocabulary; i += blockDim.x * PACK) {
    float numbers[PACK];
    to_floats(numbers, load_pack_once(x + i));
    row_sum.add(numbers, vocabulary - i);
  }
  float log_sum_exp = row_sum.logarithm();
  if (threadIdx.x == 0) {
    log_sum_exps[row] = log_sum_exp;
    losses[row] = log_sum_exp - to_float(x[targets[row]]);
  }
}

// What all packs of a row of gradients have in common.
struct RowGradient {
  float d_loss;
  float base;
  int target;
  int vocabulary;

  // The gradients of the logits from column i on.
  __device__ __forceinline__ Pack<real> of(const Pack<real>& logits, int i) const {
    float x[PACK];
    to_floats(x, logits);
    UNROLL for (int k = 0; k < PACK; k++) {
      x[k] = d_loss * power(x[k], base);
    }
    if ((unsigned)(target - i) < (unsigned)PACK) {
      UNROLL for (int k = 0; k < PACK; k++) {
        x[k] = k == target - i ? x[k] - hit_of(d_loss, logits.get(k) + base) : x[k];
      }
    }
    if (i + PACK > vocabulary) {
      UNROLL for (int k = 0; k < PACK; k++) {
        x[k] = i + k < vocabulary ? x[k] : 0.0f;
      }
    }
    return pack_of(x);
  }
};

// blockIdx.x: row, blockIdx.y: which 256 packs of it.
KERNEL(256)
cross_entropy_backward_v3(real* d_logits, const float* d_losses, const real* logits,
                          const float* log_sum_exps, const int* targets, int rows, int vocabulary,
                          int columns) {
  int row = blockIdx.x;
  int i = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (i >= columns) {
    return;
  }
  long long at = (long long)row * columns + i;
  RowGradient gradient = {d_losses[row], exponent_base(log_sum_exps[row]), targets[row],
                          vocabulary};
  store_pack_once(d_logits + at, gradient.of(load_pack_once(logits + at), i));
}

// `kept`: packs of a row that shared memory has room for; the others are read twice.
KERNEL(1024)
cross_entropy_fused_v2(float* losses, float* log_sum_exps, real* d_logits, const float* d_losses,
                       const real* logits, const int* targets, int vocabulary, int columns,
                       int kept) {
  DYNAMIC_SHARED(Pack<real>, row_packs);
  int row = blockIdx.x;
  long long at = (long long)row * columns;
  const real* x = logits + at;
  int packs = columns / PACK;
  int inside = lesser(kept, packs);
  RowSum row_sum;
  UNROLL_BY(4) for (int p = threadIdx.x; p < inside; p += blockDim.x) {
    Pack<real> pack = load_pack_once(x + p * PACK);
    row_packs[p] = pack;
    float numbers[PACK];
    to_floats(numbers, pack);
    row_sum.add(numbers, vocabulary - p * PACK);
  }
  for (int p = inside + threadIdx.x; p < packs; p += blockDim.x) {
    float numbers[PACK];
    to_floats(numbers, load_pack(x + p * PACK));
    row_sum.add(numbers, vocabulary - p * PACK);
  }
  float log_sum_exp = row_sum.logarithm();
  int target = targets[row];
  if (threadIdx.x == 0) {
    log_sum_exps[row] = log_sum_exp;
    losses[row] = log_sum_exp - to_float(x[target]);
  }
  // Before its place is taken, the target's logit must have been read.
  __syncthreads();
  RowGradient gradient = {d_losses[row], exponent_base(log_sum_exp), target, vocabulary};
  real* d = d_logits + at;
  // Each thread takes the packs that it kept, so that nobody else's are waited for.
  UNROLL_BY(2) for (int p = threadIdx.x; p < inside; p += blockDim.x) {
    store_pack_once(d + p * PACK, gradient.of(row_packs[p], p * PACK));
  }
  for (int p = inside + threadIdx.x; p < packs; p += blockDim.x) {
    store_pack_once(d + p * PACK, gradient.of(load_pack(x + p * PACK), p * PACK));
  }
}
