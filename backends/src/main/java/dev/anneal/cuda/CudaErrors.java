package dev.anneal.cuda;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** Turns the driver's result codes into failures. */
final class CudaErrors {
  private CudaErrors() {}

  /**
   * Nothing when {@code code} is success.
   *
   * @param call of the driver that gave it
   * @param doing what was asked of the driver, e.g. {@code launching layernorm_forward_v3}
   * @throws Failure with exit code 3: after an error the device answers nothing any more
   */
  static void check(String call, int code, String doing) {
    if (code != CUresult.CUDA_SUCCESS) {
      throw new Failure(
          ExitCode.BACKEND,
          "the CUDA device was lost while "
              + doing
              + ": "
              + call
              + " says "
              + text(code)
              + "; what was saved before is whole, start again from the last checkpoint");
    }
  }

  /** A result code's name, and the driver's own words for it. */
  static String text(int code) {
    String[] words = new String[1];
    boolean known = JCudaDriver.cuGetErrorString(code, words) == CUresult.CUDA_SUCCESS;
    String name = CUresult.stringFor(code);
    return known && words[0] != null ? name + " (" + words[0] + ")" : name;
  }
}
