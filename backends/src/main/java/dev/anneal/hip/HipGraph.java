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
    long captured;
    try {
      commands.run();
    } finally {
      captured = runtime.endCapture(stream, "capturing " + name);
    }
    executable = runtime.instantiate(captured, "instantiating " + name);
    runtime.destroyGraph(captured);
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
