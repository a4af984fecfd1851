// An error that a test wants of a function instead of what it would do: driver.cpp and hip.cpp keep it
// for all doubles of a process (see device.cpp).
#pragma once

// Counts the call; the code that the function must fail with, or 0.
extern "C" int anneal_double_injected(const char* function);

#define INJECTED                                          \
  if (int code = anneal_double_injected(__func__)) {      \
    return code;                                          \
  }
