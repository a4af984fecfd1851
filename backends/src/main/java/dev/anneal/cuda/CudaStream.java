package dev.anneal.cuda;

import jcuda.driver.CUstream;

/** A stream as JCuda takes it, and as the handle that NVIDIA's other libraries take. */
final class CudaStream extends CUstream {

  /** The handle; 0 before the stream is made. */
  long handle() {
    return getNativePointer();
  }
}
