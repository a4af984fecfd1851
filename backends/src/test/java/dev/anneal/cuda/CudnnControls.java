package dev.anneal.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** What tests can do to the double of cuDNN and nobody can to the real one. */
final class CudnnControls {
  private CudnnControls() {}

  private static MethodHandle function(String name) {
    return Linker.nativeLinker()
        .downcallHandle(
            SymbolLookup.libraryLookup("libcudnn.so.9", Arena.global()).findOrThrow(name),
            FunctionDescriptor.ofVoid(JAVA_INT));
  }

  /** It has no engine for the forward pass (1), the backward pass (2) or the summed one (4). */
  static void refuseAttention(int what) throws Throwable {
    function("anneal_double_cudnn_refuse").invokeExact(what);
  }

  /** Its engines are noted as they are (0), all as other bits every time (1), or none (2). */
  static void note(int what) throws Throwable {
    function("anneal_double_cudnn_note").invokeExact(what);
  }

  /**
   * A backward pass through scores needs so many MiB of scratch for each sequence; 0 is what such
   * scores are.
   */
  static void scores(int megabytes) throws Throwable {
    function("anneal_double_cudnn_scores").invokeExact(megabytes);
  }

  /** Its engines for the backward pass (2) or the summed one (4) take so much longer. */
  static void slow(int what, int milliseconds) throws Throwable {
    Linker.nativeLinker()
        .downcallHandle(
            SymbolLookup.libraryLookup("libcudnn.so.9", Arena.global())
                .findOrThrow("anneal_double_cudnn_slow"),
            FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT))
        .invokeExact(milliseconds, what);
  }

  /** Who asks for its version from now on hears this one, e.g. 90500. */
  static void version(int version) throws Throwable {
    function("anneal_double_cudnn_version").invokeExact(version);
  }
}
