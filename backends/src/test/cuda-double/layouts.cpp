// A program that prints where the double's matrix instructions have their numbers, as mfma-layouts.tsv has
// it; and a line more for whatever wide_matrix.cuh promises and does not hold. Compiled with double.h and
// wide_matrix.cuh before it.
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

thread_local DoubleThread* double_current;
int double_lane() { return threadIdx.x % 64; }

namespace {

DoubleThread current = {};
alignas(16) bf16 tile[128 * 128];

void be(int thread) {
  double_current = &current;
  current.thread.x = thread;
}

// ---- the instructions ----

template <int SIDE, class Place>
void print(const char* shape, char matrix, int rows, int columns, Place place) {
  std::map<int, std::map<int, std::string>> lanes;
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < columns; j++) {
      MfmaPlace at = place(i, j);
      lanes[at.lane][at.number] += std::to_string(i) + "," + std::to_string(j);
    }
  }
  for (auto& [lane, numbers] : lanes) {
    printf("%s\t%c\t%d\t", shape, matrix, lane);
    for (auto& [number, at] : numbers) {
      printf("%s%s", number ? " " : "", at.c_str());
    }
    printf("\n");
  }
}

template <int SIDE>
void print(const char* shape) {
  int inner = Mfma<SIDE>::INNER;
  print<SIDE>(shape, 'A', SIDE, inner, Mfma<SIDE>::a);
  print<SIDE>(shape, 'B', inner, SIDE, Mfma<SIDE>::b);
  print<SIDE>(shape, 'D', SIDE, SIDE, Mfma<SIDE>::d);
}

// ---- banks ----

// Of the first 32 lanes those that read 16 bytes at the same time; of the others the same. AMD, "Understanding
// AMD GPU LDS and Bank Conflicts" (Composable Kernel's documentation). Eight lanes in a row write 16 bytes at
// the same time, 32 write four.
const int READERS[4][8] = {{0, 1, 2, 3, 20, 21, 22, 23},
                           {4, 5, 6, 7, 16, 17, 18, 19},
                           {8, 9, 10, 11, 28, 29, 30, 31},
                           {12, 13, 14, 15, 24, 25, 26, 27}};

void check(const char* what, const std::vector<int>& words) {
  std::set<int> banks;
  for (int word : words) {
    if (!banks.insert(word % 32).second) {
      printf("two lanes meet in bank %d: %s\n", word % 32, what);
      return;
    }
  }
}

void add_piece(std::vector<int>& words, int number) {
  for (int w = 0; w < 4; w++) {
    words.push_back(number / 2 + w);
  }
}

template <int COLUMNS>
void check_reads() {
  // Each piece says where it is.
  for (int n = 0; n < 32 * COLUMNS; n += 8) {
    *reinterpret_cast<int*>(tile + n) = n;
  }
  for (int column = 0; column < COLUMNS; column += 16) {
    for (int half = 0; half < 64; half += 32) {
      for (auto& readers : READERS) {
        std::vector<int> words;
        for (int lane : readers) {
          be(half + lane);
          add_piece(words, load_wide<COLUMNS>(tile, 0, column).words[0]);
        }
        check(("reading rows of " + std::to_string(COLUMNS)).c_str(), words);
      }
    }
  }
}

template <class Place, class Bringer>
void check_straight_writes(const char* what) {
  for (int i = 0; i < Bringer::N * 2; i++) {
    for (int first = 0; first < 64; first += 8) {
      std::vector<int> words;
      for (int lane = 0; lane < 8; lane++) {
        be(first + lane);
        Bringer bringer;
        add_piece(words, Place::at(bringer.row(i / 2) + i % 2, bringer.column(i / 2)));
      }
      check(what, words);
    }
  }
}

template <class Place, class Bringer>
void check_transposed_writes(const char* what) {
  for (int i = 0; i < Bringer::N * 8; i++) {
    for (int first = 0; first < 64; first += 32) {
      std::vector<int> words;
      for (int lane = 0; lane < 32; lane++) {
        be(first + lane);
        Bringer bringer;
        words.push_back(Place::at(bringer.column(i / 8) + i % 8, bringer.row(i / 8)) / 2);
      }
      check(what, words);
    }
  }
}

// ---- operands ----

// A lane's woven operand has the columns that it has of a result.
template <int COLUMNS>
void check_woven() {
  for (int row = 0; row < 32; row++) {
    for (int column = 0; column < COLUMNS; column++) {
      tile[Woven<COLUMNS>::at(row, column)].bits = row * COLUMNS + column;
    }
  }
  for (int lane = 0; lane < 64; lane++) {
    be(lane);
    for (int column = 0; column < COLUMNS; column += 16) {
      WideOperand operand = load_wide<COLUMNS>(tile, 0, column);
      for (int i = 0; i < 8; i++) {
        int wanted = column / 32 * 32 + wide_column() + wide_offset(column / 16 % 2 * 8 + i);
        if (operand.numbers[i / 4][i % 4] != wide_row() * COLUMNS + wanted) {
          printf("lane %d has another column than its result: %d\n", lane, wanted);
        }
      }
    }
  }
}

}  // namespace

int main() {
  print<32>("32x32x8");
  print<16>("16x16x16");
  check_reads<32>();
  check_reads<64>();
  check_reads<128>();
  check_straight_writes<Swizzled<64>, Bringer<64, 64, 256, 1>>("64 keys of 64 channels");
  check_straight_writes<Swizzled<128>, Bringer<32, 128, 256, 1>>("32 keys of 128 channels");
  check_straight_writes<Swizzled<64>, Bringer<32, 64, 128, 16>>("32 queries of 64 channels");
  check_straight_writes<Swizzled<128>, Bringer<32, 128, 128, 16>>("32 queries of 128 channels");
  check_transposed_writes<Woven<64>, Bringer<64, 64, 256, 16>>("64 values of 64 channels");
  check_transposed_writes<Woven<32>, Bringer<32, 128, 256, 16>>("32 values of 128 channels");
  check_transposed_writes<Woven<32>, Bringer<32, 64, 128, 16>>("32 queries of 64, transposed");
  check_transposed_writes<Woven<32>, Bringer<32, 128, 128, 16>>("32 queries of 128, transposed");
  check_woven<32>();
  check_woven<64>();
  return 0;
}
