package dev.anneal.cuda;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.KernelImages;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * Machine code that nvcc made when Anneal was built, for machines without NVRTC.
 *
 * @param capability of the device, e.g. 90
 */
record PrebuiltImages(int capability) implements KernelImages {
  private static final String FOLDER = "/dev/anneal/cuda/images/";

  /** Whether there is any. */
  boolean there() {
    return PrebuiltImages.class.getResource(FOLDER + name("matmul.cu", DType.F32)) != null;
  }

  @Override
  public byte[] image(String file, DType real) {
    try (InputStream in = PrebuiltImages.class.getResourceAsStream(FOLDER + name(file, real))) {
      if (in == null) {
        throw new Failure(
            ExitCode.BACKEND,
            "no compiler for CUDA kernels: "
                + CudaLibrary.NVRTC.description()
                + " not found, and there is no image of "
                + file
                + " for "
                + Target.device(capability).option()
                + "; install CUDA's NVRTC, for example with pip install nvidia-cuda-nvrtc");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String name(String file, DType real) {
    return file.replace(".cu", "")
        + (real == DType.BF16 ? "-bf16" : "")
        + "-"
        + Target.device(capability).option()
        + ".cubin";
  }
}
