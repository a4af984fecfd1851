package dev.anneal.cuda;

import dev.anneal.gpu.KernelCompiler;
import dev.anneal.gpu.KernelSource;
import java.util.List;
import java.util.stream.Stream;

/** NVRTC, for one device. */
record NvrtcCompiler(Nvrtc nvrtc, Target target) implements KernelCompiler {

  /** What is not fused in the source is not fused. */
  static final List<String> OPTIONS = List.of("-fmad=false", "-std=c++17");

  static NvrtcCompiler of(Nvrtc nvrtc, int capability) {
    return new NvrtcCompiler(nvrtc, Target.of(capability, nvrtc.architectures()));
  }

  @Override
  public List<String> identity() {
    return Stream.concat(Stream.of(nvrtc.version(), target.option()), OPTIONS.stream()).toList();
  }

  @Override
  public byte[] compile(KernelSource source, List<String> options) {
    List<String> all = Stream.concat(OPTIONS.stream(), options.stream()).toList();
    return nvrtc.compile(source.text(), source.name(), target, all);
  }
}
