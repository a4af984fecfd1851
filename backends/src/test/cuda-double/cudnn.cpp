// libcudnn.so.9 of the test double: the part of the backend API that Anneal binds, on the CPU. Descriptors
// keep what they are given; finalising one asks what the real library would: required attributes, their
// types and counts, descriptors of the right kind that are final themselves. An operation graph is
// interpreted operation by operation, in float, with a rounding where a tensor has 16 bits, so that a
// graph which is not attention's shows in the numbers. As the real engines do, those here take only
// the sequences of operations that they know.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "injected.h"
#include "numbers.h"

#define API extern "C" __attribute__((visibility("default")))

extern "C" int anneal_double_enqueue(void* stream, void (*run)(void*), void* argument);

namespace {

enum {
  SUCCESS = CUDNN_STATUS_SUCCESS,
  NOT_INITIALIZED = CUDNN_STATUS_NOT_INITIALIZED,
  BAD_PARAM = CUDNN_STATUS_BAD_PARAM,
  NOT_SUPPORTED = CUDNN_STATUS_NOT_SUPPORTED
};

// Kinds of descriptors.
enum {
  POINTWISE = CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
  ENGINE = CUDNN_BACKEND_ENGINE_DESCRIPTOR,
  ENGINE_CONFIG = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
  HEURISTICS = CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
  PLAN = CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
  OP_POINTWISE = CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
  GRAPH = CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
  PACK = CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
  TENSOR = CUDNN_BACKEND_TENSOR_DESCRIPTOR,
  MATMUL = CUDNN_BACKEND_MATMUL_DESCRIPTOR,
  OP_MATMUL = CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR,
  REDUCTION = CUDNN_BACKEND_REDUCTION_DESCRIPTOR,
  OP_REDUCTION = CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR,
  OP_RESHAPE = CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR
};

// Types of attributes, and the bytes of each.
enum {
  T_HANDLE = CUDNN_TYPE_HANDLE,
  T_DATA_TYPE = CUDNN_TYPE_DATA_TYPE,
  T_BOOLEAN = CUDNN_TYPE_BOOLEAN,
  T_INT64 = CUDNN_TYPE_INT64,
  T_POINTER = CUDNN_TYPE_VOID_PTR,
  T_HEURISTIC = CUDNN_TYPE_HEUR_MODE,
  T_NOTE = CUDNN_TYPE_NUMERICAL_NOTE,
  T_MODE = CUDNN_TYPE_POINTWISE_MODE,
  T_DESCRIPTOR = CUDNN_TYPE_BACKEND_DESCRIPTOR,
  T_REDUCTION = CUDNN_TYPE_REDUCTION_OPERATOR_TYPE
};

size_t bytes_of(int type) {
  switch (type) {
    case T_DATA_TYPE:
    case T_HEURISTIC:
    case T_NOTE:
    case T_MODE:
    case T_REDUCTION:
      return 4;
    case T_BOOLEAN:
      return 1;
    default:
      return 8;
  }
}

// Which attributes a kind has: name, type, fewest and most elements. Fewest 0 is optional.
struct Rule {
  int kind, name, type;
  int64_t fewest, most;
};

const Rule RULES[] = {
    {TENSOR, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, T_INT64, 1, 1},
    {TENSOR, CUDNN_ATTR_TENSOR_DATA_TYPE, T_DATA_TYPE, 1, 1},
    {TENSOR, CUDNN_ATTR_TENSOR_DIMENSIONS, T_INT64, 1, 8},
    {TENSOR, CUDNN_ATTR_TENSOR_STRIDES, T_INT64, 1, 8},
    {TENSOR, CUDNN_ATTR_TENSOR_UNIQUE_ID, T_INT64, 1, 1},
    {TENSOR, CUDNN_ATTR_TENSOR_IS_VIRTUAL, T_BOOLEAN, 0, 1},
    {TENSOR, CUDNN_ATTR_TENSOR_IS_BY_VALUE, T_BOOLEAN, 0, 1},
    {POINTWISE, CUDNN_ATTR_POINTWISE_MODE, T_MODE, 1, 1},
    {POINTWISE, CUDNN_ATTR_POINTWISE_MATH_PREC, T_DATA_TYPE, 1, 1},
    {POINTWISE, CUDNN_ATTR_POINTWISE_AXIS, T_INT64, 0, 1},
    {OP_POINTWISE, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, T_DESCRIPTOR, 1, 1},
    {OP_POINTWISE, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, T_DESCRIPTOR, 1, 1},
    {OP_POINTWISE, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, T_DESCRIPTOR, 0, 1},
    {OP_POINTWISE, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, T_DESCRIPTOR, 1, 1},
    {OP_POINTWISE, CUDNN_ATTR_OPERATION_POINTWISE_TDESC, T_DESCRIPTOR, 0, 1},
    {MATMUL, CUDNN_ATTR_MATMUL_COMP_TYPE, T_DATA_TYPE, 1, 1},
    {OP_MATMUL, CUDNN_ATTR_OPERATION_MATMUL_ADESC, T_DESCRIPTOR, 1, 1},
    {OP_MATMUL, CUDNN_ATTR_OPERATION_MATMUL_BDESC, T_DESCRIPTOR, 1, 1},
    {OP_MATMUL, CUDNN_ATTR_OPERATION_MATMUL_CDESC, T_DESCRIPTOR, 1, 1},
    {OP_MATMUL, CUDNN_ATTR_OPERATION_MATMUL_DESC, T_DESCRIPTOR, 1, 1},
    {REDUCTION, CUDNN_ATTR_REDUCTION_OPERATOR, T_REDUCTION, 1, 1},
    {REDUCTION, CUDNN_ATTR_REDUCTION_COMP_TYPE, T_DATA_TYPE, 1, 1},
    {OP_REDUCTION, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, T_DESCRIPTOR, 1, 1},
    {OP_REDUCTION, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, T_DESCRIPTOR, 1, 1},
    {OP_REDUCTION, CUDNN_ATTR_OPERATION_REDUCTION_DESC, T_DESCRIPTOR, 1, 1},
    {OP_RESHAPE, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, T_DESCRIPTOR, 1, 1},
    {OP_RESHAPE, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, T_DESCRIPTOR, 1, 1},
    {GRAPH, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, T_HANDLE, 1, 1},
    {GRAPH, CUDNN_ATTR_OPERATIONGRAPH_OPS, T_DESCRIPTOR, 1, 1000},
    {HEURISTICS, CUDNN_ATTR_ENGINEHEUR_MODE, T_HEURISTIC, 1, 1},
    {HEURISTICS, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, T_DESCRIPTOR, 1, 1},
    {PLAN, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, T_HANDLE, 1, 1},
    {PLAN, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, T_DESCRIPTOR, 1, 1},
    {PACK, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, T_INT64, 1, 1000},
    {PACK, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, T_POINTER, 1, 1000},
    {PACK, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, T_POINTER, 1, 1},
};

enum {
  FLOAT = CUDNN_DATA_FLOAT,
  HALF = CUDNN_DATA_HALF,
  INT32 = CUDNN_DATA_INT32,
  BFLOAT16 = CUDNN_DATA_BFLOAT16,
  BOOLEAN = CUDNN_DATA_BOOLEAN
};

struct Tensor {
  int64_t id;
  int type;
  std::vector<int64_t> dims, strides;
  bool is_virtual, by_value;

  int64_t dim(int i) const { return dims[i]; }
  int64_t at(int64_t b, int64_t h, int64_t r, int64_t c) const {
    int64_t index[4] = {b, h, r, c}, sum = 0;
    for (int i = 0; i < 4; i++) {
      sum += (dims[i] == 1 ? 0 : index[i]) * strides[i];
    }
    return sum;
  }
  int64_t extent() const {
    int64_t last = 0;
    for (int i = 0; i < 4; i++) {
      last += (dims[i] - 1) * strides[i];
    }
    return last + 1;
  }
  int64_t elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
  bool dense() const {
    return strides[3] == 1 && strides[2] == dims[3] && strides[1] == dims[2] * strides[2] &&
           strides[0] == dims[1] * strides[1];
  }
};

struct Operation {
  int kind, mode, axis;
  Tensor x, b, t, y;
  bool has_b, has_t;
};

struct Graph {
  std::vector<Operation> operations;
  std::map<int64_t, Tensor> tensors;
};

struct Engine {
  bool deterministic;
  std::shared_ptr<Graph> graph;
  size_t workspace;
  int microseconds;
};

struct Values {
  int type;
  std::vector<char> bytes;
};

struct Descriptor {
  int kind;
  bool final = false;
  std::map<int, Values> attributes;
  std::shared_ptr<Graph> graph;             // of GRAPH
  std::vector<Engine> engines;              // of HEURISTICS
  std::shared_ptr<Engine> engine;           // of ENGINE_CONFIG, ENGINE and PLAN
  bool has(int name) const { return attributes.count(name) > 0; }
  template <class T>
  T one(int name) const {
    T value;
    memcpy(&value, attributes.at(name).bytes.data(), sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> all(int name) const {
    const auto& bytes = attributes.at(name).bytes;
    std::vector<T> values(bytes.size() / sizeof(T));
    memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

struct Handle {
  void* stream = nullptr;
};

const Rule* rule(int kind, int name) {
  for (const Rule& r : RULES) {
    if (r.kind == kind && r.name == name) {
      return &r;
    }
  }
  return nullptr;
}

// ---- finalising ----

bool tensor_of(const Descriptor* d, Tensor& to) {
  if (!d || !d->final || d->kind != TENSOR) {
    return false;
  }
  to.id = d->one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  to.type = d->one<int>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  to.dims = d->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  to.strides = d->all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  to.is_virtual = d->has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && d->one<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
  to.by_value = d->has(CUDNN_ATTR_TENSOR_IS_BY_VALUE) && d->one<char>(CUDNN_ATTR_TENSOR_IS_BY_VALUE);
  return true;
}

int finish_tensor(Descriptor* d) {
  auto dims = d->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), strides = d->all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  int type = d->one<int>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  bool known =
      type == FLOAT || type == HALF || type == INT32 || type == BFLOAT16 || type == BOOLEAN;
  bool is_virtual = d->has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && d->one<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL), by_value = d->has(CUDNN_ATTR_TENSOR_IS_BY_VALUE) && d->one<char>(CUDNN_ATTR_TENSOR_IS_BY_VALUE);
  if (dims.size() != strides.size() || dims.size() != 4 || !known || (is_virtual && by_value)) {
    return BAD_PARAM;
  }
  for (int i = 0; i < 4; i++) {
    if (dims[i] < 1 || strides[i] < 1 || (by_value && dims[i] != 1)) {
      return BAD_PARAM;
    }
  }
  return SUCCESS;
}

bool fits(const Tensor& small, const Tensor& large) {
  for (int i = 0; i < 4; i++) {
    if (small.dims[i] != 1 && small.dims[i] != large.dims[i]) {
      return false;
    }
  }
  return true;
}

int operands(int mode) {
  switch (mode) {
    case CUDNN_POINTWISE_EXP:
    case CUDNN_POINTWISE_LOG:
    case CUDNN_POINTWISE_IDENTITY:
    case CUDNN_POINTWISE_GEN_INDEX:
      return 1;
    case CUDNN_POINTWISE_BINARY_SELECT:
      return 3;
    default:
      return 2;
  }
}

bool operation_of(const Descriptor* d, Operation& to) {
  if (!d || !d->final) {
    return false;
  }
  to.kind = d->kind;
  to.mode = to.axis = 0;
  to.has_b = to.has_t = false;
  switch (d->kind) {
    case OP_POINTWISE: {
      auto* how = d->one<Descriptor*>(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
      if (!how || !how->final || how->kind != POINTWISE) {
        return false;
      }
      to.mode = how->one<int>(CUDNN_ATTR_POINTWISE_MODE);
      to.axis = how->has(CUDNN_ATTR_POINTWISE_AXIS) ? (int)how->one<int64_t>(CUDNN_ATTR_POINTWISE_AXIS) : -1;
      to.has_b = d->has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
      to.has_t = d->has(CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
      return tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_POINTWISE_XDESC), to.x) &&
             tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_POINTWISE_YDESC), to.y) &&
             (!to.has_b || tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_POINTWISE_BDESC), to.b)) &&
             (!to.has_t || tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_POINTWISE_TDESC), to.t));
    }
    case OP_MATMUL: {
      auto* how = d->one<Descriptor*>(CUDNN_ATTR_OPERATION_MATMUL_DESC);
      to.has_b = true;
      return how && how->final && how->kind == MATMUL && how->one<int>(CUDNN_ATTR_MATMUL_COMP_TYPE) == FLOAT &&
             tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_MATMUL_ADESC), to.x) &&
             tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_MATMUL_BDESC), to.b) &&
             tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_MATMUL_CDESC), to.y);
    }
    case OP_REDUCTION: {
      auto* how = d->one<Descriptor*>(CUDNN_ATTR_OPERATION_REDUCTION_DESC);
      if (!how || !how->final || how->kind != REDUCTION || how->one<int>(CUDNN_ATTR_REDUCTION_COMP_TYPE) != FLOAT) {
        return false;
      }
      to.mode = how->one<int>(CUDNN_ATTR_REDUCTION_OPERATOR);
      return tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_REDUCTION_XDESC), to.x) &&
             tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_REDUCTION_YDESC), to.y);
    }
    case OP_RESHAPE:
      return tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_RESHAPE_XDESC), to.x) &&
             tensor_of(d->one<Descriptor*>(CUDNN_ATTR_OPERATION_RESHAPE_YDESC), to.y);
    default:
      return false;
  }
}

int finish_operation(Descriptor* d) {
  d->final = true;  // As far as operation_of looks.
  Operation o;
  bool whole = operation_of(d, o);
  d->final = false;
  if (!whole) {
    return BAD_PARAM;
  }
  switch (o.kind) {
    case OP_POINTWISE: {
      int wanted = operands(o.mode);
      bool index = o.mode == CUDNN_POINTWISE_GEN_INDEX;
      if (o.has_b != (wanted >= 2) || o.has_t != (wanted == 3) ||
          (index && (o.axis < 0 || o.axis > 3 || o.y.type != INT32)) || o.y.dims != o.x.dims ||
          (o.has_b && !fits(o.b, o.x)) || (o.has_t && (!fits(o.t, o.x) || o.t.type != BOOLEAN)) ||
          (o.mode == CUDNN_POINTWISE_CMP_GE && o.y.type != BOOLEAN)) {
        return BAD_PARAM;
      }
      return SUCCESS;
    }
    case OP_MATMUL:
      for (int i = 0; i < 2; i++) {
        if (o.x.dims[i] != o.b.dims[i] || o.x.dims[i] != o.y.dims[i]) {
          return BAD_PARAM;
        }
      }
      return o.x.dims[2] == o.y.dims[2] && o.b.dims[3] == o.y.dims[3] && o.x.dims[3] == o.b.dims[2]
                 ? SUCCESS
                 : BAD_PARAM;
    case OP_REDUCTION:
      return fits(o.y, o.x) && o.y.dims[3] == 1 && o.y.dims[2] == o.x.dims[2] ? SUCCESS : BAD_PARAM;
    default:
      return o.x.elements() == o.y.elements() ? SUCCESS : BAD_PARAM;
  }
}

bool same(const Tensor& a, const Tensor& b) {
  return a.type == b.type && a.dims == b.dims && a.strides == b.strides &&
         a.is_virtual == b.is_virtual && a.by_value == b.by_value;
}

int finish_graph(Descriptor* d) {
  if (!d->one<void*>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE)) {
    return BAD_PARAM;
  }
  auto graph = std::make_shared<Graph>();
  std::set<int64_t> written, read;
  for (Descriptor* each : d->all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
    Operation o;
    if (!operation_of(each, o)) {
      return BAD_PARAM;
    }
    std::vector<Tensor> inputs{o.x};
    if (o.has_b) {
      inputs.push_back(o.b);
    }
    if (o.has_t) {
      inputs.push_back(o.t);
    }
    for (const Tensor& input : inputs) {
      if (input.is_virtual && !written.count(input.id)) {
        return BAD_PARAM;  // Read before it has a value.
      }
      read.insert(input.id);
    }
    if (o.y.by_value || !written.insert(o.y.id).second) {
      return BAD_PARAM;
    }
    inputs.push_back(o.y);
    for (const Tensor& tensor : inputs) {
      auto [known, fresh] = graph->tensors.emplace(tensor.id, tensor);
      if (!fresh && !same(known->second, tensor)) {
        return BAD_PARAM;  // Two tensors of one id.
      }
    }
    graph->operations.push_back(o);
  }
  for (const auto& [id, tensor] : graph->tensors) {
    if (tensor.is_virtual && !read.count(id)) {
      return BAD_PARAM;
    }
  }
  d->graph = graph;
  return SUCCESS;
}

std::string operation_name(int mode) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return "add";
    case CUDNN_POINTWISE_MUL:
      return "mul";
    case CUDNN_POINTWISE_DIV:
      return "div";
    case CUDNN_POINTWISE_SUB:
      return "sub";
    case CUDNN_POINTWISE_EXP:
      return "exp";
    case CUDNN_POINTWISE_LOG:
      return "log";
    case CUDNN_POINTWISE_IDENTITY:
      return "identity";
    case CUDNN_POINTWISE_CMP_GE:
      return "not-below";
    case CUDNN_POINTWISE_GEN_INDEX:
      return "index";
    case CUDNN_POINTWISE_BINARY_SELECT:
      return "select";
    default:
      return "?";
  }
}

std::string pattern(const Graph& graph) {
  std::string text;
  for (const Operation& o : graph.operations) {
    text += o.kind == OP_MATMUL     ? "matmul "
            : o.kind == OP_RESHAPE  ? "reshape "
            : o.kind == OP_REDUCTION ? (o.mode == CUDNN_REDUCE_TENSOR_MAX ? "max " : "sum ")
                                     : operation_name(o.mode) + " ";
  }
  return text;
}

const char* const FORWARD =
    "matmul mul index index not-below select max sub exp sum log add div matmul ";
const char* const BACKWARD =
    "mul sum mul matmul mul sub index index not-below select exp reshape matmul matmul sub mul mul reshape matmul "
    "reshape matmul ";
const char* const SUMMED_END = "identity ";

int refused = 0;
int noted = 0;
size_t version = 91000;
size_t scores_bytes = 0;
int summed_microseconds = 0, scores_microseconds = 0;

// Scratch for the gradients of scores: two bytes each, of queries and keys in whole blocks of 64.
size_t scores_of(const Graph& graph) {
  for (const Operation& o : graph.operations) {
    if (o.kind == OP_MATMUL) {
      size_t queries = (o.y.dims[2] + 63) / 64 * 64, keys = (o.y.dims[3] + 63) / 64 * 64;
      return o.y.dims[0] * (scores_bytes ? scores_bytes : 2 * o.y.dims[1] * queries * keys);
    }
  }
  return 0;
}

bool supported(const Graph& graph, bool& summed) {
  std::string is = pattern(graph);
  summed = is == BACKWARD + std::string(SUMMED_END);
  bool backward = is == BACKWARD || summed;
  if (is != FORWARD && !backward) {
    return false;
  }
  if ((refused & 1 && !backward) || (refused & 2 && backward && !summed) ||
      (refused & 4 && summed)) {
    return false;
  }
  for (const auto& [id, tensor] : graph.tensors) {
    bool memory = !tensor.is_virtual && !tensor.by_value;
    // The real library takes other strides, and its results are wrong then.
    if (memory && tensor.type == FLOAT && !tensor.dense()) {
      return false;
    }
    if (memory && tensor.type != FLOAT &&
        (tensor.type == INT32 || (tensor.strides[3] != 1 && tensor.strides[2] != 1))) {
      return false;
    }
  }
  // What a product multiplies comes in 16 bits, but for gradients of scores, which are rounded there.
  for (const Operation& o : graph.operations) {
    if (o.kind == OP_MATMUL && o.b.type != BFLOAT16 && o.b.type != HALF) {
      return false;
    }
  }
  return true;
}

int finish_heuristics(Descriptor* d) {
  auto* graph = d->one<Descriptor*>(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (!graph || !graph->final || graph->kind != GRAPH) {
    return BAD_PARAM;
  }
  bool summed;
  if (!supported(*graph->graph, summed)) {
    return NOT_SUPPORTED;
  }
  bool backward = pattern(*graph->graph).rfind(BACKWARD, 0) == 0;
  size_t scores = backward && !summed ? scores_of(*graph->graph) : 0;
  int slow = !backward ? 0 : summed ? summed_microseconds : scores_microseconds;
  // The first is faster, and not the same every time.
  d->engines.push_back({false, graph->graph, scores + (1 << 10), slow});
  d->engines.push_back({true, graph->graph, scores + ((size_t)3 << 10), slow});
  return SUCCESS;
}

int finish(Descriptor* d) {
  for (const Rule& r : RULES) {
    if (r.kind == d->kind && r.fewest > 0 && !d->has(r.name)) {
      return BAD_PARAM;
    }
  }
  switch (d->kind) {
    case TENSOR:
      return finish_tensor(d);
    case POINTWISE:
    case MATMUL:
    case REDUCTION:
      return SUCCESS;
    case OP_POINTWISE:
    case OP_MATMUL:
    case OP_REDUCTION:
    case OP_RESHAPE:
      return finish_operation(d);
    case GRAPH:
      return finish_graph(d);
    case HEURISTICS:
      return finish_heuristics(d);
    case PLAN: {
      auto* config = d->one<Descriptor*>(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
      if (!config || !config->final || config->kind != ENGINE_CONFIG || !d->one<void*>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)) {
        return BAD_PARAM;
      }
      d->engine = config->engine;
      return SUCCESS;
    }
    case PACK:
      return d->all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).size() == d->all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size() ? SUCCESS : BAD_PARAM;
    default:
      return BAD_PARAM;
  }
}

// ---- running ----

float from_half(uint16_t x) {
  int exponent = x >> 10 & 31, mantissa = x & 1023;
  float value = exponent == 0    ? std::ldexp((float)mantissa, -24)
                : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                 : std::ldexp((float)(mantissa | 1024), exponent - 25);
  return x & 0x8000 ? -value : value;
}

uint16_t to_half(float value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  float size = std::fabs(value);
  if (std::isnan(value)) {
    return 0x7e00;
  }
  if (size >= 65520.0f) {
    return sign | 0x7c00;
  }
  if (size == 0) {
    return sign;
  }
  int exponent;
  std::frexp(size, &exponent);
  int shift = exponent - 11 < -24 ? -24 : exponent - 11;
  int mantissa = (int)std::nearbyint(std::ldexp(size, -shift));
  return sign | (uint16_t)(shift == -24 ? mantissa : ((shift + 24) << 10) + mantissa);
}

float from_bfloat(uint16_t x) {
  uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

uint16_t to_bfloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (std::isnan(value)) {
    return (bits >> 16) | 0x40;
  }
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float rounded(int type, float value) {
  switch (type) {
    case HALF:
      return from_half(to_half(value));
    case BFLOAT16:
      return from_bfloat(to_bfloat(value));
    default:
      return value;
  }
}

// Where the numbers of a tensor are while a graph runs: in memory, or in a buffer of its own.
struct Place {
  Tensor tensor;
  char* memory = nullptr;
  std::vector<float> buffer;

  float get(int64_t at) const {
    if (!memory) {
      return buffer[at];
    }
    if (tensor.type == FLOAT) {
      float value;
      memcpy(&value, memory + 4 * at, 4);
      return value;
    }
    uint16_t bits;
    memcpy(&bits, memory + 2 * at, 2);
    return tensor.type == HALF ? from_half(bits) : from_bfloat(bits);
  }

  void set(int64_t at, float value) {
    if (!memory) {
      buffer[at] = rounded(tensor.type, value);
    } else if (tensor.type == FLOAT) {
      memcpy(memory + 4 * at, &value, 4);
    } else {
      uint16_t bits = tensor.type == HALF ? to_half(value) : to_bfloat(value);
      memcpy(memory + 2 * at, &bits, 2);
    }
  }

  float at(int64_t b, int64_t h, int64_t r, int64_t c) const { return get(tensor.at(b, h, r, c)); }
};

template <class F>
void each(const Tensor& tensor, F f) {
  for (int64_t b = 0; b < tensor.dims[0]; b++) {
    for (int64_t h = 0; h < tensor.dims[1]; h++) {
      for (int64_t r = 0; r < tensor.dims[2]; r++) {
        for (int64_t c = 0; c < tensor.dims[3]; c++) {
          f(b, h, r, c);
        }
      }
    }
  }
}

float pointwise(int mode, float x, float b, float t) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return x + b;
    case CUDNN_POINTWISE_MUL:
      return x * b;
    case CUDNN_POINTWISE_DIV:
      return x / b;
    case CUDNN_POINTWISE_SUB:
      return x - b;
    case CUDNN_POINTWISE_EXP:
      return std::exp(x);
    case CUDNN_POINTWISE_LOG:
      return std::log(x);
    case CUDNN_POINTWISE_IDENTITY:
      return x;
    case CUDNN_POINTWISE_CMP_GE:
      return x >= b;
    default:
      return t != 0 ? x : b;
  }
}

void run(const Operation& o, std::map<int64_t, Place>& places) {
  Place& y = places[o.y.id];
  const Place& x = places[o.x.id];
  switch (o.kind) {
    case OP_POINTWISE:
      each(o.y, [&](int64_t b, int64_t h, int64_t r, int64_t c) {
        int64_t index[4] = {b, h, r, c};
        float value = o.mode == CUDNN_POINTWISE_GEN_INDEX
                          ? (float)index[o.axis]
                          : pointwise(o.mode, x.at(b, h, r, c),
                                      o.has_b ? places[o.b.id].at(b, h, r, c) : 0,
                                      o.has_t ? places[o.t.id].at(b, h, r, c) : 0);
        y.set(o.y.at(b, h, r, c), value);
      });
      break;
    case OP_MATMUL: {
      const Place& with = places[o.b.id];
      each(o.y, [&](int64_t b, int64_t h, int64_t r, int64_t c) {
        float sum = 0;
        for (int64_t k = 0; k < o.x.dims[3]; k++) {
          // Tensor cores take both in the format of the second.
          sum += rounded(o.b.type, x.at(b, h, r, k)) * with.at(b, h, k, c);
        }
        // Before 9.6 parts of dQuery are added to what is there.
        bool adds = y.memory && o.y.type == FLOAT && version < 90600;
        y.set(o.y.at(b, h, r, c), adds ? y.at(b, h, r, c) + sum : sum);
      });
      break;
    }
    case OP_REDUCTION:
      each(o.y, [&](int64_t b, int64_t h, int64_t r, int64_t) {
        float value = o.mode == CUDNN_REDUCE_TENSOR_MAX ? -INFINITY : 0;
        for (int64_t c = 0; c < o.x.dims[3]; c++) {
          float next = x.at(b, h, r, c);
          value = o.mode == CUDNN_REDUCE_TENSOR_MAX ? std::fmax(value, next) : value + next;
        }
        y.set(o.y.at(b, h, r, 0), value);
      });
      break;
    default:  // A view of the same numbers.
      for (int64_t i = 0; i < o.y.extent(); i++) {
        y.set(i, x.get(i));
      }
  }
}

int times_run = 0;

void run(const Engine& engine, const std::map<int64_t, char*>& memory, char* workspace) {
  // Both ends of it: all would take long, where it is large.
  size_t some = std::min(engine.workspace, (size_t)1 << 16);
  memset(workspace, 0x7f, some);
  memset(workspace + engine.workspace - some, 0x7f, some);
  std::this_thread::sleep_for(std::chrono::microseconds(engine.microseconds));
  std::map<int64_t, Place> places;
  for (const auto& [id, tensor] : engine.graph->tensors) {
    Place& place = places[id];
    place.tensor = tensor;
    if (tensor.is_virtual) {
      place.buffer.assign(tensor.extent(), NAN);
    } else {
      place.memory = memory.at(id);
    }
  }
  for (const Operation& o : engine.graph->operations) {
    run(o, places);
  }
  if (!engine.deterministic) {
    for (const Operation& o : engine.graph->operations) {
      if (!o.y.is_virtual) {
        places[o.y.id].set(0, (float)++times_run);
      }
    }
  }
}

}  // namespace

// ---- what tests can do to it: 1 refuses the forward pass, 2 and 4 the backward ones ----

API void anneal_double_cudnn_refuse(int what) { refused = what; }
API void anneal_double_cudnn_note(int what) { noted = what; }
API void anneal_double_cudnn_version(int number) { version = number; }
API void anneal_double_cudnn_scores(int megabytes) { scores_bytes = (size_t)megabytes << 20; }
API void anneal_double_cudnn_slow(int milliseconds, int which) {
  (which == 4 ? summed_microseconds : scores_microseconds) = 1000 * milliseconds;
}

// ---- the library ----

static std::string last_error;

API size_t cudnnGetVersion() { return version; }

API const char* cudnnGetErrorString(int status) {
  return status == NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
         : status == BAD_PARAM   ? "CUDNN_STATUS_BAD_PARAM"
                                 : "CUDNN_STATUS_NOT_INITIALIZED";
}

// What went wrong last; who asks hears it once.
API void cudnnGetLastErrorString(char* to, size_t most) {
  snprintf(to, most, "%s", last_error.c_str());
  last_error.clear();
}

API int cudnnCreate(Handle** handle) {
  INJECTED
  *handle = new Handle();
  return SUCCESS;
}

API int cudnnDestroy(Handle* handle) {
  INJECTED
  delete handle;
  return SUCCESS;
}

API int cudnnSetStream(Handle* handle, void* stream) {
  INJECTED
  handle->stream = stream;
  return SUCCESS;
}

API int cudnnBackendCreateDescriptor(int kind, Descriptor** to) {
  INJECTED
  *to = new Descriptor();
  (*to)->kind = kind;
  return SUCCESS;
}

API int cudnnBackendDestroyDescriptor(Descriptor* descriptor) {
  INJECTED
  delete descriptor;
  return SUCCESS;
}

API int cudnnBackendSetAttribute(Descriptor* d, int name, int type, int64_t count,
                                 const void* from) {
  INJECTED
  const Rule* r = rule(d->kind, name);
  if (!r || d->final || r->type != type || count < 1 || count > r->most) {
    return BAD_PARAM;
  }
  const char* bytes = static_cast<const char*>(from);
  d->attributes[name] = {type, std::vector<char>(bytes, bytes + count * bytes_of(type))};
  return SUCCESS;
}

API int cudnnBackendFinalize(Descriptor* d) {
  INJECTED
  if (d->final) {
    return BAD_PARAM;
  }
  int status = finish(d);
  if (status != SUCCESS) {
    last_error = "Warning: finalize refused\n  the double's rule for kind " + std::to_string(d->kind);
  }
  d->final = status == SUCCESS;
  return status;
}

API int cudnnBackendGetAttribute(Descriptor* d, int name, int type, int64_t most, int64_t* count,
                                 void* to) {
  INJECTED
  if (!d->final) {
    return NOT_INITIALIZED;
  }
  auto** descriptors = static_cast<Descriptor**>(to);
  if (d->kind == HEURISTICS && name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == T_DESCRIPTOR) {
    *count = (int64_t)d->engines.size();
    for (int64_t i = 0; i < most && i < *count; i++) {
      if (!descriptors[i] || descriptors[i]->kind != ENGINE_CONFIG) {
        return BAD_PARAM;
      }
      descriptors[i]->engine = std::make_shared<Engine>(d->engines[i]);
      descriptors[i]->final = true;
    }
    return SUCCESS;
  }
  if (d->kind == ENGINE_CONFIG && name == CUDNN_ATTR_ENGINECFG_ENGINE && type == T_DESCRIPTOR && most >= 1) {
    if (!descriptors[0] || descriptors[0]->kind != ENGINE) {
      return BAD_PARAM;
    }
    *count = 1;
    descriptors[0]->engine = d->engine;
    descriptors[0]->final = true;
    return SUCCESS;
  }
  if (d->kind == ENGINE && name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && type == T_NOTE) {
    std::vector<int> notes{CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
    if (noted == 1 || (noted == 0 && !d->engine->deterministic)) {
      notes.push_back(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
    }
    *count = (int64_t)notes.size();
    for (int64_t i = 0; i < most && i < *count; i++) {
      static_cast<int*>(to)[i] = notes[i];
    }
    return SUCCESS;
  }
  if (d->kind == ENGINE && name == CUDNN_ATTR_ENGINE_GLOBAL_INDEX && type == T_INT64) {
    *count = 1;
    *static_cast<int64_t*>(to) = d->engine->deterministic ? 11 : 10;
    return SUCCESS;
  }
  if (d->kind == PLAN && name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE && type == T_INT64 && most == 1) {
    *count = 1;
    *static_cast<int64_t*>(to) = (int64_t)d->engine->workspace;
    return SUCCESS;
  }
  return BAD_PARAM;
}

API int cudnnBackendExecute(Handle* handle, Descriptor* plan, Descriptor* pack) {
  INJECTED
  if (!plan->final || plan->kind != PLAN || !pack->final || pack->kind != PACK) {
    return BAD_PARAM;
  }
  auto ids = pack->all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  auto pointers = pack->all<char*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  auto* workspace = pack->one<char*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  std::map<int64_t, char*> memory;
  for (size_t i = 0; i < ids.size(); i++) {
    if (!pointers[i] || !memory.emplace(ids[i], pointers[i]).second) {
      return BAD_PARAM;
    }
  }
  for (const auto& [id, tensor] : plan->engine->graph->tensors) {
    auto found = memory.find(id);
    if (tensor.is_virtual ? found != memory.end() : found == memory.end()) {
      return BAD_PARAM;
    }
    if (!tensor.is_virtual && !tensor.by_value && (uintptr_t)found->second % 16 != 0) {
      return BAD_PARAM;
    }
  }
  if (!workspace || (uintptr_t)workspace % 16 != 0) {
    return BAD_PARAM;
  }
  auto engine = *plan->engine;
  // Kept for ever: a captured graph may run it any number of times.
  auto* run_it = new std::function<void()>([=] { run(engine, memory, workspace); });
  return anneal_double_enqueue(
      handle->stream, [](void* f) { (*static_cast<std::function<void()>*>(f))(); }, run_it);
}
