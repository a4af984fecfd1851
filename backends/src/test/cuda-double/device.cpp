// A device on the CPU. Its memory is host memory, filled with NaN; a module's image is a shared library
// that the double's own compiler made (compiler.cpp). A stream does what it is told as late as it may, when
// it is waited for, so that a host that is in a hurry reads and changes what it must not yet; or, while it is
// captured, writes it down.
#include "device.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "fibers.h"

namespace device {

struct Module {
  void* handle;
};

struct Function {
  std::string name;
  const DoubleKernel* kernel;
  int shared_limit;
};

struct Graph {
  std::vector<std::function<Result()>> nodes;
};

struct Stream {
  std::unique_ptr<Graph> capture;
};

struct Event {
  std::chrono::steady_clock::time_point time;
  bool reached = true;  // whether the stream has come to where it was recorded last
};

namespace {

constexpr size_t PAGE = 4096;

std::mutex mutex;
std::map<Address, size_t> allocations;
size_t allocated = 0;
size_t capacity_bytes = size_t(4) << 30;
std::chrono::nanoseconds spent{0};  // on events' clock alone
Address next_address = first_address;
Result lost_with = SUCCESS;
long calls = 0;         // of those below that a step may make
long graph_launches = 0;
FILE* record_file = nullptr;

std::mutex host_mutex;
std::map<Address, size_t> host_allocations;

// What streams were told and have not done.
std::mutex told_mutex;
std::recursive_mutex doing_mutex;
std::deque<std::function<Result()>> told;

Result enqueue(Stream* stream, std::function<Result()> node) {
  if (lost_with) {
    return lost_with;
  }
  if (stream && stream->capture) {
    stream->capture->nodes.push_back(std::move(node));
    return SUCCESS;
  }
  std::lock_guard<std::mutex> lock(told_mutex);
  told.push_back(std::move(node));
  return SUCCESS;
}

// Does what was told, all of it or as far as the event; the first error is what the device says from then on.
Result catch_up(const Event* until = nullptr) {
  std::lock_guard<std::recursive_mutex> in_order(doing_mutex);
  while (!lost_with && !(until && until->reached)) {
    std::function<Result()> node;
    {
      std::lock_guard<std::mutex> lock(told_mutex);
      if (told.empty()) {
        return lost_with;
      }
      node = std::move(told.front());
      told.pop_front();
    }
    if (Result result = node()) {
      return result;
    }
  }
  return lost_with;
}

bool pinned(Address address, size_t bytes) {
  std::lock_guard<std::mutex> lock(host_mutex);
  auto after = host_allocations.upper_bound(address);
  if (after == host_allocations.begin()) {
    return false;
  }
  auto [start, size] = *--after;
  return address + bytes <= start + size;
}

bool inside(Address address, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) {
    return false;
  }
  auto [start, size] = *--after;
  return address + bytes <= start + size;
}

Result copy(Address to, Address from, size_t bytes, bool to_device, bool from_device) {
  if ((to_device && !inside(to, bytes)) || (from_device && !inside(from, bytes))) {
    return INVALID_VALUE;
  }
  memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
  return SUCCESS;
}

void write_word(uint64_t word) { fwrite(&word, sizeof word, 1, record_file); }

// One launch, and all memory as it is before.
void write_launch(const GridLaunch& launch) {
  write_word(launch.name.size());
  fwrite(launch.name.data(), 1, launch.name.size(), record_file);
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
    fwrite(reinterpret_cast<void*>(address), 1, bytes, record_file);
  }
}

}  // namespace

Result lost() {
  calls++;
  return lost_with;
}
size_t capacity() { return capacity_bytes; }

// ---- memory ----

Result allocate(Address* address, size_t bytes) {
  calls++;
  if (lost_with) {
    return lost_with;
  }
  std::lock_guard<std::mutex> lock(mutex);
  if (bytes == 0) {
    return INVALID_VALUE;
  }
  if (allocated + bytes > capacity_bytes) {
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
  *address = reinterpret_cast<Address>(memory);
  allocations[*address] = bytes;
  allocated += bytes;
  return SUCCESS;
}

Result release(Address address) {
  catch_up();
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

Result memory_info(size_t* unused, size_t* total) {
  *unused = capacity_bytes - allocated;
  *total = capacity_bytes;
  return SUCCESS;
}

Result allocate_host(void** memory, size_t bytes) {
  std::lock_guard<std::mutex> lock(host_mutex);
  *memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
  host_allocations[reinterpret_cast<Address>(*memory)] = bytes;
  return SUCCESS;
}

Result release_host(void* memory) {
  catch_up();
  std::lock_guard<std::mutex> lock(host_mutex);
  if (!host_allocations.erase(reinterpret_cast<Address>(memory))) {
    return INVALID_VALUE;
  }
  free(memory);
  return SUCCESS;
}

Result copy_in(Address to, const void* from, size_t bytes, Stream* stream) {
  calls++;
  Address host = reinterpret_cast<Address>(from);
  if (!pinned(host, bytes)) {
    // As a driver does: it has a copy of pages that may move before it returns.
    std::vector<char> copied(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    return enqueue(stream, [=, copied = std::move(copied)] {
      return copy(to, reinterpret_cast<Address>(copied.data()), bytes, true, false);
    });
  }
  return enqueue(stream, [=] { return copy(to, host, bytes, true, false); });
}

Result copy_out(void* to, Address from, size_t bytes, Stream* stream) {
  calls++;
  Address host = reinterpret_cast<Address>(to);
  return enqueue(stream, [=] { return copy(host, from, bytes, false, true); });
}

Result copy_within(Address to, Address from, size_t bytes, Stream* stream) {
  return enqueue(stream, [=] { return copy(to, from, bytes, true, true); });
}

Result fill(Address to, unsigned char value, size_t bytes, Stream* stream) {
  calls++;
  return enqueue(stream, [=]() -> Result {
    if (!inside(to, bytes)) {
      return INVALID_VALUE;
    }
    memset(reinterpret_cast<void*>(to), value, bytes);
    return SUCCESS;
  });
}

// ---- modules ----

Result load(Module** module, const void* image) {
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

Result unload(Module* module) {
  // Never dlclose: thread-local shared memory of the workers is in it.
  delete module;
  return SUCCESS;
}

Result find(Function** function, Module* module, const char* name, int wave, int shared_limit) {
  void* symbol = dlsym(module->handle, (std::string(name) + "__kernel").c_str());
  if (!symbol) {
    return NOT_FOUND;
  }
  const auto* kernel = static_cast<const DoubleKernel*>(symbol);
  if (kernel->wave != wave) {
    fprintf(stderr, "test double: %s is compiled for waves of %d\n", name, kernel->wave);
    return INVALID_IMAGE;
  }
  *function = new Function{name, kernel, shared_limit};
  return SUCCESS;
}

Result limit_shared(Function* function, int bytes) {
  function->shared_limit = bytes;
  return SUCCESS;
}

int most_threads(const Function* function) { return function->kernel->threads; }

Result launch(Function* function, const unsigned (&blocks)[3], const unsigned (&threads)[3],
              unsigned shared, Stream* stream, void** parameters) {
  calls++;
  if (blocks[0] < 1 || blocks[1] < 1 || blocks[2] < 1 || blocks[0] > 0x7fffffffu ||
      blocks[1] > 65535 || blocks[2] > 65535 || (int)shared > function->shared_limit) {
    fprintf(stderr, "test double: %s cannot be launched with grid (%u,%u,%u), %u bytes shared\n",
            function->name.c_str(), blocks[0], blocks[1], blocks[2], shared);
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
  DoubleIndex grid{blocks[0], blocks[1], blocks[2]};
  DoubleIndex block{threads[0], threads[1], threads[2]};
  return enqueue(stream, [=, values = std::move(values)]() mutable -> Result {
    std::vector<void*> pointers;
    for (auto& value : values) {
      pointers.push_back(value.data());
    }
    GridLaunch launch{name, kernel, pointers.data(), grid, block, shared};
    if (record_file) {
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

Result create(Stream** stream) {
  *stream = new Stream();
  return SUCCESS;
}

Result destroy(Stream* stream) {
  delete stream;
  return SUCCESS;
}

Result synchronize(Stream* stream) {
  calls++;
  return stream && stream->capture ? Result(CAPTURE_UNSUPPORTED) : catch_up();
}

Result begin_capture(Stream* stream) {
  if (!stream || stream->capture) {
    return INVALID_HANDLE;
  }
  stream->capture = std::make_unique<Graph>();
  return SUCCESS;
}

Result end_capture(Stream* stream, Graph** graph) {
  if (!stream->capture) {
    return INVALID_HANDLE;
  }
  *graph = stream->capture.release();
  return SUCCESS;
}

Result instantiate(Graph** executable, Graph* graph) {
  *executable = new Graph(*graph);
  return SUCCESS;
}

// Where tests want it, what a step asks for: the calls since the graph before.
void note_calls(const char* path) {
  static long before = 0;
  if (FILE* file = fopen(path, "a")) {
    fprintf(file, "%ld\n", calls - before);
    fclose(file);
  }
  before = calls;
}

Result launch(Graph* graph) {
  calls++;
  if (const char* path = getenv("ANNEAL_DOUBLE_CALLS")) {
    note_calls(path);
  }
  const char* last = getenv("ANNEAL_DOUBLE_LOST_AFTER");
  if (last && ++graph_launches > atol(last)) {
    lost_with = LAUNCH_FAILED;
  }
  if (lost_with) {
    return lost_with;
  }
  std::lock_guard<std::mutex> lock(told_mutex);
  told.insert(told.end(), graph->nodes.begin(), graph->nodes.end());
  return SUCCESS;
}

Result destroy(Graph* graph) {
  delete graph;
  return SUCCESS;
}

Result create(Event** event) {
  *event = new Event();
  return SUCCESS;
}

Result destroy(Event* event) {
  catch_up();
  delete event;
  return SUCCESS;
}

Result record(Event* event, Stream* stream) {
  calls++;
  event->reached = false;
  return enqueue(stream, [=]() -> Result {
    event->time = std::chrono::steady_clock::now() + spent;
    event->reached = true;
    return SUCCESS;
  });
}

Result await(Event* event) {
  calls++;
  return catch_up(event);
}

Result query(Event* event) { return lost_with ? lost_with : event->reached ? SUCCESS : NOT_READY; }

Result elapsed(float* milliseconds, Event* from, Event* to) {
  if (!from->reached || !to->reached) {
    return NOT_READY;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return SUCCESS;
}

}  // namespace device

namespace {

std::mutex injection_mutex;
std::set<std::string> called;
std::string injected_function;
int injected_code = 0, injected_after = 0, injections = 0;

}  // namespace

// ---- for tests: a device that is lost, or small; launches written down for replay.cpp ----

API void anneal_double_record(const char* path) {
  if (device::record_file) {
    fclose(device::record_file);
  }
  device::record_file = path ? fopen(path, "wb") : nullptr;
}

// For doubles of other libraries: calls `run` in the order of the stream.
API int anneal_double_enqueue(device::Stream* stream, void (*run)(void*), void* argument) {
  return device::enqueue(stream, [=]() -> device::Result {
    run(argument);
    return device::SUCCESS;
  });
}

// For them, too: so much time goes by for events, and none for who waits.
API void anneal_double_spend(long nanos) { device::spent += std::chrono::nanoseconds(nanos); }

// From its call number `after` on (0 is the next), the function gives `code`; without a name, none does.
API void anneal_double_inject(const char* function, int code, int after) {
  std::lock_guard<std::mutex> lock(injection_mutex);
  injected_function = function ? function : "";
  injected_code = code;
  injected_after = after;
  injections = 0;
}

// Also by the environment, for processes of their own: "cuGraphLaunch 719 5".
static void inject_as_environment_says() {
  static bool looked = false;
  const char* text = looked ? nullptr : getenv("ANNEAL_DOUBLE_FAIL");
  looked = true;
  char name[64];
  if (text && sscanf(text, "%63s %d %d", name, &injected_code, &injected_after) == 3) {
    injected_function = name;
  }
}

API int anneal_double_injected(const char* function) {
  std::lock_guard<std::mutex> lock(injection_mutex);
  inject_as_environment_says();
  called.insert(function);
  if (injected_function != function || injected_after-- > 0) {
    return 0;
  }
  injections++;
  return injected_code;
}

// How often that happened since the last time that it was wanted.
API int anneal_double_injections() { return injections; }

// The functions that were called since the last time that this was asked, each on a line.
API void anneal_double_called(char* to, int most) {
  std::lock_guard<std::mutex> lock(injection_mutex);
  std::string names;
  for (const std::string& name : called) {
    names += name + "\n";
  }
  called.clear();
  snprintf(to, most, "%s", names.c_str());
}

API void anneal_double_lose(int code) { device::lost_with = code; }
API void anneal_double_capacity(unsigned long long bytes) { device::capacity_bytes = bytes; }
API long anneal_double_calls() { return device::calls; }
API unsigned long long anneal_double_allocated() { return device::allocated; }

// What a process leaves allocated, the driver takes back when it ends.
API void anneal_double_reclaim() {
  while (!device::allocations.empty()) {
    device::release(device::allocations.begin()->first);
  }
}
