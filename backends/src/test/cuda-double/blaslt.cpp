// libcublasLt.so.13 and libhipblaslt.so.1 of the test double: the functions, constants and structures
// that Anneal binds, on the CPU, for floats, bf16 and fp8. What the real libraries ask of their callers is
// asked here too: sizes of attributes, types that go together, leading dimensions, alignment of the
// matrices, an algorithm that was found for this product, and enough workspace. Who asks for several
// algorithms gets those of COURSES, with time that goes by on events alone. Compiled once for each, with
// PREFIX, what its functions' names begin with, and HIP for AMD's.
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "injected.h"
#include "numbers.h"

#define API extern "C" __attribute__((visibility("default")))
#define FUNCTION(name) JOINED(PREFIX, name)
#define JOINED(prefix, name) JOINED_AS_THEY_ARE(prefix, name)
#define JOINED_AS_THEY_ARE(prefix, name) prefix##name

extern "C" int anneal_double_enqueue(void* stream, void (*run)(void*), void* argument);
extern "C" void anneal_double_spend(long nanos);

namespace {

#ifdef HIP
enum {
  SUCCESS = HIPBLAS_STATUS_SUCCESS,
  INVALID_VALUE = HIPBLAS_STATUS_INVALID_VALUE,
  NOT_SUPPORTED = HIPBLAS_STATUS_NOT_SUPPORTED
};
enum {
  COMPUTE_32F = HIPBLAS_COMPUTE_32F,
  COMPUTE_32F_FAST_TF32 = HIPBLAS_COMPUTE_32F_FAST_TF32,
  OP_N = HIPBLAS_OP_N,
  OP_T = HIPBLAS_OP_T
};
enum {
  TRANSPOSE_A = HIPBLASLT_MATMUL_DESC_TRANSA,
  TRANSPOSE_B = HIPBLASLT_MATMUL_DESC_TRANSB,
  EPILOGUE = HIPBLASLT_MATMUL_DESC_EPILOGUE,
  BIAS = HIPBLASLT_MATMUL_DESC_BIAS_POINTER,
  BIAS_TYPE = HIPBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
  AUX = HIPBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER,
  AUX_LD = HIPBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD,
  AUX_TYPE = HIPBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE,
  A_SCALE = HIPBLASLT_MATMUL_DESC_A_SCALE_POINTER,
  B_SCALE = HIPBLASLT_MATMUL_DESC_B_SCALE_POINTER,
  FAST_SUMS = -1
};
enum {
  EPILOGUE_DEFAULT = HIPBLASLT_EPILOGUE_DEFAULT,
  EPILOGUE_BIAS = HIPBLASLT_EPILOGUE_BIAS,
  EPILOGUE_GELU_AUX_BIAS = HIPBLASLT_EPILOGUE_GELU_AUX_BIAS,
  EPILOGUE_DGELU = HIPBLASLT_EPILOGUE_DGELU,
  EPILOGUE_BGRADB = HIPBLASLT_EPILOGUE_BGRADB
};
enum {
  MAX_WORKSPACE_BYTES = HIPBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
};
enum {
  R_32F = HIP_R_32F,
  R_16BF = HIP_R_16BF,
  R_8F_E4M3 = HIP_R_8F_E4M3,
  R_8F_E5M2 = HIP_R_8F_E5M2,
  R_8F_E4M3_FNUZ = HIP_R_8F_E4M3_FNUZ,
  R_8F_E5M2_FNUZ = HIP_R_8F_E5M2_FNUZ
};
constexpr int ALGORITHM_WORDS = 3;
constexpr uint32_t ALIGNMENT = 16;
#else
enum {
  SUCCESS = CUBLAS_STATUS_SUCCESS,
  INVALID_VALUE = CUBLAS_STATUS_INVALID_VALUE,
  NOT_SUPPORTED = CUBLAS_STATUS_NOT_SUPPORTED
};
enum {
  COMPUTE_32F = CUBLAS_COMPUTE_32F,
  COMPUTE_32F_FAST_TF32 = CUBLAS_COMPUTE_32F_FAST_TF32,
  OP_N = CUBLAS_OP_N,
  OP_T = CUBLAS_OP_T
};
enum {
  TRANSPOSE_A = CUBLASLT_MATMUL_DESC_TRANSA,
  TRANSPOSE_B = CUBLASLT_MATMUL_DESC_TRANSB,
  EPILOGUE = CUBLASLT_MATMUL_DESC_EPILOGUE,
  BIAS = CUBLASLT_MATMUL_DESC_BIAS_POINTER,
  BIAS_TYPE = CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
  AUX = CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER,
  AUX_LD = CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD,
  AUX_TYPE = CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE,
  A_SCALE = CUBLASLT_MATMUL_DESC_A_SCALE_POINTER,
  B_SCALE = CUBLASLT_MATMUL_DESC_B_SCALE_POINTER,
  FAST_SUMS = CUBLASLT_MATMUL_DESC_FAST_ACCUM
};
enum {
  EPILOGUE_DEFAULT = CUBLASLT_EPILOGUE_DEFAULT,
  EPILOGUE_BIAS = CUBLASLT_EPILOGUE_BIAS,
  EPILOGUE_GELU_AUX_BIAS = CUBLASLT_EPILOGUE_GELU_AUX_BIAS,
  EPILOGUE_DGELU = CUBLASLT_EPILOGUE_DGELU,
  EPILOGUE_BGRADB = CUBLASLT_EPILOGUE_BGRADB
};
enum {
  MAX_WORKSPACE_BYTES = CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
};
enum {
  R_32F = CUDA_R_32F,
  R_16BF = CUDA_R_16BF,
  R_8F_E4M3 = CUDA_R_8F_E4M3,
  R_8F_E5M2 = CUDA_R_8F_E5M2,
  R_8F_E4M3_FNUZ = -2,
  R_8F_E5M2_FNUZ = -3
};
constexpr int ALGORITHM_WORDS = 8;
constexpr uint32_t ALIGNMENT = 256;
#endif
constexpr size_t WORKSPACE = 1 << 16;

// How an algorithm sums, and what it takes beside the first, which is whoever asks for one gets.
enum Order { FORWARD, BACKWARD, HALVES, QUARTERS, ANYHOW };
struct Course {  // of one algorithm
  Order order;
  long micros;  // a hundred of them: more than a busy machine takes by itself
  bool fails, greedy;
};
constexpr Course COURSES[] = {
    {FORWARD, 4000000, false, false},   {BACKWARD, 6000000, false, false},
    {FORWARD, 100000, true, false},     // refuses to be launched
    {FORWARD, 200000, false, true},     // wants more workspace than there is
    {ANYHOW, 500000, false, false},     // as with atomics: other bits every time
    {HALVES, 2000000, false, false},    {QUARTERS, 3000000, false, false},
};
constexpr int COURSE_COUNT = sizeof COURSES / sizeof *COURSES;
// Of an algorithm's number: one among several, whose time is counted.
constexpr uint32_t COUNTED = 256;

// For tests: a bit for each that is offered; calls of Matmul so far.
int offered = ~0;
std::atomic<int> products{0};
std::atomic<uint32_t> anyhow{0};

// A sum over terms 0 to n - 1.
template <class Term>
float summed(Order order, uint64_t n, uint64_t start, Term term) {
  switch (order) {
    case BACKWARD: {
      float sum = 0;
      for (uint64_t k = n; k-- > 0;) {
        sum = term(k, sum);
      }
      return sum;
    }
    case HALVES:
    case QUARTERS: {
      uint64_t parts = order == HALVES ? 2 : 4;
      float all = 0;
      for (uint64_t part = 0; part < parts; part++) {
        float sum = 0;
        for (uint64_t k = n * part / parts; k < n * (part + 1) / parts; k++) {
          sum = term(k, sum);
        }
        all += sum;
      }
      return all;
    }
    default: {
      float sum = 0;
      uint64_t first = start % n;
      for (uint64_t k = first; k < n; k++) {
        sum = term(k, sum);
      }
      for (uint64_t k = 0; k < first; k++) {
        sum = term(k, sum);
      }
      return sum;
    }
  }
}

struct Descriptor {
  int compute, scale;
  int operation_a = OP_N, operation_b = OP_N, epilogue = EPILOGUE_DEFAULT;
  const void* bias = nullptr;
  void* aux = nullptr;
  int64_t aux_ld = 0;
  // As D's unless they are set.
  int bias_type = -1, aux_type = -1;
  // Of operands of 8 bits.
  const float *a_scale = nullptr, *b_scale = nullptr;
  int8_t fast_sums = 0;

  bool transpose_a() const { return operation_a == OP_T; }
  bool transpose_b() const { return operation_b == OP_T; }
};

bool is_fnuz(int type) { return type == R_8F_E4M3_FNUZ || type == R_8F_E5M2_FNUZ; }

bool is_e4m3(int type) { return type == R_8F_E4M3 || type == R_8F_E4M3_FNUZ; }

bool is_eight(int type) { return type == R_8F_E4M3 || type == R_8F_E5M2 || is_fnuz(type); }

float eight(uint8_t x, int type) {
  int fraction = is_e4m3(type) ? 3 : 2, bias = (is_e4m3(type) ? 7 : 15) + is_fnuz(type);
  int exponent = (x & 0x7f) >> fraction, rest = x & ((1 << fraction) - 1);
  float size = exponent == 0 ? std::ldexp((float)rest, 1 - bias - fraction)
                             : std::ldexp((float)(1 << fraction | rest), exponent - bias - fraction);
  if (is_fnuz(type) && x == 0x80) {
    return NAN;
  }
  if (!is_fnuz(type) && (x & 0x7f) > (type == R_8F_E4M3 ? 0x7e : 0x7b)) {
    size = type == R_8F_E5M2 && rest == 0 ? INFINITY : NAN;
  }
  return x & 0x80 ? -size : size;
}

// A matrix, bias or auxiliary matrix: numbers of one type.
float load(const void* from, int type, uint64_t i) {
  if (type == R_32F) {
    return static_cast<const float*>(from)[i];
  }
  if (is_eight(type)) {
    return eight(static_cast<const uint8_t*>(from)[i], type);
  }
  uint32_t bits = (uint32_t)static_cast<const uint16_t*>(from)[i] << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

void store(float x, void* to, int type, uint64_t i) {
  if (type == R_32F) {
    static_cast<float*>(to)[i] = x;
    return;
  }
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  static_cast<uint16_t*>(to)[i] = (uint16_t)(std::isnan(x) ? bits >> 16 | 0x40 : nearest);
}

// What is left of a float when tensor cores take it for TF32: 10 bits of fraction.
float tf32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits &= 0xffffe000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

bool is_type(int type) { return type == R_32F || type == R_16BF || is_eight(type); }

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t ld;
};

struct Preference {
  uint64_t workspace = 0;
  // Of A, B, C and D: what the library takes for granted unless it is told.
  uint32_t alignments[4] = {ALIGNMENT, ALIGNMENT, ALIGNMENT, ALIGNMENT};
};

struct Algorithm {
  uint64_t words[ALGORITHM_WORDS];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 8 * ALGORITHM_WORDS + 32);

// What an algorithm is for, in the upper half of its first word; its number is in the lower one.
uint64_t signature(const Descriptor& d, const Layout& a, const Layout& b, const Layout& c) {
  uint64_t h = 17;
  for (uint64_t x : {(uint64_t)d.operation_a, (uint64_t)d.operation_b, (uint64_t)d.epilogue,
                     (uint64_t)a.type, (uint64_t)c.type, a.rows, a.columns, b.rows, b.columns,
                     c.rows, c.columns}) {
    h = h * 1000003 + x;
  }
  return (h ^ h >> 32) << 32;
}

uint32_t number(const Algorithm& algorithm) { return (uint32_t)algorithm.words[0] & 255; }

bool is_for(const Algorithm& algorithm, uint64_t what) {
  return (algorithm.words[0] >> 32) << 32 == what && number(algorithm) < COURSE_COUNT;
}

bool fits(const Descriptor& d, const Layout& a, const Layout& b, const Layout& c) {
  uint64_t m = d.transpose_a() ? a.columns : a.rows;
  uint64_t k = d.transpose_a() ? a.rows : a.columns;
  uint64_t n = d.transpose_b() ? b.rows : b.columns;
  uint64_t inner = d.transpose_b() ? b.columns : b.rows;
  if (is_eight(a.type) || is_eight(b.type)) {
    // As Hopper has it: both of 8 bits and not both E5M2, inner dimensions innermost, scales, whole
    // sixteens, a bias of bf16, and results of more bits.
    bool both = is_eight(a.type) && is_eight(b.type) && (is_e4m3(a.type) || is_e4m3(b.type)) &&
                is_fnuz(a.type) == is_fnuz(b.type);
    bool sizes = m % 16 == 0 && n % 16 == 0 && k % 16 == 0;
    bool bias = d.epilogue != EPILOGUE_BIAS || d.bias_type == R_16BF;
    return both && sizes && bias && d.transpose_a() && !d.transpose_b() && d.a_scale && d.b_scale &&
           (c.type == R_16BF || c.type == R_32F) && m == c.rows && n == c.columns && k == inner;
  }
  bool types = (d.compute == COMPUTE_32F || a.type == R_32F) && a.type == b.type &&
               (c.type == a.type || c.type == R_32F) &&
               (d.bias_type < 0 || d.bias_type == c.type) &&
               (d.aux_type < 0 || d.aux_type == c.type);
  return types && m == c.rows && n == c.columns && k == inner && a.ld >= (int64_t)a.rows &&
         b.ld >= (int64_t)b.rows && c.ld >= (int64_t)c.rows;
}

float gelu(float x) {
  return 0.5f * x * (1.0f + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
}

float gelu_slope(float x) {
  float t = std::tanh(0.7978845608f * (x + 0.044715f * x * x * x));
  float inner = 0.7978845608f * (1.0f + 3.0f * 0.044715f * x * x);
  return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
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

API int FUNCTION(Create)(void** handle) {
  INJECTED
  *handle = reinterpret_cast<void*>(1);
  return SUCCESS;
}

API int FUNCTION(Destroy)(void*) { INJECTED return SUCCESS; }

#ifdef HIP
static int version = 100001;

API int hipblasLtGetVersion(void* handle, int* to) {
  INJECTED
  *to = version;
  return handle ? SUCCESS : INVALID_VALUE;
}
#else
static int version = 130000;

API size_t cublasLtGetVersion() { return version; }

API const char* cublasLtGetStatusString(int status) {
  return status == INVALID_VALUE   ? "an unsupported value or parameter was passed to the function"
         : status == NOT_SUPPORTED ? "the functionality requested is not supported"
                                   : "an error of the test double";
}
#endif

API int FUNCTION(MatmulDescCreate)(Descriptor** descriptor, int compute, int scale) {
  INJECTED
  *descriptor = new Descriptor{compute, scale};
  return (compute == COMPUTE_32F || compute == COMPUTE_32F_FAST_TF32) && scale == R_32F
             ? SUCCESS
             : NOT_SUPPORTED;
}

API int FUNCTION(MatmulDescDestroy)(Descriptor* descriptor) {
  INJECTED
  delete descriptor;
  return SUCCESS;
}

API int FUNCTION(MatmulDescSetAttribute)(Descriptor* d, int attribute, const void* from, size_t size) {
  INJECTED
  switch (attribute) {
    case TRANSPOSE_A:
      return set(d->operation_a, from, size);
    case TRANSPOSE_B:
      return set(d->operation_b, from, size);
    case EPILOGUE:
      return set(d->epilogue, from, size);
    case BIAS:
      return set(d->bias, from, size);
    case AUX:
      return set(d->aux, from, size);
    case AUX_LD:
      return set(d->aux_ld, from, size);
    case A_SCALE:
      return set(d->a_scale, from, size);
    case B_SCALE:
      return set(d->b_scale, from, size);
    case FAST_SUMS:
      return set(d->fast_sums, from, size);
    case AUX_TYPE:
      return set(d->aux_type, from, size);
    case BIAS_TYPE:
      return set(d->bias_type, from, size);
    default:
      return INVALID_VALUE;
  }
}

API int FUNCTION(MatrixLayoutCreate)(Layout** layout, int type, uint64_t rows, uint64_t columns,
                                   int64_t ld) {
  INJECTED
  *layout = new Layout{type, rows, columns, ld};
  return is_type(type) ? SUCCESS : NOT_SUPPORTED;
}

API int FUNCTION(MatrixLayoutDestroy)(Layout* layout) {
  INJECTED
  delete layout;
  return SUCCESS;
}

API int FUNCTION(MatmulPreferenceCreate)(Preference** preference) {
  INJECTED
  *preference = new Preference();
  return SUCCESS;
}

API int FUNCTION(MatmulPreferenceDestroy)(Preference* preference) {
  INJECTED
  delete preference;
  return SUCCESS;
}

API int FUNCTION(MatmulPreferenceSetAttribute)(Preference* preference, int attribute,
                                             const void* from, size_t size) {
  INJECTED
#ifndef HIP
  const int alignments[4] = {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                             CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                             CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                             CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
  for (int i = 0; i < 4; i++) {
    if (attribute == alignments[i]) {
      return set(preference->alignments[i], from, size);
    }
  }
#endif
  return attribute == MAX_WORKSPACE_BYTES ? set(preference->workspace, from, size) : INVALID_VALUE;
}

API int FUNCTION(MatmulAlgoGetHeuristic)(void*, Descriptor* d, Layout* a, Layout* b, Layout* c,
                                       Layout*, Preference* preference, int wanted,
                                       Heuristic* results, int* found) {
  INJECTED
  *found = 0;
  if (wanted < 1 || !fits(*d, *a, *b, *c)) {
    return INVALID_VALUE;
  }
  if (preference->workspace < WORKSPACE) {
    return SUCCESS;
  }
#ifdef HIP
  // As on some architectures: nothing is found, and that is no error.
  if (a->type != c->type) {
    return SUCCESS;
  }
#endif
#ifndef HIP
  for (uint32_t alignment : preference->alignments) {
    if (alignment < 16) {
      return NOT_SUPPORTED;
    }
  }
#endif
  for (int i = 0; i < COURSE_COUNT && *found < wanted; i++) {
    if (!(offered >> i & 1)) {
      continue;
    }
    Heuristic& result = results[(*found)++];
    memset(&result, 0, sizeof result);
    result.algorithm.words[0] = signature(*d, *a, *b, *c) | i | (wanted > 1 ? COUNTED : 0);
#ifndef HIP
    for (int j = 0; j < 4; j++) {
      result.algorithm.words[1 + j] = preference->alignments[j];
    }
#endif
    result.workspace = COURSES[i].greedy ? preference->workspace + 1 : WORKSPACE;
  }
  return SUCCESS;
}

#ifndef HIP
API int cublasLtMatmulAlgoCheck(void*, Descriptor* d, Layout* a, Layout* b, Layout* c, Layout*,
                                const Algorithm* algorithm, Heuristic* result) {
  INJECTED
  if (!is_for(*algorithm, signature(*d, *a, *b, *c))) {
    return NOT_SUPPORTED;
  }
  memset(result, 0, sizeof *result);
  result->algorithm = *algorithm;
  result->workspace = WORKSPACE;
  return SUCCESS;
}
#endif

// ---- for tests ----

API void anneal_double_blaslt_offer(int which) { offered = which; }
API int anneal_double_blaslt_products() { return products; }
API void anneal_double_blaslt_version(int number) { version = number; }

API int FUNCTION(Matmul)(void*, Descriptor* descriptor, const float* alpha, const void* a,
                       Layout* a_layout, const void* b, Layout* b_layout, const float* beta,
                       const void* c, Layout* c_layout, void* d, Layout*,
                       const Algorithm* algorithm, void* workspace, size_t bytes, void* stream) {
  INJECTED
  Descriptor op = *descriptor;
  Layout la = *a_layout, lb = *b_layout, lc = *c_layout;
  products++;
  if (!is_for(*algorithm, signature(op, la, lb, lc)) || bytes < WORKSPACE ||
      (uintptr_t)workspace % 256 != 0) {
    return INVALID_VALUE;
  }
  Course course = COURSES[number(*algorithm)];
  if (course.fails || course.greedy) {
    return course.fails ? NOT_SUPPORTED : INVALID_VALUE;
  }
  long nanos = algorithm->words[0] & COUNTED ? 100000 * course.micros : 0;
  const void* matrices[4] = {a, b, c, d};
  for (int i = 0; i < 4; i++) {
#ifdef HIP
    uint64_t alignment = ALIGNMENT;
#else
    uint64_t alignment = algorithm->words[1 + i];
#endif
    if ((uintptr_t)matrices[i] % alignment != 0) {
      return NOT_SUPPORTED;
    }
  }
  bool biased = op.epilogue == EPILOGUE_BIAS || op.epilogue == EPILOGUE_GELU_AUX_BIAS;
  bool gelus = op.epilogue == EPILOGUE_GELU_AUX_BIAS, slopes = op.epilogue == EPILOGUE_DGELU;
  bool sums = op.epilogue == EPILOGUE_BGRADB;
  if ((!biased && !slopes && !sums && op.epilogue != EPILOGUE_DEFAULT) ||
      ((biased || sums) && !op.bias) ||
      ((gelus || slopes) &&
       (!op.aux || op.aux_ld % 8 != 0 || (uintptr_t)op.aux % 16 != 0))) {
    return NOT_SUPPORTED;
  }
  bool fast = op.compute == COMPUTE_32F_FAST_TF32;
  float factor = *alpha, kept = *beta;
  auto* run = new std::function<void()>([=] {
    uint64_t inner = op.transpose_a() ? la.rows : la.columns;
    memset(workspace, 0x7f, WORKSPACE);
    uint64_t start = course.order == ANYHOW ? 1 + 7 * anyhow++ : 0;
    auto operand = [&](const void* from, const Layout& layout, bool along, uint64_t count) {
      std::vector<float> numbers(count * inner);
      for (uint64_t i = 0; i < count; i++) {
        for (uint64_t k = 0; k < inner; k++) {
          float x = load(from, layout.type, along ? i * layout.ld + k : k * layout.ld + i);
          numbers[i * inner + k] = fast ? tf32(x) : x;
        }
      }
      return numbers;
    };
    const std::vector<float> xs = operand(a, la, op.transpose_a(), lc.rows);
    const std::vector<float> ys = operand(b, lb, !op.transpose_b(), lc.columns);
    for (uint64_t j = 0; j < lc.columns; j++) {
      for (uint64_t i = 0; i < lc.rows; i++) {
        const float *x = &xs[i * inner], *y = &ys[j * inner];
        float sum = summed(course.order, inner, start,
                           [&](uint64_t k, float sum) { return std::fma(x[k], y[k], sum); });
        sum *= factor;
        if (op.a_scale && op.b_scale) {
          sum *= *op.a_scale * *op.b_scale;
        }
        if (kept != 0) {
          sum += kept * load(c, lc.type, j * lc.ld + i);
        }
        if (biased) {
          sum += load(op.bias, lc.type, i);
        }
        if (gelus) {
          store(sum, op.aux, lc.type, j * op.aux_ld + i);
          sum = gelu(sum);
        }
        if (slopes) {
          sum *= gelu_slope(load(op.aux, lc.type, j * op.aux_ld + i));
        }
        store(sum, d, lc.type, j * lc.ld + i);
      }
    }
    for (uint64_t j = 0; sums && j < lc.columns; j++) {
      float sum = 0;
      for (uint64_t k = 0; k < inner; k++) {
        sum += load(b, lb.type, op.transpose_b() ? k * lb.ld + j : j * lb.ld + k);
      }
      store(sum, const_cast<void*>(op.bias), lc.type, j);
    }
    anneal_double_spend(nanos);
  });
  // Kept for ever: a captured graph may run it any number of times.
  return anneal_double_enqueue(
      stream, [](void* f) { (*static_cast<std::function<void()>*>(f))(); }, run);
}
