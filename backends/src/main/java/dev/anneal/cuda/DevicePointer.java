package dev.anneal.cuda;

import jcuda.driver.CUdeviceptr;

/** Device memory as JCuda takes it, and as the number that kernels take. */
final class DevicePointer extends CUdeviceptr {

  /** The address; 0 before an allocation. */
  long address() {
    return getNativePointer() + getByteOffset();
  }

  /** Any address, for the driver's own copies and fills. */
  static CUdeviceptr at(long address) {
    return new CUdeviceptr().withByteOffset(address);
  }
}
