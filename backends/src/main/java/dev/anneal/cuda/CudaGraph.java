package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import dev.anneal.gpu.Driver;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/** Commands that were captured from a stream. */
final class CudaGraph implements Driver.Graph {
  private final CUstream stream;
  private final String name;
  private final CUgraphExec executable = new CUgraphExec();

  CudaGraph(CUstream stream, String name, Runnable commands) {
    this.stream = stream;
    this.name = name;
    check(
        "cuStreamBeginCapture",
        JCudaDriver.cuStreamBeginCapture(
            stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        "capturing " + name);
    CUgraph captured = new CUgraph();
    try {
      commands.run();
    } catch (RuntimeException | Error e) {
      // The stream is usable again; that the capture failed too is the same error said worse.
      JCudaDriver.cuStreamEndCapture(stream, captured);
      throw e;
    }
    check(
        "cuStreamEndCapture",
        JCudaDriver.cuStreamEndCapture(stream, captured),
        "capturing " + name);
    int instantiated = JCudaDriver.cuGraphInstantiate(executable, captured, 0);
    JCudaDriver.cuGraphDestroy(captured);
    check("cuGraphInstantiate", instantiated, "instantiating " + name);
  }

  @Override
  public void launch() {
    check("cuGraphLaunch", JCudaDriver.cuGraphLaunch(executable, stream), "launching " + name);
  }

  @Override
  public void close() {
    JCudaDriver.cuGraphExecDestroy(executable);
  }
}
