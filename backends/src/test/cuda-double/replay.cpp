// Runs launches that the driver wrote down, under a sanitizer, without a JVM around it:
//   replay RECORD MODULE...
// Memory is where it was, with what was in it; all around it is poisoned. Modules are kernel files,
// built with the same sanitizer. What the sanitizer has to say it says; 0 is nothing.
#include <dlfcn.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "fibers.h"

namespace {

constexpr size_t PAGE = 4096;

struct Region {
  char* address;
  size_t bytes;
};

bool read_word(FILE* file, uint64_t& word) { return fread(&word, sizeof word, 1, file) == 1; }

uint64_t word_of(FILE* file) {
  uint64_t word;
  if (!read_word(file, word)) {
    fprintf(stderr, "replay: the record ends early\n");
    exit(2);
  }
  return word;
}

const DoubleKernel* find(const std::vector<void*>& modules, const std::string& name) {
  for (void* module : modules) {
    if (void* kernel = dlsym(module, (name + "__kernel").c_str())) {
      return static_cast<const DoubleKernel*>(kernel);
    }
  }
  return nullptr;
}

Region place(FILE* file) {
  char* address = reinterpret_cast<char*>(word_of(file));
  size_t bytes = word_of(file);
  size_t room = (bytes + PAGE - 1) / PAGE * PAGE;
  void* memory = mmap(address - PAGE, room + 2 * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (memory == MAP_FAILED || fread(address, 1, bytes, file) != bytes) {
    fprintf(stderr, "replay: cannot place %zu bytes at %p\n", bytes, address);
    exit(2);
  }
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(address - PAGE, PAGE);
  __asan_poison_memory_region(address + bytes, room - bytes + PAGE);
#endif
  return {address, bytes};
}

void take_away(const Region& region) {
  size_t room = (region.bytes + PAGE - 1) / PAGE * PAGE + 2 * PAGE;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(region.address - PAGE, room);
#endif
  munmap(region.address - PAGE, room);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: replay RECORD MODULE...\n");
    return 2;
  }
  FILE* file = fopen(arguments[1], "rb");
  std::vector<void*> modules;
  for (int i = 2; i < count; i++) {
    void* module = dlopen(arguments[i], RTLD_NOW | RTLD_LOCAL);
    if (!module) {
      fprintf(stderr, "replay: %s\n", dlerror());
      return 2;
    }
    modules.push_back(module);
  }
#if defined(ANNEAL_RACES)
  // A barrier costs the square of its threads here.
  constexpr long MOST_THREADS = 2048;
  constexpr int MOST_LAUNCHES = 2;
  std::map<std::string, int> ran;
#endif
  int launches = 0;
  for (uint64_t length; file && read_word(file, length); launches++) {
    std::string name(length, ' ');
    if (fread(&name[0], 1, length, file) != length) {
      return 2;
    }
    unsigned n[7];
    for (unsigned& value : n) {
      value = (unsigned)word_of(file);
    }
    const DoubleKernel* kernel = find(modules, name);
    if (!kernel) {
      fprintf(stderr, "replay: no module has %s\n", name.c_str());
      return 2;
    }
    std::vector<uint64_t> values(kernel->count);
    std::vector<void*> parameters;
    for (uint64_t& value : values) {
      value = word_of(file);
      parameters.push_back(&value);
    }
    std::vector<Region> regions(word_of(file));
    for (Region& region : regions) {
      region = place(file);
    }
    fprintf(stderr, "replay: %s\n", name.c_str());
    std::string error;
#if defined(ANNEAL_RACES)
    long threads = (long)n[0] * n[1] * n[2] * n[3] * n[4] * n[5];
    bool run = threads <= MOST_THREADS && ran[name]++ < MOST_LAUNCHES;
#else
    bool run = true;
#endif
    if (run) {
      error = run_grid(
          {name, kernel, parameters.data(), {n[0], n[1], n[2]}, {n[3], n[4], n[5]}, n[6]});
    }
    if (!error.empty()) {
      fprintf(stderr, "replay: %s\n", error.c_str());
      return 3;
    }
    for (const Region& region : regions) {
      take_away(region);
    }
  }
  printf("%d launches\n", launches);
  // Not exit: the workers are still there, waiting.
  fflush(stdout);
  _Exit(0);
}
