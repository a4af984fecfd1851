// Quantize: scale = (the largest size of an element of in) / (the largest number of the format), 1 when
// all are zero; out = in / scale in 8 bits, and transposed the same with rows and columns exchanged; one
// of the two may be null. in (m, k), out (m, k), transposed (k, m).
//
// Traffic: two reads of in, and one write of a byte for each result. The largest is found by blocks, then
// among the blocks' largest: no atomics, and no order that could matter. NaN is larger than all.
//
// v1  one element per thread; its transposed writes are a column apart. Also stores floats, to compare
// v2  a block brings 64 x 64 elements by 128-bit packs, writes them, and by shared memory writes their
//     transpose by 128 bits, too
// v3  the hardware rounds two numbers at once; 128 x 128 elements, 16 bytes per store both ways. The
//     quotient is a product with 1 / scale and one correction, which gives its bits but for a zero's
//     sign. Sizes are multiples of 16, or it is v2's work. Where the kernel before it is ours and makes
//     `in`, that kernel finds its blocks' largest, and `in` is read once. Of no more than 4096 largest
//     every block finds the scale itself, from the second-level cache, and there is no launch for it.
//     Some in a row, such as all weights after an update, take two launches together
#include "pack_floats.cuh"

static constexpr int CHUNK = 16384;

// In all threads of a block.
__device__ __forceinline__ float largest_of_chunk(const real* in, long long n, int chunk) {
  __shared__ float maxima[WARP];
  long long first = (long long)chunk * CHUNK;
  long long rest = n - first;
  const real* x = in + first;
  float max = 0.0f;
  if (rest >= CHUNK) {
    for (int i = threadIdx.x * PACK; i < CHUNK; i += blockDim.x * PACK) {
      Pack<real> p = load_pack(x + i);
      UNROLL for (int j = 0; j < PACK; j++) {
        max = larger(max, size_of(p.v[j]));
      }
    }
  } else {
    for (int i = threadIdx.x; i < rest; i += blockDim.x) {
      max = larger(max, size_of(x[i]));
    }
  }
  return block_max(max, maxima);
}

KERNEL(256) largest_of_chunks(float* partial, const real* in, long long n) {
  float max = largest_of_chunk(in, n, blockIdx.x);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = max;
  }
}

// In all threads of a block.
__device__ __forceinline__ float scale_of(const float* partial, long long chunks,
                                          float largest_number) {
  __shared__ float maxima[WARP];
  float max = 0.0f;
  for (long long i = threadIdx.x; i < chunks; i += blockDim.x) {
    max = larger(max, partial[i]);
  }
  max = block_max(max, maxima);
  return max == 0.0f ? 1.0f : max / largest_number;
}

KERNEL(1024)
scale_of_largest(float* scale, const float* partial, long long chunks, float largest_number) {
  float found = scale_of(partial, chunks, largest_number);
  if (threadIdx.x == 0) {
    scale[0] = found;
  }
}

KERNEL(256)
quantize_v1(void* out, void* transposed, const float* scale, const real* in, int m, int k,
            int format) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= (long long)m * k) {
    return;
  }
  float x = to_float(in[i]) / scale[0];
  long long across = i % k * m + i / k;
  if (format == FLOATS) {
    if (out) {
      static_cast<float*>(out)[i] = x;
    }
    if (transposed) {
      static_cast<float*>(transposed)[across] = x;
    }
    return;
  }
  uint8 eight = eight_of(x, format);
  if (out) {
    static_cast<uint8*>(out)[i] = eight;
  }
  if (transposed) {
    static_cast<uint8*>(transposed)[across] = eight;
  }
}

static constexpr int TILE = 64;

// blockIdx.x: 64 columns, blockIdx.y: 64 rows.
KERNEL(256)
quantize_v2(uint8* out, uint8* transposed, const float* scale, const real* in, int m, int k,
            int format) {
  // Four bytes between rows: columns of sixteen rows then begin in different banks.
  __shared__ uint8 tile[TILE][TILE + 4];
  static constexpr int PACKS = TILE / PACK;
  int first_row = blockIdx.y * TILE;
  int first_column = blockIdx.x * TILE;
  float by = scale[0];
  bool aligned = k % PACK == 0;
  for (int i = threadIdx.x; i < TILE * PACKS; i += blockDim.x) {
    int row = i / PACKS;
    int column = i % PACKS * PACK;
    int count = lesser(PACK, k - first_column - column);
    if (first_row + row >= m || count <= 0) {
      continue;
    }
    long long at = (long long)(first_row + row) * k + first_column + column;
    Pack<real> x = load_some(in + at, count, aligned);
    UNROLL for (int j = 0; j < PACK; j++) {
      uint8 eight = eight_of(x.get(j) / by, format);
      tile[row][column + j] = eight;
      if (out && j < count) {
        out[at + j] = eight;
      }
    }
  }
  __syncthreads();
  if (!transposed) {
    return;
  }
  int column = threadIdx.x / 4;
  int row = threadIdx.x % 4 * 16;
  int count = lesser(16, m - first_row - row);
  if (first_column + column >= k || count <= 0) {
    return;
  }
  uint8* to = transposed + (long long)(first_column + column) * m + first_row + row;
  if (m % 16 == 0) {
    uint32 words[4];
    UNROLL for (int w = 0; w < 4; w++) {
      words[w] = 0;
      UNROLL for (int j = 0; j < 4; j++) {
        words[w] |= (uint32)tile[row + 4 * w + j][column] << 8 * j;
      }
    }
    *reinterpret_cast<uint4*>(to) = make_uint4(words[0], words[1], words[2], words[3]);
  } else {
    for (int j = 0; j < count; j++) {
      to[j] = tile[row + j][column];
    }
  }
}

// ---- by the hardware's conversions ----

static constexpr int WIDE_TILE = 128;

// x / by, for quotients that are no larger than a few thousand and a `by` whose reciprocal is far from
// overflow: the product with that is off by an ulp or two, and what is left of x then says by how much.
__device__ __forceinline__ float quotient_of(float x, float by, float reciprocal) {
  float quotient = x * reciprocal;
  return fmaf(fmaf(-quotient, by, x), reciprocal, quotient);
}

// No format of its own: divides, and converts in software to the format that it is given, one row at a
// time.
static constexpr int ANY = -1;

// Sixteen numbers side by side, in 8 bits.
template <int FORMAT>
__device__ __forceinline__ uint4 sixteen(const real* from, float by, float reciprocal, int any) {
  uint32 words[4];
  UNROLL for (int p = 0; p < 16 / PACK; p++) {
    float x[PACK];
    to_floats(x, load_pack_once(from + p * PACK));
    UNROLL for (int w = 0; w < PACK / 4; w++) {
      float* four = x + 4 * w;
      uint32 word = 0;
      if constexpr (FORMAT == ANY) {
        UNROLL for (int i = 0; i < 4; i++) {
          word |= (uint32)eight_of(four[i] / by, any) << 8 * i;
        }
      } else {
        UNROLL for (int i = 0; i < 4; i++) {
          four[i] = quotient_of(four[i], by, reciprocal);
        }
        word = eights<FORMAT>(four[0], four[1]) | eights<FORMAT>(four[2], four[3]) << 16;
      }
      words[p * PACK / 4 + w] = word;
    }
  }
  return make_uint4(words[0], words[1], words[2], words[3]);
}

// Rows of four bytes become columns.
__device__ __forceinline__ void transpose_bytes(uint32 (&rows)[4]) {
  uint32 first = bytes_of<0, 4, 1, 5>(rows[0], rows[1]);
  uint32 last = bytes_of<2, 6, 3, 7>(rows[0], rows[1]);
  uint32 first_below = bytes_of<0, 4, 1, 5>(rows[2], rows[3]);
  uint32 last_below = bytes_of<2, 6, 3, 7>(rows[2], rows[3]);
  rows[0] = bytes_of<0, 1, 4, 5>(first, first_below);
  rows[1] = bytes_of<2, 3, 6, 7>(first, first_below);
  rows[2] = bytes_of<0, 1, 4, 5>(last, last_below);
  rows[3] = bytes_of<2, 3, 6, 7>(last, last_below);
}

// A word beside each row's 32: columns of sixteen rows are then in different banks.
typedef uint32 WideTile[WIDE_TILE][WIDE_TILE / 4 + 1];

template <int FORMAT>
__device__ __forceinline__ void quantize_tile(WideTile& tile, uint8* out, bool across,
                                              const real* in, float by, int m, int k, int any,
                                              int first_row, int first_column) {
  float reciprocal = 1.0f / by;
  int chunk = threadIdx.x % 8;
  int column = first_column + chunk * 16;
  constexpr int ROWS_AT_ONCE = FORMAT == ANY ? 1 : WIDE_TILE / 32;
  UNROLL_BY(ROWS_AT_ONCE) for (int i = 0; i < WIDE_TILE / 32; i++) {
    int row = threadIdx.x / 8 + 32 * i;
    int at_row = first_row + row;
    if (at_row >= m || column >= k) {
      continue;
    }
    long long at = (long long)at_row * k + column;
    uint4 eight = sixteen<FORMAT>(in + at, by, reciprocal, any);
    if (out) {
      *reinterpret_cast<uint4*>(out + at) = eight;
    }
    if (across) {
      uint32* to = tile[row] + chunk * 4;
      to[0] = eight.x;
      to[1] = eight.y;
      to[2] = eight.z;
      to[3] = eight.w;
    }
  }
}

// Threads of a warp have 16 times four columns, and two times 16 rows: 32 bytes of a column of `in` are
// written side by side.
__device__ __forceinline__ void store_transposed(uint8* transposed, const WideTile& tile, int m,
                                                 int k, int tile_row, int tile_column) {
  int t = threadIdx.x;
  int word = t / 2 % 16 + t / 32 % 2 * 16;
  int first_row = (t % 2 + t / 64 * 2) * 16;
  int column = tile_column + 4 * word;
  int row = tile_row + first_row;
  if (column >= k || row >= m) {
    return;
  }
  uint32 columns[4][4];
  UNROLL for (int i = 0; i < 4; i++) {
    uint32 rows[4];
    UNROLL for (int j = 0; j < 4; j++) {
      rows[j] = tile[first_row + 4 * i + j][word];
    }
    transpose_bytes(rows);
    UNROLL for (int j = 0; j < 4; j++) {
      columns[j][i] = rows[j];
    }
  }
  UNROLL for (int j = 0; j < 4; j++) {
    *reinterpret_cast<uint4*>(transposed + (long long)(column + j) * m + row) =
        make_uint4(columns[j][0], columns[j][1], columns[j][2], columns[j][3]);
  }
}

// 128 x 128 numbers from a row and a column on.
__device__ __forceinline__ void quantize_wide(uint8* out, uint8* transposed, const real* in,
                                              float by, int m, int k, int format, int row,
                                              int column) {
  __shared__ WideTile tile;
  bool across = transposed != nullptr;
  bool normal = by > 0x1p-100f && by < 0x1p100f;
  if (normal && format == FIRST_EIGHT) {
    quantize_tile<FIRST_EIGHT>(tile, out, across, in, by, m, k, format, row, column);
  } else if (normal && format == SECOND_EIGHT) {
    quantize_tile<SECOND_EIGHT>(tile, out, across, in, by, m, k, format, row, column);
  } else {
    quantize_tile<ANY>(tile, out, across, in, by, m, k, format, row, column);
  }
  __syncthreads();
  if (across) {
    store_transposed(transposed, tile, m, k, row, column);
  }
}

// blockIdx.x: 128 columns, blockIdx.y: 128 rows. m and k are multiples of 16. The scale is that of
// `chunks` largest, which is written, or there are none of them and it is read.
KERNEL(256)
quantize_v3(uint8* out, uint8* transposed, float* scale, const real* in, int m, int k, int format,
            const float* partial, int chunks, float largest_number) {
  float by = chunks > 0 ? scale_of(partial, chunks, largest_number) : scale[0];
  if (chunks > 0 && blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0) {
    scale[0] = by;
  }
  quantize_wide(out, transposed, in, by, m, k, format, blockIdx.y * WIDE_TILE,
                blockIdx.x * WIDE_TILE);
}

// ---- all weights of a model in two launches, as v3 ----

struct WeightChunks {
  const real* in;
  long long n;
  long long chunk;  // its first among those of all
};

struct Weight {
  const real* in;
  uint8* out;
  uint8* transposed;
  float* scale;
  int m;
  int k;
  int chunk;  // its first among those of all
  int tile;   // its first of 128 x 128
};

// The last weight that begins at or before a block.
template <class Each, class Begin>
__device__ __forceinline__ const Each& weight_of(const Each* weights, int count, int block,
                                                 Begin begin) {
  int low = 0;
  int high = count;
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (begin(weights[middle]) <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return weights[low];
}

KERNEL(256) largest_of_weights(float* partial, const WeightChunks* weights, int count) {
  const WeightChunks& weight = weight_of(weights, count, blockIdx.x,
                                         [](const WeightChunks& each) { return (int)each.chunk; });
  float max = largest_of_chunk(weight.in, weight.n, blockIdx.x - (int)weight.chunk);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = max;
  }
}

KERNEL(256)
quantize_weights(const Weight* weights, int count, const float* partial, int format,
                 float largest_number) {
  const Weight& weight =
      weight_of(weights, count, blockIdx.x, [](const Weight& each) { return each.tile; });
  int chunks = (int)(((long long)weight.m * weight.k + CHUNK - 1) / CHUNK);
  float by = scale_of(partial + weight.chunk, chunks, largest_number);
  int tile = blockIdx.x - weight.tile;
  if (tile == 0 && threadIdx.x == 0) {
    weight.scale[0] = by;
  }
  int across = (weight.k + WIDE_TILE - 1) / WIDE_TILE;
  quantize_wide(weight.out, weight.transposed, weight.in, by, weight.m, weight.k, format,
                tile / across * WIDE_TILE, tile % across * WIDE_TILE);
}
