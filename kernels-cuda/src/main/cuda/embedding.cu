// EmbeddingForward: out(b,t) = wte(tokens(b,t)) + wpe(start + t).
// Traffic: two reads and one write per element.
//
// v1  one element per thread
// v2  one 128-bit pack per thread
//
// TokenEmbeddingForward: out(b,t) = wte(tokens(b,t)). Traffic: one read and one write per element.
//
// v1  one element per thread
// v2  one 128-bit pack per thread
//
// TokenEmbeddingBackward: dWte(v) (+)= sum of dOut(b,t) over all (b,t) with tokens(b,t) = v, in order
// of (b,t). Traffic: one read per element of dOut, one write per element of dWte.
//
// v1  one thread per channel walks through all tokens
// v2  tokens are put into buckets, one per vocabulary row; a warp adds up a bucket in order of (b,t)
//     and writes the row once, empty or not, so nothing has to be cleared. Buckets are made with
//     atomic counts, which are whole numbers and so the same in any order; positions are then ranked
//     within their bucket, since they arrive in any order. No float is added atomically.
//
// PositionEmbeddingBackward: dWpe(t) (+)= sum over b of dOut(b,t), rows from T on being zero.
//
// v1  one element per thread
// v2  one 128-bit pack per thread
#include "device.cuh"

KERNEL(256)
embedding_forward_v1(real* out, const int* tokens, const real* wte, const real* wpe,
                     const int* start, int rows, int t, int c) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  int row = (int)(i / c);
  if (row >= rows) {
    return;
  }
  int position = (start ? start[0] : 0) + row % t;
  float token = to_float(wte[(long long)tokens[row] * c + i % c]);
  out[i] = rounded<real>(token + to_float(wpe[(long long)position * c + i % c]));
}

// blockIdx.x: row, blockIdx.y: which 128 packs of it.
KERNEL(128)
embedding_forward_v2(real* out, const int* tokens, const real* wte, const real* wpe,
                     const int* start, int rows, int t, int c) {
  int row = blockIdx.x;
  int i = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (i >= c) {
    return;
  }
  int count = lesser(PACK, c - i);
  bool aligned = c % PACK == 0;
  int position = (start ? start[0] : 0) + row % t;
  Pack<real> x = load_some(wte + (long long)tokens[row] * c + i, count, aligned);
  Pack<real> y = load_some(wpe + (long long)position * c + i, count, aligned);
  UNROLL for (int k = 0; k < PACK; k++) {
    x.set(k, x.get(k) + y.get(k));
  }
  store_some(out + (long long)row * c + i, x, count, aligned);
}

KERNEL(256)
token_embedding_forward_v1(real* out, const int* tokens, const real* wte, int rows, int c) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  int row = (int)(i / c);
  if (row < rows) {
    out[i] = wte[(long long)tokens[row] * c + i % c];
  }
}

// blockIdx.x: row, blockIdx.y: which 128 packs of it.
KERNEL(128)
token_embedding_forward_v2(real* out, const int* tokens, const real* wte, int rows, int c) {
  int row = blockIdx.x;
  int i = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (i >= c) {
    return;
  }
  int count = lesser(PACK, c - i);
  bool aligned = c % PACK == 0;
  Pack<real> x = load_some(wte + (long long)tokens[row] * c + i, count, aligned);
  store_some(out + (long long)row * c + i, x, count, aligned);
}

// A pack's worth of floats: of a row of a gradient, `count` of them there.
__device__ __forceinline__ void load_floats(float (&to)[PACK], const float* from, int count,
                                            bool aligned) {
  UNROLL for (int k = 0; k < PACK; k += 4) {
    Pack<float> four = load_some(from + k, count - k, aligned);
    UNROLL for (int j = 0; j < 4; j++) {
      to[k + j] = four.v[j];
    }
  }
}

__device__ __forceinline__ void store_floats(float* to, const float (&from)[PACK], int count,
                                             bool aligned) {
  UNROLL for (int k = 0; k < PACK; k += 4) {
    Pack<float> four;
    UNROLL for (int j = 0; j < 4; j++) {
      four.v[j] = from[k + j];
    }
    store_some(to + k, four, count - k, aligned);
  }
}

KERNEL(256)
token_embedding_clear_v1(float* d_wte, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    d_wte[i] = 0.0f;
  }
}

KERNEL(256)
token_embedding_backward_v1(float* d_wte, const real* d_out, const int* tokens, int rows, int c) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= c) {
    return;
  }
  for (int row = 0; row < rows; row++) {
    d_wte[(long long)tokens[row] * c + i] += to_float(d_out[(long long)row * c + i]);
  }
}

// counts(v) = how many tokens are v; counts is zero before.
KERNEL(256) token_count_v2(int* counts, const int* tokens, int rows) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row < rows) {
    atomicAdd(counts + tokens[row], 1);
  }
}

// starts(v) = the sum of counts below v, starts(vocabulary) = rows, and counts = 0 again. One block
// of 1024 threads, each of which owns a run of the vocabulary.
KERNEL(1024) token_starts_v2(int* starts, int* counts, int vocabulary) {
  __shared__ int sums[1024];
  int run = (vocabulary + blockDim.x - 1) / blockDim.x;
  int first = threadIdx.x * run;
  int end = lesser(vocabulary, first + run);
  int sum = 0;
  for (int v = first; v < end; v++) {
    sum += counts[v];
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int offset = 1; offset < blockDim.x; offset *= 2) {
    int before = threadIdx.x >= offset ? sums[threadIdx.x - offset] : 0;
    __syncthreads();
    sums[threadIdx.x] += before;
    __syncthreads();
  }
  int start = sums[threadIdx.x] - sum;
  for (int v = first; v < end; v++) {
    starts[v] = start;
    start += counts[v];
    counts[v] = 0;
  }
  if (threadIdx.x == blockDim.x - 1) {
    starts[vocabulary] = start;
  }
}

// Puts each row into its token's bucket, at whatever place is free.
KERNEL(256)
token_scatter_v2(int* unordered, int* counts, const int* starts, const int* tokens, int rows) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row < rows) {
    int token = tokens[row];
    unordered[starts[token] + atomicAdd(counts + token, 1)] = row;
  }
}

// Orders each bucket: a row's place is the number of lesser rows in its bucket.
KERNEL(256)
token_order_v2(int* ordered, const int* unordered, const int* starts, const int* tokens, int rows) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= rows) {
    return;
  }
  int row = unordered[i];
  int token = tokens[row];
  int first = starts[token];
  int end = starts[token + 1];
  int rank = 0;
  for (int j = first; j < end; j++) {
    rank += unordered[j] < row;
  }
  ordered[first + rank] = row;
}

// Warp w of the grid's x: vocabulary row w; blockIdx.y: which WARP packs of it.
KERNEL(256)
token_embedding_backward_v2(float* d_wte, const real* d_out, const int* ordered, const int* starts,
                            int vocabulary, int c, int accumulate) {
  int token = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  int i = (blockIdx.y * WARP + threadIdx.x % WARP) * PACK;
  if (token >= vocabulary || i >= c) {
    return;
  }
  int first = starts[token];
  int end = starts[token + 1];
  if (accumulate && first == end) {
    return;
  }
  int count = lesser(PACK, c - i);
  bool aligned = c % PACK == 0;
  float* to = d_wte + (long long)token * c + i;
  float sum[PACK];
  UNROLL for (int k = 0; k < PACK; k++) {
    sum[k] = 0.0f;
  }
  if (accumulate) {
    load_floats(sum, to, count, aligned);
  }
  UNROLL_BY(4) for (int j = first; j < end; j++) {
    Pack<real> d = load_some(d_out + (long long)ordered[j] * c + i, count, aligned);
    UNROLL for (int k = 0; k < PACK; k++) {
      sum[k] += d.get(k);
    }
  }
  store_floats(to, sum, count, aligned);
}

KERNEL(256)
position_embedding_backward_v1(float* d_wpe, const real* d_out, int batch, int t, int context,
                               int c, int accumulate) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  int row = (int)(i / c);
  if (row >= context) {
    return;
  }
  float sum = accumulate ? d_wpe[i] : 0.0f;
  if (row < t) {
    for (int b = 0; b < batch; b++) {
      sum += to_float(d_out[(long long)b * t * c + i]);
    }
  }
  d_wpe[i] = sum;
}

// blockIdx.x: row, blockIdx.y: which 128 packs of it.
KERNEL(128)
position_embedding_backward_v2(float* d_wpe, const real* d_out, int batch, int t, int context,
                               int c, int accumulate) {
  int row = blockIdx.x;
  int i = (blockIdx.y * blockDim.x + threadIdx.x) * PACK;
  if (i >= c || (row >= t && accumulate)) {
    return;
  }
  int count = lesser(PACK, c - i);
  bool aligned = c % PACK == 0;
  float* to = d_wpe + (long long)row * c + i;
  float sum[PACK];
  UNROLL for (int k = 0; k < PACK; k++) {
    sum[k] = 0.0f;
  }
  if (accumulate) {
    load_floats(sum, to, count, aligned);
  }
  if (row < t) {
    UNROLL_BY(4) for (int b = 0; b < batch; b++) {
      Pack<real> d = load_some(d_out + ((long long)b * t + row) * c + i, count, aligned);
      UNROLL for (int k = 0; k < PACK; k++) {
        sum[k] += d.get(k);
      }
    }
  }
  store_floats(to, sum, count, aligned);
}
