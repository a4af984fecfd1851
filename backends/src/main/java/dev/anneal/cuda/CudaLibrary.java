package dev.anneal.cuda;

import java.util.List;

/**
 * NVIDIA's libraries that this backend can use, by soname, newest first. Nothing but the driver is
 * strictly needed.
 */
enum CudaLibrary {
  DRIVER("libcuda.so.1"),
  NVRTC("libnvrtc.so.13", "libnvrtc.so.12"),
  CUBLAS_LT("libcublasLt.so.13", "libcublasLt.so.12");

  private final List<String> sonames;

  CudaLibrary(String... sonames) {
    this.sonames = List.of(sonames);
  }

  List<String> sonames() {
    return sonames;
  }

  /** As messages name it, e.g. {@code libnvrtc.so.13 or libnvrtc.so.12}. */
  String description() {
    return String.join(" or ", sonames);
  }
}
