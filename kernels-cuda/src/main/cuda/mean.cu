// MeanForward: the mean of n floats, summed in double precision.
//
// Traffic: one read per element; n is the number of tokens, so one block is enough.
//
// v1  one block, whose threads take elements in turn
#include "device.cuh"

KERNEL(1024) mean_forward_v1(float* out, const float* in, long long n) {
  __shared__ double sums[WARP];
  double sum = 0.0;
  for (long long i = threadIdx.x; i < n; i += blockDim.x) {
    sum += in[i];
  }
  sum = warp_sum(sum);
  if (threadIdx.x % WARP == 0) {
    sums[threadIdx.x / WARP] = sum;
  }
  __syncthreads();
  if (threadIdx.x < WARP) {
    sum = warp_sum(threadIdx.x < blockDim.x / WARP ? sums[threadIdx.x] : 0.0);
    if (threadIdx.x == 0) {
      out[0] = (float)(sum / (double)n);
    }
  }
}
