package dev.anneal.cuda;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import jcuda.driver.CUresult;

/** Turns the driver's result codes into failures. */
final class CudaErrors {
  private CudaErrors() {}

  /**
   * Nothing when {@code code} is success.
   *
   * @param doing what was asked of the driver, e.g. {@code launching layernorm_forward_v3}
   * @throws Failure with exit code 3: after an error the device answers nothing any more
   */
  static void check(int code, String doing) {
    if (code != CUresult.CUDA_SUCCESS) {
      throw new Failure(
          ExitCode.BACKEND,
          "the CUDA device was lost while "
              + doing
              + ": "
              + CUresult.stringFor(code)
              + "; what was saved before is whole, start again from the last checkpoint");
    }
  }
}
