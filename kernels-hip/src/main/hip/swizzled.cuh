// Tiles in shared memory without padding, whose rows begin in different banks nevertheless.
// Source: AMD, "Understanding AMD GPU LDS and Bank Conflicts" (Composable Kernel's documentation), which has
// the lanes that read and write at the same time.
#ifndef ANNEAL_SWIZZLED_CUH
#define ANNEAL_SWIZZLED_CUH

#include "matrix.cuh"

// Where a tile's numbers are: rows of COLUMNS numbers, 32, 64 or 128. Pieces of 16 bytes change places
// within the 128 that the banks have at once, so that these do not meet in a bank on CDNA: eight lanes that
// read a piece each of rows that differ modulo 8, eight that write one each of every second row, and 32 that
// write four bytes each of two rows that are 8 apart, or of all of one.
template <int COLUMNS>
struct Swizzled {
  typedef uint4 Piece;
  static constexpr int STRIDE = COLUMNS;

  static __device__ __forceinline__ int at(int row, int column) {
    int n = row * COLUMNS + column;
    int turned = COLUMNS == 32 ? n / 64 % 8 : row % 8 ^ row / 8 % 2 * 5;
    return n ^ turned * 8;
  }
};

#endif
