// libcuda.so.1 of the test double: the cu* entry points that Anneal uses, on device.cpp. All others
// that JCuda's library imports are in generated stubs, which return 801, CUDA_ERROR_NOT_SUPPORTED.
#include <cstdio>
#include <cstdlib>

#include "device.h"
#include "injected.h"

using namespace device;
typedef Result CUresult;
typedef Address CUdeviceptr;

const Address device::first_address = 0x7e9000000000;

namespace {

constexpr int WARP = 32;
constexpr int SHARED_DEFAULT = 48 << 10;
constexpr int SHARED_OPT_IN = 99 << 10;

}  // namespace

API CUresult cuInit(unsigned) { INJECTED return getenv("ANNEAL_DOUBLE_NO_DEVICE") ? NO_DEVICE : SUCCESS; }

API CUresult cuDriverGetVersion(int* version) {
  INJECTED
  const char* other = getenv("ANNEAL_DOUBLE_DRIVER");
  *version = other ? atoi(other) : 12080;
  return SUCCESS;
}

API CUresult cuDeviceGetCount(int* count) {
  INJECTED
  *count = 1;
  return SUCCESS;
}

API CUresult cuDeviceGet(int* device, int ordinal) {
  INJECTED
  *device = ordinal;
  return ordinal == 0 ? SUCCESS : INVALID_DEVICE;
}

API CUresult cuDeviceGetName(char* name, int length, int) {
  INJECTED
  snprintf(name, length, "test double on the CPU");
  return SUCCESS;
}

API CUresult cuDeviceGetAttribute(int* value, int attribute, int) {
  INJECTED
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = 9;
      return SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = 0;
      return SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = 2;
      return SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      *value = SHARED_OPT_IN;
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}

API CUresult cuDeviceTotalMem_v2(size_t* bytes, int) {
  INJECTED
  *bytes = capacity();
  return SUCCESS;
}

API CUresult cuDevicePrimaryCtxRetain(void** context, int) {
  INJECTED
  *context = reinterpret_cast<void*>(1);
  return SUCCESS;
}

API CUresult cuDevicePrimaryCtxRelease_v2(int) { INJECTED return SUCCESS; }
API CUresult cuCtxSetCurrent(void*) { INJECTED return lost(); }
API CUresult cuCtxSynchronize() { INJECTED return lost(); }

API CUresult cuGetErrorName(CUresult code, const char** name) {
  *name = code == OUT_OF_MEMORY   ? "CUDA_ERROR_OUT_OF_MEMORY"
          : code == INVALID_IMAGE ? "CUDA_ERROR_INVALID_IMAGE"
          : code == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED"
          : code == NOT_SUPPORTED ? "CUDA_ERROR_NOT_SUPPORTED"
                                  : "CUDA_ERROR_OF_THE_DOUBLE";
  return SUCCESS;
}

API CUresult cuGetErrorString(CUresult, const char** text) {
  *text = "an error of the test double";
  return SUCCESS;
}

// ---- memory ----

API CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) { INJECTED return allocate(address, bytes); }
API CUresult cuMemFree_v2(CUdeviceptr address) { INJECTED return release(address); }

API CUresult cuMemAllocHost_v2(void** to, size_t bytes) { INJECTED return allocate_host(to, bytes); }
API CUresult cuMemFreeHost(void* memory) { INJECTED return release_host(memory); }

API CUresult cuMemGetInfo_v2(size_t* unused, size_t* total) { INJECTED return memory_info(unused, total); }

API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, Stream* stream) {
  INJECTED
  return copy_in(to, from, bytes, stream);
}

API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, Stream* stream) {
  INJECTED
  return copy_out(to, from, bytes, stream);
}

API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, Stream* stream) {
  INJECTED
  return copy_within(to, from, bytes, stream);
}

API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, Stream* stream) {
  INJECTED
  return fill(to, value, bytes, stream);
}

// ---- modules ----

API CUresult cuModuleLoadData(Module** module, const void* image) { INJECTED return load(module, image); }
API CUresult cuModuleUnload(Module* module) { INJECTED return unload(module); }

API CUresult cuModuleGetFunction(Function** function, Module* module, const char* name) {
  INJECTED
  return find(function, module, name, WARP, SHARED_DEFAULT);
}

API CUresult cuFuncSetAttribute(Function* function, int attribute, int value) {
  INJECTED
  return attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > SHARED_OPT_IN ? Result(INVALID_VALUE)
                                                  : limit_shared(function, value);
}

API CUresult cuFuncGetAttribute(int* value, int attribute, Function* function) {
  INJECTED
  *value = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? most_threads(function) : 0;
  return SUCCESS;
}

API CUresult cuLaunchKernel(Function* function, unsigned blocks_x, unsigned blocks_y,
                            unsigned blocks_z, unsigned threads_x, unsigned threads_y,
                            unsigned threads_z, unsigned shared, Stream* stream,
                            void** parameters, void**) {
  INJECTED
  return launch(function, {blocks_x, blocks_y, blocks_z}, {threads_x, threads_y, threads_z}, shared,
                stream, parameters);
}

// ---- streams, graphs, events ----

API CUresult cuStreamCreate(Stream** stream, unsigned) { INJECTED return create(stream); }
API CUresult cuStreamDestroy_v2(Stream* stream) { INJECTED return destroy(stream); }
API CUresult cuStreamSynchronize(Stream* stream) { INJECTED return synchronize(stream); }
API CUresult cuStreamBeginCapture_v2(Stream* stream, int) { INJECTED return begin_capture(stream); }

API CUresult cuStreamEndCapture(Stream* stream, Graph** graph) {
  INJECTED
  return end_capture(stream, graph);
}

API CUresult cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
  INJECTED
  return instantiate(executable, graph);
}

API CUresult cuGraphLaunch(Graph* graph, Stream*) { INJECTED return launch(graph); }
API CUresult cuGraphExecDestroy(Graph* graph) { INJECTED return destroy(graph); }
API CUresult cuGraphDestroy(Graph* graph) { INJECTED return destroy(graph); }
API CUresult cuEventCreate(Event** event, unsigned) { INJECTED return create(event); }
API CUresult cuEventDestroy_v2(Event* event) { INJECTED return destroy(event); }
API CUresult cuEventRecord(Event* event, Stream* stream) { INJECTED return record(event, stream); }
API CUresult cuEventSynchronize(Event* event) { INJECTED return await(event); }
API CUresult cuEventQuery(Event* event) { INJECTED return query(event); }

API CUresult cuEventElapsedTime(float* milliseconds, Event* from, Event* to) {
  INJECTED
  return elapsed(milliseconds, from, to);
}
