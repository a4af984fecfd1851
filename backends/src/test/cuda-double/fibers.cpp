// GPU threads as fibers. A block runs on one host thread, which lets its fibers take turns: a fiber
// gives up its turn at barriers and shuffles only. Every other launch goes through fibers and blocks
// backwards, so that a kernel whose result depends on who is first gives other bits.
//
// A barrier of a block expects all its threads, one of a warp the lanes of its mask. When no fiber can
// go on and some are not done, threads have diverged: the launch fails, naming line and threads.
#include "fibers.h"

#include <sys/mman.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
// With ANNEAL_RACES, kernels are built with the thread sanitizer, this file is not, and each fiber is a
// thread to it, ordered with others by barriers alone.
#if defined(ANNEAL_RACES)
#include <sanitizer/tsan_interface.h>
#endif

thread_local DoubleThread* double_current;

namespace {

constexpr size_t STACK = 256 << 10;
constexpr int MAX_THREADS = 1024;
constexpr int LEAST_WAVE = 32;
constexpr int MOST_WAVE = 64;
constexpr size_t MAX_SHARED = 256 << 10;
#if defined(ANNEAL_RACES)
// The sanitizer keeps a clock of all threads for each: few of them is all that it can bear.
constexpr int WORKERS = 1;
#else
constexpr int WORKERS = 2;
#endif

struct Barrier {
  unsigned arrived = 0, generation = 0;
  uint64_t mask = 0;
  int line = 0;
};

struct Warp {
  Barrier barrier;
  uint64_t slots[2][MOST_WAVE];
  double_slot gathered[2][MOST_WAVE];
};

struct Fiber : DoubleThread {
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  Barrier* waits = nullptr;
  unsigned generation = 0;
  int index = 0, parity = 0, line = 0;
  bool done = false;
  void* sanitizer = nullptr;
  std::deque<double_copy> copies;
  int group = 0;
};

struct Worker {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Barrier block;
  char* stacks;
  alignas(256) char shared[MAX_SHARED];
  void* scheduler_stack_pointer;
  void* scheduler_sanitizer = nullptr;
  const GridLaunch* launch;
  std::string error;

  Worker() : fibers(MAX_THREADS), warps(MAX_THREADS / LEAST_WAVE) {
    stacks = static_cast<char*>(mmap(nullptr, STACK * MAX_THREADS, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
#if defined(ANNEAL_RACES)
    scheduler_sanitizer = __tsan_get_current_fiber();
#endif
  }
};

thread_local Worker* worker;

extern "C" void anneal_switch(void** save, void* to);
asm(R"(
.text
.globl anneal_switch
.hidden anneal_switch
.type anneal_switch,@function
anneal_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size anneal_switch,.-anneal_switch
)");

Fiber& current() { return *static_cast<Fiber*>(double_current); }

void to_scheduler() {
  Fiber& fiber = current();
#if defined(ANNEAL_RACES)
  __tsan_switch_to_fiber(worker->scheduler_sanitizer, __tsan_switch_to_fiber_no_sync);
#endif
  anneal_switch(&fiber.stack_pointer, worker->scheduler_stack_pointer);
}

void fiber_main() {
  const GridLaunch& launch = *worker->launch;
#if defined(ANNEAL_RACES)
  __tsan_acquire(&worker->launch);
#endif
  launch.kernel->call(launch.kernel->function, launch.parameters);
  current().done = true;
#if defined(ANNEAL_RACES)
  __tsan_release(worker);
#endif
  to_scheduler();
  __builtin_unreachable();
}

void fail(const std::string& what) {
  if (worker->error.empty()) {
    DoubleIndex b = current().block;
    worker->error = worker->launch->name + ", block (" + std::to_string(b.x) + "," +
                    std::to_string(b.y) + "," + std::to_string(b.z) + "): " + what;
  }
}

// Waits until `expected` fibers have come.
void arrive(Barrier& barrier, unsigned expected, uint64_t mask, int line) {
  Fiber& fiber = current();
  if (barrier.arrived == 0) {
    barrier.mask = mask;
    barrier.line = line;
  } else if (barrier.line != line || barrier.mask != mask) {
    fail("thread " + std::to_string(fiber.index) + " waits at line " + std::to_string(line) +
         ", others at line " + std::to_string(barrier.line));
  }
#if defined(ANNEAL_RACES)
  __tsan_release(&barrier);
#endif
  fiber.line = line;
  if (++barrier.arrived == expected) {
    barrier.arrived = 0;
    barrier.generation++;
  } else {
    fiber.waits = &barrier;
    fiber.generation = barrier.generation;
    to_scheduler();
    fiber.waits = nullptr;
  }
#if defined(ANNEAL_RACES)
  __tsan_acquire(&barrier);
#endif
}

void resume(Fiber& fiber) {
  double_current = &fiber;
#if defined(ANNEAL_RACES)
  __tsan_switch_to_fiber(fiber.sanitizer, __tsan_switch_to_fiber_no_sync);
#endif
  anneal_switch(&worker->scheduler_stack_pointer, fiber.stack_pointer);
}

void diverged(int count) {
  int waiting = 0, ended = 0;
  std::string lines;
  for (int i = 0; i < count; i++) {
    Fiber& fiber = worker->fibers[i];
    if (fiber.done) {
      ended++;
    } else if (waiting++ < 4) {
      lines += (lines.empty() ? "" : ", ") + std::string("thread ") + std::to_string(i) +
               " at line " + std::to_string(fiber.line);
    }
  }
  double_current = &worker->fibers[0];
  fail(std::to_string(waiting) + " threads wait for ever (" + lines + "), " +
       std::to_string(ended) + " have ended");
}

void run_block(DoubleIndex block, bool backwards) {
  const GridLaunch& launch = *worker->launch;
  int count = launch.threads.x * launch.threads.y * launch.threads.z;
  for (size_t i = 0; i < launch.shared_bytes; i++) {
    static_cast<volatile char*>(worker->shared)[i] = char(0xff);
  }
#if defined(ANNEAL_RACES)
  // Blocks share this thread's shared memory, so they are ordered; threads of one are not.
  __tsan_acquire(worker);
#endif
  worker->block = Barrier();
  for (int i = 0; i < (count + LEAST_WAVE - 1) / LEAST_WAVE; i++) {
    worker->warps[i].barrier = Barrier();
  }
  for (int i = 0; i < count; i++) {
    Fiber& fiber = worker->fibers[i];
    fiber.thread = {i % launch.threads.x, i / launch.threads.x % launch.threads.y,
                    i / launch.threads.x / launch.threads.y};
    fiber.block = block;
    fiber.blocks = launch.blocks;
    fiber.threads = launch.threads;
    fiber.index = i;
    fiber.parity = 0;
    fiber.done = false;
    fiber.waits = nullptr;
    fiber.copies.clear();
    fiber.group = 0;
    fiber.stack = worker->stacks + STACK * i;
    // As if anneal_switch had been called from an aligned stack: six registers, then where to return.
    void** top = reinterpret_cast<void**>(fiber.stack + STACK) - 2;
    *top = reinterpret_cast<void*>(&fiber_main);
    for (int r = 0; r < 6; r++) {
      *--top = nullptr;
    }
    fiber.stack_pointer = top;
#if defined(ANNEAL_RACES)
    if (!fiber.sanitizer) {
      fiber.sanitizer = __tsan_create_fiber(0);
    }
#endif
  }
#if defined(ANNEAL_RACES)
  __tsan_release(&worker->launch);
#endif
  for (int left = count; left > 0;) {
    bool moved = false;
    for (int n = 0; n < count; n++) {
      Fiber& fiber = worker->fibers[backwards ? count - 1 - n : n];
      if (fiber.done || (fiber.waits && fiber.waits->generation == fiber.generation)) {
        continue;
      }
      resume(fiber);
      moved = true;
      if (fiber.done) {
        left--;
      }
      if (!worker->error.empty()) {
        return;
      }
    }
    if (!moved) {
      diverged(count);
      return;
    }
  }
}

// The host threads, which wait for launches.
struct Pool {
  std::mutex mutex;
  std::condition_variable work, idle;
  const GridLaunch* launch = nullptr;
  std::atomic<long> next{0};
  long total = 0;
  unsigned long epoch = 0;
  int busy = 0;
  bool backwards = false;
  std::string error;

  Pool() {
    for (int i = 0; i < WORKERS; i++) {
      std::thread([this] { serve(); }).detach();
    }
  }

  void serve() {
    worker = new Worker();
    unsigned long seen = 0;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex);
        work.wait(lock, [&] { return epoch != seen; });
        seen = epoch;
        worker->launch = launch;
        worker->error.clear();
      }
      for (long i; worker->error.empty() && (i = next++) < total;) {
        long b = backwards ? total - 1 - i : i;
        run_block({(unsigned)(b % launch->blocks.x), (unsigned)(b / launch->blocks.x % launch->blocks.y),
                   (unsigned)(b / launch->blocks.x / launch->blocks.y)},
                  backwards);
      }
#if defined(ANNEAL_RACES)
      __tsan_acquire(worker);
#endif
      std::unique_lock<std::mutex> lock(mutex);
      if (error.empty()) {
        error = worker->error;
      }
      if (--busy == 0) {
        idle.notify_all();
      }
    }
  }

  std::string run(const GridLaunch& grid) {
    std::unique_lock<std::mutex> lock(mutex);
    launch = &grid;
    next = 0;
    total = (long)grid.blocks.x * grid.blocks.y * grid.blocks.z;
    backwards = epoch % 2 != 0;
    error.clear();
    busy = WORKERS;
    epoch++;
    work.notify_all();
    idle.wait(lock, [&] { return busy == 0; });
    return error;
  }
};

std::mutex one_at_a_time;

}  // namespace

int double_lane() { return current().index % worker->launch->kernel->wave; }

void* double_dynamic_shared() { return worker->shared; }

void double_block_barrier(int line) {
  const DoubleIndex& threads = worker->launch->threads;
  arrive(worker->block, threads.x * threads.y * threads.z, 0, line);
}

uint64_t double_exchange(uint64_t mask, uint64_t value, int from, int line) {
  Fiber& fiber = current();
  int wave = worker->launch->kernel->wave;
  int lane = fiber.index % wave;
  Warp& warp = worker->warps[fiber.index / wave];
  if (from < 0 || from >= wave || !(mask >> from & 1) || !(mask >> lane & 1)) {
    fail("line " + std::to_string(line) + ": lane " + std::to_string(from) +
         " is read, which is not in the mask");
    from = lane;
  }
  // Two sets of slots: whoever writes the same set again has passed the barrier between.
  int parity = fiber.parity;
  fiber.parity ^= 1;
  warp.slots[parity][lane] = value;
  arrive(warp.barrier, __builtin_popcountll(mask), mask, line);
  return warp.slots[parity][from];
}

const double_slot* double_gather_slots(const void* own, int bytes, int line) {
  Fiber& fiber = current();
  int wave = worker->launch->kernel->wave;
  Warp& warp = worker->warps[fiber.index / wave];
  int parity = fiber.parity;
  fiber.parity ^= 1;
  memcpy(warp.gathered[parity][fiber.index % wave].bytes, own, bytes);
  arrive(warp.barrier, wave, ~0ull >> (64 - wave), line);
  return warp.gathered[parity];
}

void double_begin_copy(void* to, const void* from, int bytes) {
  if (reinterpret_cast<uintptr_t>(to) % bytes || reinterpret_cast<uintptr_t>(from) % bytes) {
    fail("a copy of " + std::to_string(bytes) + " bytes between addresses that are no multiples");
    return;
  }
  current().copies.push_back({to, from, bytes, current().group});
}

void double_end_group() { current().group++; }

bool double_next_copy(int later, double_copy* copy) {
  Fiber& fiber = current();
  if (fiber.copies.empty() || fiber.copies.front().group >= fiber.group - later) {
    return false;
  }
  *copy = fiber.copies.front();
  fiber.copies.pop_front();
  return true;
}

std::string run_grid(const GridLaunch& launch) {
  static Pool* pool = new Pool();
  std::lock_guard<std::mutex> lock(one_at_a_time);
  long threads = (long)launch.threads.x * launch.threads.y * launch.threads.z;
  if (threads < 1 || threads > MAX_THREADS || threads > launch.kernel->threads) {
    return launch.name + " is launched with " + std::to_string(threads) + " threads, bounds are " +
           std::to_string(launch.kernel->threads);
  }
  if (launch.shared_bytes > MAX_SHARED) {
    return launch.name + " is launched with " + std::to_string(launch.shared_bytes) +
           " bytes of shared memory";
  }
  return pool->run(launch);
}
