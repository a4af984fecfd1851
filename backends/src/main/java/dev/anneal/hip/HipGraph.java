package dev.anneal.hip;

import dev.anneal.gpu.Driver;

/** Commands that were captured from a stream. */
final class HipGraph implements Driver.Graph {
  private final HipRuntime runtime;
  private final long stream;
  private final String launching;
  private final long executable;

  HipGraph(HipRuntime runtime, long stream, String name, Runnable commands) {
    this.runtime = runtime;
    this.stream = stream;
    this.launching = "launching " + name;
    runtime.beginCapture(stream, "capturing " + name);
    try {
      commands.run();
    } catch (RuntimeException | Error e) {
      // The stream is usable again; that the capture failed too is the same error said worse.
      runtime.abandonCapture(stream);
      throw e;
    }
    long captured = runtime.endCapture(stream, "capturing " + name);
    try {
      executable = runtime.instantiate(captured, "instantiating " + name);
    } finally {
      runtime.destroyGraph(captured);
    }
  }

  @Override
  public void launch() {
    runtime.launch(executable, stream, launching);
  }

  @Override
  public void close() {
    runtime.destroyExecutable(executable);
  }
}
