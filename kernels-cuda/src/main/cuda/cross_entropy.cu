// Softmax cross-entropy over rows of V of Vp logits.
//
// CrossEntropyForward: logSumExp over the first V columns, and loss = logSumExp - logit of the target.
// CrossEntropyBackward: dLogits = dLoss * (exp(logit - logSumExp) - [v = target]), 0 from V on; in
// place of the logits when the plan says so.
// Traffic: forward one read, backward one read and one write per logit. Probabilities are never
// stored; logSumExp is enough to have them again.
//
// v1  forward one thread per row, two passes; backward one thread per logit
// v2  forward one block per row, 128-bit packs, largest and sum in one pass (each thread rescales its
//     sum when it meets a larger logit); backward one pack per thread
//
// cross_entropy_fused: both at once, for when dLosses are known before: a row is read a second time
// while it is still in the second-level cache, and its gradient takes its place.
#include "device.cuh"

KERNEL(256)
cross_entropy_forward_v1(float* losses, float* log_sum_exps, const real* logits,
                         const int* targets, int rows, int vocabulary, int columns) {
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
cross_entropy_forward_v2(float* losses, float* log_sum_exps, const real* logits,
                         const int* targets, int vocabulary, int columns) {
  int row = blockIdx.x;
  const real* x = logits + (long long)row * columns;
  float log_sum_exp = log_sum_exp_of(x, vocabulary, columns % PACK == 0);
  if (threadIdx.x == 0) {
    log_sum_exps[row] = log_sum_exp;
    losses[row] = log_sum_exp - to_float(x[targets[row]]);
  }
}

__device__ __forceinline__ float d_logit(float logit, int v, float d_loss, float log_sum_exp,
                                         int target, int vocabulary) {
  if (v >= vocabulary) {
    return 0.0f;
  }
  float d = d_loss * exp_poly(logit - log_sum_exp);
  return v == target ? d - d_loss : d;
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
