// Runs grids of blocks of GPU threads on host threads.
#pragma once
#include <string>

#include "double.h"

struct GridLaunch {
  std::string name;
  const DoubleKernel* kernel;
  void** parameters;
  DoubleIndex blocks, threads;
  size_t shared_bytes;
};

// Runs all blocks; an empty string, or what went wrong: a divergence, with line and threads.
std::string run_grid(const GridLaunch& launch);
