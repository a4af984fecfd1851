// libcuda.so.1 of the test double: the cu* entry points that Anneal uses, on the CPU. Device memory is
// host memory, filled with NaN; a module's image is a shared library that the double's own compiler
// made (nvrtc.cpp). A stream does at once what it is told, or, while it is captured, writes it down.
//
// All other entry points that JCuda's library imports are in generated stubs, which return 801,
// CUDA_ERROR_NOT_SUPPORTED.
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fibers.h"

#define API extern "C" __attribute__((visibility("default")))

typedef int CUresult;
typedef unsigned long long CUdeviceptr;

namespace {

enum : CUresult {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  LAUNCH_FAILED = 719,
  CAPTURE_UNSUPPORTED = 900
};

constexpr size_t PAGE = 4096;
constexpr int SHARED_DEFAULT = 48 << 10;
constexpr int SHARED_OPT_IN = 99 << 10;

std::mutex mutex;
std::map<CUdeviceptr, size_t> allocations;
size_t allocated = 0;
size_t capacity = size_t(4) << 30;
CUdeviceptr next_address = 0x7e9000000000;
CUresult lost = SUCCESS;
FILE* record = nullptr;

struct Module {
  void* handle;
};

struct Function {
  std::string name;
  const DoubleKernel* kernel;
  int shared_limit = SHARED_DEFAULT;
};

struct Graph {
  std::vector<std::function<CUresult()>> nodes;
};

struct Stream {
  std::unique_ptr<Graph> capture;
};

struct Event {
  std::chrono::steady_clock::time_point time;
};

CUresult enqueue(Stream* stream, std::function<CUresult()> node) {
  if (lost) {
    return lost;
  }
  if (stream && stream->capture) {
    stream->capture->nodes.push_back(std::move(node));
    return SUCCESS;
  }
  return node();
}

bool inside(CUdeviceptr address, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) {
    return false;
  }
  auto [start, size] = *--after;
  return address + bytes <= start + size;
}

CUresult copy(CUdeviceptr to, CUdeviceptr from, size_t bytes, bool to_device, bool from_device) {
  if ((to_device && !inside(to, bytes)) || (from_device && !inside(from, bytes))) {
    return INVALID_VALUE;
  }
  memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
  return SUCCESS;
}

void write_word(uint64_t word) { fwrite(&word, sizeof word, 1, record); }

// One launch, and all memory as it is before.
void write_launch(const GridLaunch& launch) {
  write_word(launch.name.size());
  fwrite(launch.name.data(), 1, launch.name.size(), record);
  for (unsigned n : {launch.blocks.x, launch.blocks.y, launch.blocks.z, launch.threads.x,
                     launch.threads.y, launch.threads.z, (unsigned)launch.shared_bytes}) {
    write_word(n);
  }
  for (int i = 0; i < launch.kernel->count; i++) {
    uint64_t word = 0;
    memcpy(&word, launch.parameters[i], launch.kernel->sizes[i]);
    write_word(word);
  }
  std::lock_guard<std::mutex> lock(mutex);
  write_word(allocations.size());
  for (auto [address, bytes] : allocations) {
    write_word(address);
    write_word(bytes);
    fwrite(reinterpret_cast<void*>(address), 1, bytes, record);
  }
}

}  // namespace

// ---- for tests: a device that is lost, or small; launches written down for replay.cpp ----

API void anneal_double_record(const char* path) {
  if (record) {
    fclose(record);
  }
  record = path ? fopen(path, "wb") : nullptr;
}

// For doubles of other libraries: calls `run` in the order of the stream.
API CUresult anneal_double_enqueue(Stream* stream, void (*run)(void*), void* argument) {
  return enqueue(stream, [=]() -> CUresult {
    run(argument);
    return SUCCESS;
  });
}

API void anneal_double_lose(int code) { lost = code; }
API void anneal_double_capacity(unsigned long long bytes) { capacity = bytes; }
API unsigned long long anneal_double_allocated() { return allocated; }

// ---- the driver ----

API CUresult cuInit(unsigned) { return getenv("ANNEAL_DOUBLE_NO_DEVICE") ? NO_DEVICE : SUCCESS; }

API CUresult cuDriverGetVersion(int* version) {
  const char* other = getenv("ANNEAL_DOUBLE_DRIVER");
  *version = other ? atoi(other) : 12080;
  return SUCCESS;
}

API CUresult cuDeviceGetCount(int* count) {
  *count = 1;
  return SUCCESS;
}

API CUresult cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? SUCCESS : INVALID_DEVICE;
}

API CUresult cuDeviceGetName(char* name, int length, int) {
  snprintf(name, length, "test double on the CPU");
  return SUCCESS;
}

API CUresult cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 75:  // compute capability
      *value = 9;
      return SUCCESS;
    case 76:
      *value = 0;
      return SUCCESS;
    case 16:  // multiprocessors
      *value = 2;
      return SUCCESS;
    case 97:  // shared memory per block, opt-in
      *value = SHARED_OPT_IN;
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}

API CUresult cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = capacity;
  return SUCCESS;
}

API CUresult cuDevicePrimaryCtxRetain(void** context, int) {
  *context = reinterpret_cast<void*>(1);
  return SUCCESS;
}

API CUresult cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API CUresult cuCtxSetCurrent(void*) { return lost; }
API CUresult cuCtxSynchronize() { return lost; }

API CUresult cuGetErrorName(CUresult code, const char** name) {
  *name = code == OUT_OF_MEMORY   ? "CUDA_ERROR_OUT_OF_MEMORY"
          : code == INVALID_IMAGE ? "CUDA_ERROR_INVALID_IMAGE"
          : code == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED"
          : code == 801           ? "CUDA_ERROR_NOT_SUPPORTED"
                                  : "CUDA_ERROR_OF_THE_DOUBLE";
  return SUCCESS;
}

API CUresult cuGetErrorString(CUresult, const char** text) {
  *text = "an error of the test double";
  return SUCCESS;
}

// ---- memory ----

API CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  if (lost) {
    return lost;
  }
  std::lock_guard<std::mutex> lock(mutex);
  if (bytes == 0) {
    return INVALID_VALUE;
  }
  if (allocated + bytes > capacity) {
    return OUT_OF_MEMORY;
  }
  // Pages of its own, at an address that the sanitizers leave free, with none mapped after them.
  size_t room = (bytes + PAGE - 1) / PAGE * PAGE;
  void* memory = mmap(reinterpret_cast<void*>(next_address), room, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (memory == MAP_FAILED) {
    return OUT_OF_MEMORY;
  }
  next_address += room + PAGE;
  memset(memory, 0xff, bytes);
  *address = reinterpret_cast<CUdeviceptr>(memory);
  allocations[*address] = bytes;
  allocated += bytes;
  return SUCCESS;
}

API CUresult cuMemFree_v2(CUdeviceptr address) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = allocations.find(address);
  if (found == allocations.end()) {
    return INVALID_VALUE;
  }
  allocated -= found->second;
  munmap(reinterpret_cast<void*>(address), (found->second + PAGE - 1) / PAGE * PAGE);
  allocations.erase(found);
  return SUCCESS;
}

API CUresult cuMemGetInfo_v2(size_t* unused, size_t* total) {
  *unused = capacity - allocated;
  *total = capacity;
  return SUCCESS;
}

API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, Stream* stream) {
  CUdeviceptr host = reinterpret_cast<CUdeviceptr>(from);
  return enqueue(stream, [=] { return copy(to, host, bytes, true, false); });
}

API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, Stream* stream) {
  CUdeviceptr host = reinterpret_cast<CUdeviceptr>(to);
  return enqueue(stream, [=] { return copy(host, from, bytes, false, true); });
}

API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, Stream* stream) {
  return enqueue(stream, [=] { return copy(to, from, bytes, true, true); });
}

API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, Stream* stream) {
  return enqueue(stream, [=]() -> CUresult {
    if (!inside(to, bytes)) {
      return INVALID_VALUE;
    }
    memset(reinterpret_cast<void*>(to), value, bytes);
    return SUCCESS;
  });
}

// ---- modules ----

API CUresult cuModuleLoadData(Module** module, const void* image) {
  const auto* elf = static_cast<const Elf64_Ehdr*>(image);
  if (memcmp(elf->e_ident, ELFMAG, SELFMAG) || elf->e_machine != EM_X86_64) {
    return INVALID_IMAGE;
  }
  // Section headers come last.
  size_t bytes = elf->e_shoff + (size_t)elf->e_shnum * elf->e_shentsize;
  int file = memfd_create("anneal-double-module", 0);
  if (file < 0 || write(file, image, bytes) != (ssize_t)bytes) {
    return INVALID_IMAGE;
  }
  std::string path = "/proc/self/fd/" + std::to_string(file);
  // The file stays open: of two libraries of the same path the loader would take the first.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    fprintf(stderr, "test double: %s\n", dlerror());
    return INVALID_IMAGE;
  }
  *module = new Module{handle};
  return SUCCESS;
}

API CUresult cuModuleUnload(Module* module) {
  // Never dlclose: thread-local shared memory of the workers is in it.
  delete module;
  return SUCCESS;
}

API CUresult cuModuleGetFunction(Function** function, Module* module, const char* name) {
  void* kernel = dlsym(module->handle, (std::string(name) + "__kernel").c_str());
  if (!kernel) {
    return NOT_FOUND;
  }
  *function = new Function{name, static_cast<const DoubleKernel*>(kernel)};
  return SUCCESS;
}

API CUresult cuFuncSetAttribute(Function* function, int attribute, int value) {
  if (attribute != 8 || value > SHARED_OPT_IN) {
    return INVALID_VALUE;
  }
  function->shared_limit = value;
  return SUCCESS;
}

API CUresult cuFuncGetAttribute(int* value, int attribute, Function* function) {
  *value = attribute == 0 ? function->kernel->threads : 0;
  return SUCCESS;
}

API CUresult cuLaunchKernel(Function* function, unsigned blocks_x, unsigned blocks_y,
                            unsigned blocks_z, unsigned threads_x, unsigned threads_y,
                            unsigned threads_z, unsigned shared, Stream* stream,
                            void** parameters, void**) {
  if (blocks_x < 1 || blocks_y < 1 || blocks_z < 1 || blocks_x > 0x7fffffffu ||
      blocks_y > 65535 || blocks_z > 65535 || (int)shared > function->shared_limit) {
    fprintf(stderr, "test double: %s cannot be launched with grid (%u,%u,%u), %u bytes shared\n",
            function->name.c_str(), blocks_x, blocks_y, blocks_z, shared);
    return INVALID_VALUE;
  }
  const DoubleKernel* kernel = function->kernel;
  // The caller may free the values when this returns.
  std::vector<std::vector<char>> values(kernel->count);
  for (int i = 0; i < kernel->count; i++) {
    const char* from = static_cast<const char*>(parameters[i]);
    values[i].assign(from, from + kernel->sizes[i]);
  }
  std::string name = function->name;
  return enqueue(stream, [=, values = std::move(values)]() mutable -> CUresult {
    std::vector<void*> pointers;
    for (auto& value : values) {
      pointers.push_back(value.data());
    }
    GridLaunch launch{name, kernel, pointers.data(), {blocks_x, blocks_y, blocks_z},
                      {threads_x, threads_y, threads_z}, shared};
    if (record) {
      write_launch(launch);
    }
    std::string error = run_grid(launch);
    if (!error.empty()) {
      fprintf(stderr, "test double: %s\n", error.c_str());
      return LAUNCH_FAILED;
    }
    return SUCCESS;
  });
}

// ---- streams, graphs, events ----

API CUresult cuStreamCreate(Stream** stream, unsigned) {
  *stream = new Stream();
  return SUCCESS;
}

API CUresult cuStreamDestroy_v2(Stream* stream) {
  delete stream;
  return SUCCESS;
}

API CUresult cuStreamSynchronize(Stream* stream) {
  return stream && stream->capture ? CAPTURE_UNSUPPORTED : lost;
}

API CUresult cuStreamBeginCapture_v2(Stream* stream, int) {
  if (!stream || stream->capture) {
    return INVALID_HANDLE;
  }
  stream->capture = std::make_unique<Graph>();
  return SUCCESS;
}

API CUresult cuStreamEndCapture(Stream* stream, Graph** graph) {
  if (!stream->capture) {
    return INVALID_HANDLE;
  }
  *graph = stream->capture.release();
  return SUCCESS;
}

API CUresult cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
  *executable = new Graph(*graph);
  return SUCCESS;
}

API CUresult cuGraphLaunch(Graph* graph, Stream*) {
  if (lost) {
    return lost;
  }
  for (auto& node : graph->nodes) {
    if (CUresult result = node()) {
      return result;
    }
  }
  return SUCCESS;
}

API CUresult cuGraphExecDestroy(Graph* graph) {
  delete graph;
  return SUCCESS;
}

API CUresult cuGraphDestroy(Graph* graph) {
  delete graph;
  return SUCCESS;
}

API CUresult cuEventCreate(Event** event, unsigned) {
  *event = new Event();
  return SUCCESS;
}

API CUresult cuEventDestroy_v2(Event* event) {
  delete event;
  return SUCCESS;
}

API CUresult cuEventRecord(Event* event, Stream* stream) {
  return enqueue(stream, [=]() -> CUresult {
    event->time = std::chrono::steady_clock::now();
    return SUCCESS;
  });
}

API CUresult cuEventSynchronize(Event*) { return lost; }

API CUresult cuEventElapsedTime(float* milliseconds, Event* from, Event* to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return SUCCESS;
}
