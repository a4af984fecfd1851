// libamdhip64.so.7 of the test double: the hip* entry points that Anneal uses, on device.cpp. It has
// three devices, each of another matrix unit: 0 with waves of 64 threads, 1 and 2 with waves of 32. A
// kernel must have been compiled for the waves of the device that it is looked up for.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device.h"
#include "injected.h"

using namespace device;
typedef Result hipError_t;

const Address device::first_address = 0x7e5000000000;

namespace {

constexpr int LOCAL_BYTES = 64 << 10;

struct Gpu {
  const char* name;
  const char* architecture;
  int wave;
};

constexpr Gpu GPUS[] = {{"test double on the CPU, waves of 64", "gfx942:sramecc+:xnack-", 64},
                        {"test double on the CPU, waves of 32", "gfx1100", 32},
                        {"test double on the CPU, waves of 32", "gfx1201", 32}};
constexpr int COUNT = sizeof GPUS / sizeof GPUS[0];

thread_local int current = 0;

bool none() { return getenv("ANNEAL_DOUBLE_NO_DEVICE"); }

}  // namespace

API hipError_t hipInit(unsigned) { INJECTED return none() ? NO_DEVICE : SUCCESS; }

API hipError_t hipRuntimeGetVersion(int* version) {
  INJECTED
  *version = 70012345;
  return SUCCESS;
}

API hipError_t hipGetDeviceCount(int* count) {
  INJECTED
  *count = none() ? 0 : COUNT;
  return none() ? NO_DEVICE : SUCCESS;
}

API hipError_t hipSetDevice(int device) {
  INJECTED
  if (device < 0 || device >= COUNT) {
    return INVALID_DEVICE;
  }
  current = device;
  return lost();
}

API hipError_t hipDeviceGetName(char* name, int length, int device) {
  INJECTED
  snprintf(name, length, "%s", GPUS[device].name);
  return SUCCESS;
}

API hipError_t hipDeviceGetAttribute(int* value, int attribute, int device) {
  INJECTED
  switch (attribute) {
    case hipDeviceAttributeMultiprocessorCount:
      *value = 2;
      return SUCCESS;
    case hipDeviceAttributeMaxSharedMemoryPerBlock:
      *value = LOCAL_BYTES;
      return SUCCESS;
    case hipDeviceAttributeWarpSize:
      *value = GPUS[device].wave;
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}

API hipError_t hipGetDevicePropertiesR0600(char* properties, int device) {
  INJECTED
  // As large as ROCm 6 has it, with the two names where they are there.
  memset(properties, 0, 1472);
  strcpy(properties, GPUS[device].name);
  strcpy(properties + 1160, GPUS[device].architecture);
  return SUCCESS;
}

API hipError_t hipDeviceTotalMem(size_t* bytes, int) {
  INJECTED
  *bytes = capacity();
  return SUCCESS;
}

API const char* hipGetErrorName(hipError_t code) {
  return code == OUT_OF_MEMORY   ? "hipErrorOutOfMemory"
         : code == NO_DEVICE     ? "hipErrorNoDevice"
         : code == INVALID_IMAGE ? "hipErrorInvalidImage"
         : code == LAUNCH_FAILED ? "hipErrorLaunchFailure"
                                 : "hipErrorOfTheDouble";
}

API const char* hipGetErrorString(hipError_t) { return "an error of the test double"; }

// ---- memory ----

API hipError_t hipMalloc(Address* address, size_t bytes) { INJECTED return allocate(address, bytes); }
API hipError_t hipFree(Address address) { INJECTED return release(address); }
API hipError_t hipHostMalloc(void** to, size_t bytes, unsigned) { INJECTED return allocate_host(to, bytes); }
API hipError_t hipHostFree(void* memory) { INJECTED return release_host(memory); }
API hipError_t hipMemGetInfo(size_t* unused, size_t* total) { INJECTED return memory_info(unused, total); }

API hipError_t hipMemcpyHtoDAsync(Address to, const void* from, size_t bytes, Stream* stream) {
  INJECTED
  return copy_in(to, from, bytes, stream);
}

API hipError_t hipMemcpyDtoHAsync(void* to, Address from, size_t bytes, Stream* stream) {
  INJECTED
  return copy_out(to, from, bytes, stream);
}

API hipError_t hipMemsetAsync(Address to, int value, size_t bytes, Stream* stream) {
  INJECTED
  return fill(to, (unsigned char)value, bytes, stream);
}

// ---- modules ----

API hipError_t hipModuleLoadData(Module** module, const void* image) { INJECTED return load(module, image); }
API hipError_t hipModuleUnload(Module* module) { INJECTED return unload(module); }

API hipError_t hipModuleGetFunction(Function** function, Module* module, const char* name) {
  INJECTED
  return find(function, module, name, GPUS[current].wave, LOCAL_BYTES);
}

API hipError_t hipModuleLaunchKernel(Function* function, unsigned blocks_x, unsigned blocks_y,
                                     unsigned blocks_z, unsigned threads_x, unsigned threads_y,
                                     unsigned threads_z, unsigned shared, Stream* stream,
                                     void** parameters, void**) {
  INJECTED
  return launch(function, {blocks_x, blocks_y, blocks_z}, {threads_x, threads_y, threads_z}, shared,
                stream, parameters);
}

// ---- streams, graphs, events ----

API hipError_t hipStreamCreateWithFlags(Stream** stream, unsigned) { INJECTED return create(stream); }
API hipError_t hipStreamDestroy(Stream* stream) { INJECTED return destroy(stream); }
API hipError_t hipStreamSynchronize(Stream* stream) { INJECTED return synchronize(stream); }
API hipError_t hipStreamBeginCapture(Stream* stream, int) { INJECTED return begin_capture(stream); }

API hipError_t hipStreamEndCapture(Stream* stream, Graph** graph) {
  INJECTED
  return end_capture(stream, graph);
}

API hipError_t hipGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
  INJECTED
  return instantiate(executable, graph);
}

API hipError_t hipGraphLaunch(Graph* graph, Stream*) { INJECTED return launch(graph); }
API hipError_t hipGraphExecDestroy(Graph* graph) { INJECTED return destroy(graph); }
API hipError_t hipGraphDestroy(Graph* graph) { INJECTED return destroy(graph); }
API hipError_t hipEventCreateWithFlags(Event** event, unsigned) { INJECTED return create(event); }
API hipError_t hipEventDestroy(Event* event) { INJECTED return destroy(event); }
API hipError_t hipEventRecord(Event* event, Stream* stream) { INJECTED return record(event, stream); }
API hipError_t hipEventSynchronize(Event* event) { INJECTED return await(event); }
API hipError_t hipEventQuery(Event* event) { INJECTED return query(event); }

API hipError_t hipEventElapsedTime(float* milliseconds, Event* from, Event* to) {
  INJECTED
  return elapsed(milliseconds, from, to);
}
