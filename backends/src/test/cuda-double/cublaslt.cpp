// libcublasLt.so.13 of the test double: the functions, constants and structures that Anneal binds, on
// the CPU, for floats. What the real library asks of its callers is asked here too: sizes of
// attributes, leading dimensions, alignment of the auxiliary matrix, an algorithm that was found for
// this product, and enough workspace.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define API extern "C" __attribute__((visibility("default")))

extern "C" int anneal_double_enqueue(void* stream, void (*run)(void*), void* argument);

namespace {

enum { SUCCESS = 0, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum { COMPUTE_32F = 68, R_32F = 0, OP_T = 1 };
enum { EPILOGUE_DEFAULT = 1, EPILOGUE_BIAS = 4, EPILOGUE_GELU_AUX_BIAS = 164 };
constexpr size_t WORKSPACE = 1 << 16;

struct Descriptor {
  int compute, scale;
  int transpose_a = 0, transpose_b = 0, epilogue = EPILOGUE_DEFAULT;
  const float* bias = nullptr;
  float* aux = nullptr;
  int64_t aux_ld = 0;
};

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t ld;
};

struct Preference {
  uint64_t workspace = 0;
};

struct Algorithm {
  uint64_t words[8];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 96);

uint64_t signature(const Descriptor& d, const Layout& a, const Layout& b, const Layout& c) {
  uint64_t h = 17;
  for (uint64_t x : {(uint64_t)d.transpose_a, (uint64_t)d.transpose_b, (uint64_t)d.epilogue, a.rows,
                     a.columns, b.rows, b.columns, c.rows, c.columns}) {
    h = h * 1000003 + x;
  }
  return h;
}

bool fits(const Descriptor& d, const Layout& a, const Layout& b, const Layout& c) {
  uint64_t m = d.transpose_a ? a.columns : a.rows;
  uint64_t k = d.transpose_a ? a.rows : a.columns;
  uint64_t n = d.transpose_b ? b.rows : b.columns;
  uint64_t inner = d.transpose_b ? b.columns : b.rows;
  return m == c.rows && n == c.columns && k == inner && a.ld >= (int64_t)a.rows &&
         b.ld >= (int64_t)b.rows && c.ld >= (int64_t)c.rows;
}

float gelu(float x) {
  return 0.5f * x * (1.0f + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
}

template <class T>
int set(T& to, const void* from, size_t size) {
  if (size != sizeof(T)) {
    return INVALID_VALUE;
  }
  memcpy(&to, from, size);
  return SUCCESS;
}

}  // namespace

API int cublasLtCreate(void** handle) {
  *handle = reinterpret_cast<void*>(1);
  return SUCCESS;
}

API int cublasLtDestroy(void*) { return SUCCESS; }
API size_t cublasLtGetVersion() { return 130000; }

API int cublasLtMatmulDescCreate(Descriptor** descriptor, int compute, int scale) {
  *descriptor = new Descriptor{compute, scale};
  return compute == COMPUTE_32F && scale == R_32F ? SUCCESS : NOT_SUPPORTED;
}

API int cublasLtMatmulDescDestroy(Descriptor* descriptor) {
  delete descriptor;
  return SUCCESS;
}

API int cublasLtMatmulDescSetAttribute(Descriptor* d, int attribute, const void* from, size_t size) {
  switch (attribute) {
    case 3:
      return set(d->transpose_a, from, size);
    case 4:
      return set(d->transpose_b, from, size);
    case 7:
      return set(d->epilogue, from, size);
    case 8:
      return set(d->bias, from, size);
    case 11:
      return set(d->aux, from, size);
    case 12:
      return set(d->aux_ld, from, size);
    default:
      return INVALID_VALUE;
  }
}

API int cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t columns,
                                   int64_t ld) {
  *layout = new Layout{type, rows, columns, ld};
  return type == R_32F ? SUCCESS : NOT_SUPPORTED;
}

API int cublasLtMatrixLayoutDestroy(Layout* layout) {
  delete layout;
  return SUCCESS;
}

API int cublasLtMatmulPreferenceCreate(Preference** preference) {
  *preference = new Preference();
  return SUCCESS;
}

API int cublasLtMatmulPreferenceDestroy(Preference* preference) {
  delete preference;
  return SUCCESS;
}

API int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute,
                                             const void* from, size_t size) {
  return attribute == 1 ? set(preference->workspace, from, size) : INVALID_VALUE;
}

API int cublasLtMatmulAlgoGetHeuristic(void*, Descriptor* d, Layout* a, Layout* b, Layout* c,
                                       Layout*, Preference* preference, int wanted,
                                       Heuristic* results, int* found) {
  *found = 0;
  if (wanted < 1 || !fits(*d, *a, *b, *c)) {
    return INVALID_VALUE;
  }
  if (preference->workspace < WORKSPACE) {
    return SUCCESS;
  }
  memset(results, 0, sizeof *results);
  results->algorithm.words[0] = signature(*d, *a, *b, *c);
  results->workspace = WORKSPACE;
  *found = 1;
  return SUCCESS;
}

API int cublasLtMatmul(void*, Descriptor* descriptor, const float* alpha, const float* a,
                       Layout* a_layout, const float* b, Layout* b_layout, const float* beta,
                       const float* c, Layout* c_layout, float* d, Layout*,
                       const Algorithm* algorithm, void* workspace, size_t bytes, void* stream) {
  Descriptor op = *descriptor;
  Layout la = *a_layout, lb = *b_layout, lc = *c_layout;
  if (algorithm->words[0] != signature(op, la, lb, lc) || bytes < WORKSPACE ||
      (uintptr_t)workspace % 256 != 0) {
    return INVALID_VALUE;
  }
  bool biased = op.epilogue == EPILOGUE_BIAS || op.epilogue == EPILOGUE_GELU_AUX_BIAS;
  bool gelus = op.epilogue == EPILOGUE_GELU_AUX_BIAS;
  if ((!biased && op.epilogue != EPILOGUE_DEFAULT) || (biased && !op.bias) ||
      (gelus && (!op.aux || op.aux_ld % 8 != 0 || (uintptr_t)op.aux % 16 != 0))) {
    return NOT_SUPPORTED;
  }
  float factor = *alpha, kept = *beta;
  auto* run = new std::function<void()>([=] {
    uint64_t inner = op.transpose_a ? la.rows : la.columns;
    memset(workspace, 0x7f, WORKSPACE);
    for (uint64_t j = 0; j < lc.columns; j++) {
      for (uint64_t i = 0; i < lc.rows; i++) {
        float sum = 0;
        for (uint64_t k = 0; k < inner; k++) {
          float x = op.transpose_a ? a[i * la.ld + k] : a[k * la.ld + i];
          float y = op.transpose_b ? b[k * lb.ld + j] : b[j * lb.ld + k];
          sum = std::fma(x, y, sum);
        }
        sum *= factor;
        if (kept != 0) {
          sum += kept * c[j * lc.ld + i];
        }
        if (biased) {
          sum += op.bias[i];
        }
        if (gelus) {
          op.aux[j * op.aux_ld + i] = sum;
          sum = gelu(sum);
        }
        d[j * lc.ld + i] = sum;
      }
    }
  });
  // Kept for ever: a captured graph may run it any number of times.
  return anneal_double_enqueue(
      stream, [](void* f) { (*static_cast<std::function<void()>*>(f))(); }, run);
}
