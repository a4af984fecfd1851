package dev.anneal.cuda;

import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.plan.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Machine code for the kernel files: from the cache on disk, else from NVRTC, else as nvcc made it
 * when Anneal was built.
 */
final class KernelImages {
  private static final String FOLDER = "/dev/anneal/cuda/images/";

  private final ImageCache cache;
  private final Optional<Nvrtc> nvrtc;

  KernelImages(ImageCache cache, Optional<Nvrtc> nvrtc) {
    this.cache = cache;
    this.nvrtc = nvrtc;
  }

  /** Options of both compilers: what is not fused in the source is not fused. */
  static List<String> options(DType real) {
    List<String> options = new ArrayList<>(List.of("-fmad=false", "-std=c++17"));
    if (real == DType.BF16) {
      options.add("-DANNEAL_BF16");
    }
    return options;
  }

  /** Where images come from, in a few words. */
  String origin() {
    return nvrtc.map(n -> "NVRTC " + n.version()).orElse("images made by nvcc");
  }

  /**
   * The image of {@code file} with tensors in format {@code real}.
   *
   * @throws Failure when there is none and nothing to make it with, or it does not compile
   */
  byte[] image(String file, DType real, int capability) {
    KernelSource source = KernelSource.of(file);
    List<String> options = options(real);
    if (nvrtc.isPresent()) {
      Target target = Target.of(capability, nvrtc.get().architectures());
      String key =
          ImageCache.key(
              target.option(),
              nvrtc.get().version(),
              String.join(" ", options),
              source.name(),
              source.text());
      Optional<byte[]> cached = cache.get(key);
      if (cached.isPresent()) {
        return cached.get();
      }
      byte[] image = nvrtc.get().compile(source.text(), file, target, options);
      cache.put(key, image);
      return image;
    }
    return prebuilt(file, real, capability)
        .orElseThrow(
            () ->
                new Failure(
                    ExitCode.BACKEND,
                    "no compiler for CUDA kernels: "
                        + CudaLibrary.NVRTC.description()
                        + " not found, and there is no image of "
                        + file
                        + " for "
                        + Target.device(capability).option()
                        + "; install CUDA's NVRTC, for example with pip install"
                        + " nvidia-cuda-nvrtc"));
  }

  /** Whether there is any image that nvcc made for such a device. */
  static boolean hasPrebuilt(int capability) {
    return KernelImages.class.getResource(FOLDER + name("matmul.cu", DType.F32, capability))
        != null;
  }

  private static String name(String file, DType real, int capability) {
    return file.replace(".cu", "")
        + (real == DType.BF16 ? "-bf16" : "")
        + "-"
        + Target.device(capability).option()
        + ".cubin";
  }

  private static Optional<byte[]> prebuilt(String file, DType real, int capability) {
    try (InputStream in =
        KernelImages.class.getResourceAsStream(FOLDER + name(file, real, capability))) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
