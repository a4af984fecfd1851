// The device of the test double, which driver.cpp shows as CUDA's and hip.cpp as HIP's, whose result
// codes are the same numbers.
#pragma once
#include <cstddef>
#include <string>

#include "numbers.h"

#define API extern "C" __attribute__((visibility("default")))

namespace device {

typedef int Result;
typedef unsigned long long Address;

enum : Result {
  SUCCESS = CUDA_SUCCESS,
  INVALID_VALUE = CUDA_ERROR_INVALID_VALUE,
  OUT_OF_MEMORY = CUDA_ERROR_OUT_OF_MEMORY,
  NO_DEVICE = CUDA_ERROR_NO_DEVICE,
  INVALID_DEVICE = CUDA_ERROR_INVALID_DEVICE,
  INVALID_IMAGE = CUDA_ERROR_INVALID_IMAGE,
  INVALID_HANDLE = CUDA_ERROR_INVALID_HANDLE,
  NOT_FOUND = CUDA_ERROR_NOT_FOUND,
  NOT_READY = CUDA_ERROR_NOT_READY,
  LAUNCH_FAILED = CUDA_ERROR_LAUNCH_FAILED,
  NOT_SUPPORTED = CUDA_ERROR_NOT_SUPPORTED,
  CAPTURE_UNSUPPORTED = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
};

// Where device memory begins: given by the vendor's file, so that two vendors' doubles can be in one
// process.
extern const Address first_address;

struct Module;
struct Function;
struct Graph;
struct Stream;
struct Event;

// An error that all calls give from now on, or SUCCESS.
Result lost();

size_t capacity();

Result allocate(Address* address, size_t bytes);
Result release(Address address);
Result memory_info(size_t* unused, size_t* total);
// Memory of the host whose pages stay where they are.
Result allocate_host(void** memory, size_t bytes);
Result release_host(void* memory);
Result copy_in(Address to, const void* from, size_t bytes, Stream* stream);
Result copy_out(void* to, Address from, size_t bytes, Stream* stream);
Result copy_within(Address to, Address from, size_t bytes, Stream* stream);
Result fill(Address to, unsigned char value, size_t bytes, Stream* stream);

Result load(Module** module, const void* image);
Result unload(Module* module);

// A kernel that was compiled for waves of `wave` threads and may have `shared_limit` bytes of shared
// memory that its launch gives.
Result find(Function** function, Module* module, const char* name, int wave, int shared_limit);
Result limit_shared(Function* function, int bytes);
int most_threads(const Function* function);
Result launch(Function* function, const unsigned (&blocks)[3], const unsigned (&threads)[3],
              unsigned shared, Stream* stream, void** parameters);

Result create(Stream** stream);
Result destroy(Stream* stream);
Result synchronize(Stream* stream);
Result begin_capture(Stream* stream);
Result end_capture(Stream* stream, Graph** graph);
Result instantiate(Graph** executable, Graph* graph);
Result launch(Graph* graph);
Result destroy(Graph* graph);

Result create(Event** event);
Result destroy(Event* event);
Result record(Event* event, Stream* stream);
Result await(Event* event);
Result query(Event* event);
Result elapsed(float* milliseconds, Event* from, Event* to);

}  // namespace device
