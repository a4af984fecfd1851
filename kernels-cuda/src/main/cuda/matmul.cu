// The three products of a linear layer, all row-major:
// MatmulForward        out (m,n) = in (m,k) weight (n,k)ᵀ + bias (n)
// MatmulBackwardInput  dIn (m,k) = dOut (m,n) weight (n,k)
// MatmulBackwardWeight dWeight (n,k) (+)= dOut (m,n)ᵀ in (m,k)
//
// Below, each is C (M,N) = A B with inner size K. Products are added in the order of the inner index,
// in float; traffic is what tiles make it.
//
// v1  one thread per element of C: reads A and B 2 M N K / (reuse by the caches) times
// v2  a block computes 128 x 128 of C from 128 x 8 tiles in shared memory, a thread 8 x 8 of it in
//     registers: each element read is used 128 times
// v3  128-bit loads, the next tile on its way to registers while this one is multiplied; the inner
//     dimension of MatmulBackwardWeight, which is the number of tokens, is split among blocks when
//     dWeight alone has too few tiles to fill a GPU, and the parts are added in order
#include "device.cuh"

// ---- v1 ----

// C(i,j) = sum over k of a(i * a_row + k * a_inner) b(j * b_column + k * b_inner).
template <class T>
__device__ __forceinline__ void plain(T* out, const real* a, const real* b, const real* bias, int m,
                                      int n, int inner, long long a_row, long long a_inner,
                                      long long b_column, long long b_inner, bool accumulate) {
  int j = blockIdx.x * 16 + threadIdx.x % 16;
  int i = blockIdx.y * 16 + threadIdx.x / 16;
  if (i >= m || j >= n) {
    return;
  }
  float sum = 0.0f;
  for (int k = 0; k < inner; k++) {
    sum = fmaf(to_float(a[i * a_row + k * a_inner]), to_float(b[j * b_column + k * b_inner]), sum);
  }
  if (bias) {
    sum += to_float(bias[j]);
  }
  T* to = out + (long long)i * n + j;
  if (accumulate) {
    sum += to_float(*to);
  }
  *to = rounded<T>(sum);
}

KERNEL(256)
matmul_forward_v1(real* out, const real* in, const real* weight, const real* bias, int m, int n,
                  int k) {
  plain(out, in, weight, bias, m, n, k, k, 1, k, 1, false);
}

KERNEL(256)
matmul_backward_input_v1(real* d_in, const real* d_out, const real* weight, int m, int n, int k) {
  plain(d_in, d_out, weight, nullptr, m, k, n, n, 1, 1, k, false);
}

KERNEL(256)
matmul_backward_weight_v1(float* d_weight, const real* d_out, const real* in, int m, int n, int k,
                          int accumulate) {
  plain(d_weight, d_out, in, nullptr, n, k, m, 1, n, 1, k, accumulate);
}

// ---- v2, v3 ----

static constexpr int TILE = 128;
static constexpr int DEPTH = 8;
static constexpr int ROOM = TILE + 4;

// The part of a 128 x 8 tile that one of 256 threads brings: four numbers that lie side by side, along
// the inner dimension when that is innermost in memory (INNER), else along the outer one.
template <bool INNER>
struct Bringer {
  const real* matrix;
  int outer, inner;  // sizes
  int outer_first;   // of the tile
  int row, column;   // of the four, in the tile: along the outer and the inner dimension
  bool aligned;

  __device__ __forceinline__ Bringer(const real* matrix, int outer, int inner, int outer_first)
      : matrix(matrix), outer(outer), inner(inner), outer_first(outer_first) {
    int thread = threadIdx.x;
    row = INNER ? thread / 2 : thread % 32 * 4;
    column = INNER ? thread % 2 * 4 : thread / 32;
    aligned = (INNER ? inner : outer) % 4 == 0;
  }

  __device__ __forceinline__ float4 load(int inner_first, int inner_end, bool vector) const {
    int i = outer_first + row;
    int k = inner_first + column;
    if (INNER) {
      return i < outer
                 ? load_four(matrix + (long long)i * inner + k, inner_end - k, vector && aligned)
                 : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
    return k < inner_end
               ? load_four(matrix + (long long)k * outer + i, outer - i, vector && aligned)
               : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }

  __device__ __forceinline__ void store(float (*tile)[ROOM], float4 x) const {
    if (INNER) {
      tile[column][row] = x.x;
      tile[column + 1][row] = x.y;
      tile[column + 2][row] = x.z;
      tile[column + 3][row] = x.w;
    } else {
      *reinterpret_cast<float4*>(&tile[column][row]) = x;
    }
  }
};

// sums (8,8) += a tile of A times a tile of B. Thread (y, x) of 16 x 16 has rows 4y.. and 64 + 4y..,
// and columns likewise, so that a quarter of a warp reads 128 bytes side by side.
__device__ __forceinline__ void multiply(float (&sums)[8][8], float (*a)[ROOM], float (*b)[ROOM]) {
  int y = threadIdx.x / 16 * 4;
  int x = threadIdx.x % 16 * 4;
  UNROLL for (int k = 0; k < DEPTH; k++) {
    float4 a0 = *reinterpret_cast<const float4*>(&a[k][y]);
    float4 a1 = *reinterpret_cast<const float4*>(&a[k][64 + y]);
    float4 b0 = *reinterpret_cast<const float4*>(&b[k][x]);
    float4 b1 = *reinterpret_cast<const float4*>(&b[k][64 + x]);
    float as[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
    float bs[8] = {b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w};
    UNROLL for (int i = 0; i < 8; i++) {
      UNROLL for (int j = 0; j < 8; j++) {
        sums[i][j] = fmaf(as[i], bs[j], sums[i][j]);
      }
    }
  }
}

// Block (x, y, z): columns from 128 x, rows from 128 y, inner indices [z * part, z * part + part).
// V3: as described above; else one tile in shared memory, loaded number by number.
template <bool A_INNER, bool B_INNER, bool V3>
__device__ __forceinline__ void tiled(float (&sums)[8][8], const real* a, const real* b, int m,
                                      int n, int inner, int part) {
  static constexpr int BUFFERS = V3 ? 2 : 1;
  __shared__ __align__(16) float a_tiles[BUFFERS][DEPTH][ROOM];
  __shared__ __align__(16) float b_tiles[BUFFERS][DEPTH][ROOM];
  Bringer<A_INNER> bring_a(a, m, inner, blockIdx.y * TILE);
  Bringer<B_INNER> bring_b(b, n, inner, blockIdx.x * TILE);
  UNROLL for (int i = 0; i < 8; i++) {
    UNROLL for (int j = 0; j < 8; j++) {
      sums[i][j] = 0.0f;
    }
  }
  int first = blockIdx.z * part;
  int end = lesser(inner, first + part);
  if (V3) {
    bring_a.store(a_tiles[0], bring_a.load(first, end, true));
    bring_b.store(b_tiles[0], bring_b.load(first, end, true));
    __syncthreads();
    int buffer = 0;
    for (int k = first; k < end; k += DEPTH) {
      float4 next_a, next_b;
      bool more = k + DEPTH < end;
      if (more) {
        next_a = bring_a.load(k + DEPTH, end, true);
        next_b = bring_b.load(k + DEPTH, end, true);
      }
      multiply(sums, a_tiles[buffer], b_tiles[buffer]);
      if (more) {
        // The other buffer was last read before the previous barrier.
        buffer = BUFFERS - 1 - buffer;
        bring_a.store(a_tiles[buffer], next_a);
        bring_b.store(b_tiles[buffer], next_b);
        __syncthreads();
      }
    }
  } else {
    for (int k = first; k < end; k += DEPTH) {
      bring_a.store(a_tiles[0], bring_a.load(k, end, false));
      bring_b.store(b_tiles[0], bring_b.load(k, end, false));
      __syncthreads();
      multiply(sums, a_tiles[0], b_tiles[0]);
      __syncthreads();
    }
  }
}

__device__ __forceinline__ int row_of(int i) {
  return blockIdx.y * TILE + i / 4 * 64 + threadIdx.x / 16 * 4 + i % 4;
}

__device__ __forceinline__ int column_of(int j) {
  return blockIdx.x * TILE + j / 4 * 64 + threadIdx.x % 16 * 4 + j % 4;
}

template <class T>
__device__ __forceinline__ void finish(T* out, const float (&sums)[8][8], const real* bias, int m,
                                       int n, bool accumulate) {
  UNROLL for (int i = 0; i < 8; i++) {
    UNROLL for (int j = 0; j < 8; j++) {
      int row = row_of(i);
      int column = column_of(j);
      if (row < m && column < n) {
        float sum = sums[i][j];
        if (bias) {
          sum += to_float(bias[column]);
        }
        T* to = out + (long long)row * n + column;
        if (accumulate) {
          sum += to_float(*to);
        }
        *to = rounded<T>(sum);
      }
    }
  }
}

KERNEL(256)
matmul_forward_v2(real* out, const real* in, const real* weight, const real* bias, int m, int n,
                  int k) {
  float sums[8][8];
  tiled<true, true, false>(sums, in, weight, m, n, k, k);
  finish(out, sums, bias, m, n, false);
}

KERNEL(256)
matmul_forward_v3(real* out, const real* in, const real* weight, const real* bias, int m, int n,
                  int k) {
  float sums[8][8];
  tiled<true, true, true>(sums, in, weight, m, n, k, k);
  finish(out, sums, bias, m, n, false);
}

KERNEL(256)
matmul_backward_input_v2(real* d_in, const real* d_out, const real* weight, int m, int n, int k) {
  float sums[8][8];
  tiled<true, false, false>(sums, d_out, weight, m, k, n, n);
  finish(d_in, sums, nullptr, m, k, false);
}

KERNEL(256)
matmul_backward_input_v3(real* d_in, const real* d_out, const real* weight, int m, int n, int k) {
  float sums[8][8];
  tiled<true, false, true>(sums, d_out, weight, m, k, n, n);
  finish(d_in, sums, nullptr, m, k, false);
}

KERNEL(256)
matmul_backward_weight_v2(float* d_weight, const real* d_out, const real* in, int m, int n, int k,
                          int accumulate) {
  float sums[8][8];
  tiled<false, false, false>(sums, d_out, in, n, k, m, m);
  finish(d_weight, sums, nullptr, n, k, accumulate);
}

// The part of the tokens that blockIdx.z names; with more than one part, sums go to `partial`.
KERNEL(256)
matmul_backward_weight_v3(float* d_weight, float* partial, const real* d_out, const real* in, int m,
                          int n, int k, int part, int accumulate) {
  float sums[8][8];
  tiled<false, false, true>(sums, d_out, in, n, k, m, part);
  if (gridDim.z == 1) {
    finish(d_weight, sums, nullptr, n, k, accumulate);
    return;
  }
  float* to = partial + (long long)blockIdx.z * n * k;
  UNROLL for (int i = 0; i < 8; i++) {
    UNROLL for (int j = 0; j < 8; j++) {
      int row = row_of(i);
      int column = column_of(j);
      if (row < n && column < k) {
        to[(long long)row * k + column] = sums[i][j];
      }
    }
  }
}

// dWeight (+)= the parts, in order.
KERNEL(256)
matmul_backward_weight_sum_v3(float* d_weight, const float* partial, long long elements, int parts,
                              int accumulate) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= elements) {
    return;
  }
  float sum = partial[i];
  for (int p = 1; p < parts; p++) {
    sum += partial[p * elements + i];
  }
  if (accumulate) {
    sum += d_weight[i];
  }
  d_weight[i] = sum;
}
