// libcudnn.so.9 of the test double: the part of the backend API that Anneal binds, on the CPU. Descriptors
// keep what they are given; finalising one asks what the real library would: required attributes, their
// types and counts, descriptors of the right kind that are final themselves. An operation graph is
// interpreted operation by operation, in float, with a rounding where a tensor has 16 bits, so that a
// graph which is not attention's shows in the numbers. As the real engines do, those here take only
// the sequences of operations that they know.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

extern "C" int anneal_double_enqueue(void* stream, void (*run)(void*), void* argument);

namespace {

enum { SUCCESS = 0, NOT_INITIALIZED = 1001, BAD_PARAM = 2000, NOT_SUPPORTED = 3000 };

// Kinds of descriptors.
enum {
  POINTWISE = 0,
  ENGINE = 2,
  ENGINE_CONFIG = 3,
  HEURISTICS = 4,
  PLAN = 5,
  OP_POINTWISE = 13,
  GRAPH = 15,
  PACK = 16,
  TENSOR = 17,
  MATMUL = 18,
  OP_MATMUL = 19,
  REDUCTION = 21,
  OP_REDUCTION = 22,
  OP_RESHAPE = 31
};

// Types of attributes, and the bytes of each.
enum {
  T_HANDLE = 0,
  T_DATA_TYPE = 1,
  T_BOOLEAN = 2,
  T_INT64 = 3,
  T_POINTER = 6,
  T_HEURISTIC = 8,
  T_NOTE = 11,
  T_MODE = 14,
  T_DESCRIPTOR = 15,
  T_REDUCTION = 18
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
    {TENSOR, 900, T_INT64, 1, 1},          {TENSOR, 901, T_DATA_TYPE, 1, 1},
    {TENSOR, 902, T_INT64, 1, 8},          {TENSOR, 903, T_INT64, 1, 8},
    {TENSOR, 906, T_INT64, 1, 1},          {TENSOR, 907, T_BOOLEAN, 0, 1},
    {TENSOR, 908, T_BOOLEAN, 0, 1},        {POINTWISE, 0, T_MODE, 1, 1},
    {POINTWISE, 1, T_DATA_TYPE, 1, 1},     {POINTWISE, 9, T_INT64, 0, 1},
    {OP_POINTWISE, 750, T_DESCRIPTOR, 1, 1}, {OP_POINTWISE, 751, T_DESCRIPTOR, 1, 1},
    {OP_POINTWISE, 752, T_DESCRIPTOR, 0, 1}, {OP_POINTWISE, 753, T_DESCRIPTOR, 1, 1},
    {OP_POINTWISE, 758, T_DESCRIPTOR, 0, 1}, {MATMUL, 1500, T_DATA_TYPE, 1, 1},
    {OP_MATMUL, 1520, T_DESCRIPTOR, 1, 1}, {OP_MATMUL, 1521, T_DESCRIPTOR, 1, 1},
    {OP_MATMUL, 1522, T_DESCRIPTOR, 1, 1}, {OP_MATMUL, 1523, T_DESCRIPTOR, 1, 1},
    {REDUCTION, 1600, T_REDUCTION, 1, 1},  {REDUCTION, 1601, T_DATA_TYPE, 1, 1},
    {OP_REDUCTION, 1610, T_DESCRIPTOR, 1, 1}, {OP_REDUCTION, 1611, T_DESCRIPTOR, 1, 1},
    {OP_REDUCTION, 1612, T_DESCRIPTOR, 1, 1}, {OP_RESHAPE, 2200, T_DESCRIPTOR, 1, 1},
    {OP_RESHAPE, 2201, T_DESCRIPTOR, 1, 1}, {GRAPH, 800, T_HANDLE, 1, 1},
    {GRAPH, 801, T_DESCRIPTOR, 1, 1000},   {HEURISTICS, 200, T_HEURISTIC, 1, 1},
    {HEURISTICS, 201, T_DESCRIPTOR, 1, 1}, {PLAN, 400, T_HANDLE, 1, 1},
    {PLAN, 401, T_DESCRIPTOR, 1, 1},       {PACK, 1000, T_INT64, 1, 1000},
    {PACK, 1001, T_POINTER, 1, 1000},      {PACK, 1003, T_POINTER, 1, 1},
};

enum { FLOAT = 0, HALF = 2, INT32 = 4, BFLOAT16 = 9, BOOLEAN = 11 };

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
  to.id = d->one<int64_t>(906);
  to.type = d->one<int>(901);
  to.dims = d->all<int64_t>(902);
  to.strides = d->all<int64_t>(903);
  to.is_virtual = d->has(907) && d->one<char>(907);
  to.by_value = d->has(908) && d->one<char>(908);
  return true;
}

int finish_tensor(Descriptor* d) {
  auto dims = d->all<int64_t>(902), strides = d->all<int64_t>(903);
  int type = d->one<int>(901);
  bool known =
      type == FLOAT || type == HALF || type == INT32 || type == BFLOAT16 || type == BOOLEAN;
  bool is_virtual = d->has(907) && d->one<char>(907), by_value = d->has(908) && d->one<char>(908);
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
    case 13:
    case 15:
    case 21:
    case 501:
      return 1;
    case 601:
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
      auto* how = d->one<Descriptor*>(750);
      if (!how || !how->final || how->kind != POINTWISE) {
        return false;
      }
      to.mode = how->one<int>(0);
      to.axis = how->has(9) ? (int)how->one<int64_t>(9) : -1;
      to.has_b = d->has(752);
      to.has_t = d->has(758);
      return tensor_of(d->one<Descriptor*>(751), to.x) &&
             tensor_of(d->one<Descriptor*>(753), to.y) &&
             (!to.has_b || tensor_of(d->one<Descriptor*>(752), to.b)) &&
             (!to.has_t || tensor_of(d->one<Descriptor*>(758), to.t));
    }
    case OP_MATMUL: {
      auto* how = d->one<Descriptor*>(1523);
      to.has_b = true;
      return how && how->final && how->kind == MATMUL && how->one<int>(1500) == FLOAT &&
             tensor_of(d->one<Descriptor*>(1520), to.x) &&
             tensor_of(d->one<Descriptor*>(1521), to.b) &&
             tensor_of(d->one<Descriptor*>(1522), to.y);
    }
    case OP_REDUCTION: {
      auto* how = d->one<Descriptor*>(1612);
      if (!how || !how->final || how->kind != REDUCTION || how->one<int>(1601) != FLOAT) {
        return false;
      }
      to.mode = how->one<int>(1600);
      return tensor_of(d->one<Descriptor*>(1610), to.x) &&
             tensor_of(d->one<Descriptor*>(1611), to.y);
    }
    case OP_RESHAPE:
      return tensor_of(d->one<Descriptor*>(2200), to.x) &&
             tensor_of(d->one<Descriptor*>(2201), to.y);
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
      bool index = o.mode == 501;
      if (o.has_b != (wanted >= 2) || o.has_t != (wanted == 3) ||
          (index && (o.axis < 0 || o.axis > 3 || o.y.type != INT32)) || o.y.dims != o.x.dims ||
          (o.has_b && !fits(o.b, o.x)) || (o.has_t && (!fits(o.t, o.x) || o.t.type != BOOLEAN)) ||
          (o.mode == 303 && o.y.type != BOOLEAN)) {
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
  if (!d->one<void*>(800)) {
    return BAD_PARAM;
  }
  auto graph = std::make_shared<Graph>();
  std::set<int64_t> written, read;
  for (Descriptor* each : d->all<Descriptor*>(801)) {
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

std::string pattern(const Graph& graph) {
  std::string text;
  for (const Operation& o : graph.operations) {
    text += o.kind == OP_MATMUL     ? "matmul "
            : o.kind == OP_RESHAPE  ? "reshape "
            : o.kind == OP_REDUCTION ? (o.mode == 3 ? "max " : "sum ")
                                     : "p" + std::to_string(o.mode) + " ";
  }
  return text;
}

const char* const FORWARD =
    "matmul p1 p501 p501 p303 p601 max p9 p13 sum p15 p0 p6 matmul ";
const char* const BACKWARD =
    "p1 sum p1 matmul p1 p9 p501 p501 p303 p601 p13 reshape matmul matmul p9 p1 p1 reshape matmul "
    "reshape matmul ";
const char* const SUMMED_END = "p21 ";

int refused = 0;
size_t version = 91000;

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
  auto* graph = d->one<Descriptor*>(201);
  if (!graph || !graph->final || graph->kind != GRAPH) {
    return BAD_PARAM;
  }
  bool summed;
  if (!supported(*graph->graph, summed)) {
    return NOT_SUPPORTED;
  }
  // The first is faster, and not the same every time.
  d->engines.push_back({false, graph->graph, 1 << 10});
  d->engines.push_back({true, graph->graph, (size_t)3 << 10});
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
      auto* config = d->one<Descriptor*>(401);
      if (!config || !config->final || config->kind != ENGINE_CONFIG || !d->one<void*>(400)) {
        return BAD_PARAM;
      }
      d->engine = config->engine;
      return SUCCESS;
    }
    case PACK:
      return d->all<int64_t>(1000).size() == d->all<void*>(1001).size() ? SUCCESS : BAD_PARAM;
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
    case 0:
      return x + b;
    case 1:
      return x * b;
    case 6:
      return x / b;
    case 9:
      return x - b;
    case 13:
      return std::exp(x);
    case 15:
      return std::log(x);
    case 21:
      return x;
    case 303:
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
        float value = o.mode == 501
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
        float value = o.mode == 3 ? -INFINITY : 0;
        for (int64_t c = 0; c < o.x.dims[3]; c++) {
          float next = x.at(b, h, r, c);
          value = o.mode == 3 ? std::fmax(value, next) : value + next;
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
  memset(workspace, 0x7f, engine.workspace);
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
API void anneal_double_cudnn_version(int number) { version = number; }

// ---- the library ----

API size_t cudnnGetVersion() { return version; }

API const char* cudnnGetErrorString(int status) {
  return status == NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
         : status == BAD_PARAM   ? "CUDNN_STATUS_BAD_PARAM"
                                 : "CUDNN_STATUS_NOT_INITIALIZED";
}

API int cudnnCreate(Handle** handle) {
  *handle = new Handle();
  return SUCCESS;
}

API int cudnnDestroy(Handle* handle) {
  delete handle;
  return SUCCESS;
}

API int cudnnSetStream(Handle* handle, void* stream) {
  handle->stream = stream;
  return SUCCESS;
}

API int cudnnBackendCreateDescriptor(int kind, Descriptor** to) {
  *to = new Descriptor();
  (*to)->kind = kind;
  return SUCCESS;
}

API int cudnnBackendDestroyDescriptor(Descriptor* descriptor) {
  delete descriptor;
  return SUCCESS;
}

API int cudnnBackendSetAttribute(Descriptor* d, int name, int type, int64_t count,
                                 const void* from) {
  const Rule* r = rule(d->kind, name);
  if (!r || d->final || r->type != type || count < 1 || count > r->most) {
    return BAD_PARAM;
  }
  const char* bytes = static_cast<const char*>(from);
  d->attributes[name] = {type, std::vector<char>(bytes, bytes + count * bytes_of(type))};
  return SUCCESS;
}

API int cudnnBackendFinalize(Descriptor* d) {
  if (d->final) {
    return BAD_PARAM;
  }
  int status = finish(d);
  d->final = status == SUCCESS;
  return status;
}

API int cudnnBackendGetAttribute(Descriptor* d, int name, int type, int64_t most, int64_t* count,
                                 void* to) {
  if (!d->final) {
    return NOT_INITIALIZED;
  }
  auto** descriptors = static_cast<Descriptor**>(to);
  if (d->kind == HEURISTICS && name == 202 && type == T_DESCRIPTOR) {
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
  if (d->kind == ENGINE_CONFIG && name == 300 && type == T_DESCRIPTOR && most >= 1) {
    if (!descriptors[0] || descriptors[0]->kind != ENGINE) {
      return BAD_PARAM;
    }
    *count = 1;
    descriptors[0]->engine = d->engine;
    descriptors[0]->final = true;
    return SUCCESS;
  }
  if (d->kind == ENGINE && name == 1302 && type == T_NOTE) {
    std::vector<int> notes{0};
    if (!d->engine->deterministic) {
      notes.push_back(4);
    }
    *count = (int64_t)notes.size();
    for (int64_t i = 0; i < most && i < *count; i++) {
      static_cast<int*>(to)[i] = notes[i];
    }
    return SUCCESS;
  }
  if (d->kind == PLAN && name == 402 && type == T_INT64 && most == 1) {
    *count = 1;
    *static_cast<int64_t*>(to) = (int64_t)d->engine->workspace;
    return SUCCESS;
  }
  return BAD_PARAM;
}

API int cudnnBackendExecute(Handle* handle, Descriptor* plan, Descriptor* pack) {
  if (!plan->final || plan->kind != PLAN || !pack->final || pack->kind != PACK) {
    return BAD_PARAM;
  }
  auto ids = pack->all<int64_t>(1000);
  auto pointers = pack->all<char*>(1001);
  auto* workspace = pack->one<char*>(1003);
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
