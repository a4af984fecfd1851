package dev.anneal.hip;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.Availability;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.gpu.CompiledImages;
import dev.anneal.gpu.CompilerLibrary;
import dev.anneal.gpu.KernelCompiler;
import dev.anneal.gpu.KernelFiles;
import dev.anneal.gpu.KernelSource;
import dev.anneal.gpu.TestDouble;
import dev.anneal.plan.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The test double as the HIP backend finds it: one device of each wave and matrix unit. */
final class HipDouble {
  /** In the order of the double's devices. */
  static final List<Integer> WAVES = List.of(64, 32);

  /** In the order of the double's devices: of each matrix unit one. */
  static final List<String> ARCHITECTURES = List.of("gfx942", "gfx1100", "gfx1201");

  private HipDouble() {}

  static Device open(int wave) {
    return device(WAVES.indexOf(wave));
  }

  static Device open(String architecture) {
    return device(ARCHITECTURES.indexOf(architecture));
  }

  private static Device device(int index) {
    TestDouble.build();
    HipBackend backend = new HipBackend();
    return switch (backend.probe()) {
      case Availability.Available(List<DeviceInfo> devices) ->
          backend.open(devices.get(index), DeviceOptions.defaults());
      case Availability.Missing(String reason) -> throw new IllegalStateException(reason);
    };
  }

  /**
   * Puts all portable kernels into the cache, two at a time and in this process, so that tests do
   * not wait for one compiler after another.
   */
  static void compileAll() {
    TestDouble.build();
    CompilerLibrary hiprtc = HipCompiler.find(HipLibrary.locator(System.getenv())).orElseThrow();
    List<Runnable> all = new ArrayList<>();
    for (int wave : WAVES) {
      HipCompiler compiler = new HipCompiler(hiprtc, architecture(wave), wave);
      CompiledImages images =
          new CompiledImages(
              CacheDirectory.ofUser("hip"),
              new InThisProcess(compiler),
              file -> KernelSource.of(file, HipCompiler.FOLDERS));
      for (DType real : List.of(DType.F32, DType.BF16)) {
        KernelFiles.PORTABLE.forEach(file -> all.add(() -> images.image(file, real)));
      }
    }
    all.parallelStream().forEach(Runnable::run);
  }

  /** Of the double's device of this wave. */
  static Architecture architecture(int wave) {
    return new Architecture(wave == 64 ? "gfx942" : "gfx1100");
  }

  /** Makes what {@code compiler} makes. */
  private record InThisProcess(HipCompiler compiler) implements KernelCompiler {
    @Override
    public List<String> identity() {
      return compiler.identity();
    }

    @Override
    public byte[] compile(KernelSource source, List<String> options) {
      return compiler
          .hiprtc()
          .compile(
              source,
              Stream.concat(
                      HipCompiler.options(compiler.architecture(), compiler.wave()).stream(),
                      options.stream())
                  .toList(),
              HipCompiler.CODE,
              compiler.architecture().name());
    }
  }
}
