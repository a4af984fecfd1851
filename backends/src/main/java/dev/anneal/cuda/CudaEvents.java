package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import dev.anneal.gpu.Driver;
import java.util.List;
import java.util.stream.Stream;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** Points in a stream that have a time. */
final class CudaEvents implements Driver.Events {
  private final CUstream stream;
  private final List<CUevent> events;

  CudaEvents(CUstream stream, int count) {
    this.stream = stream;
    this.events = Stream.generate(CUevent::new).limit(count).toList();
    for (CUevent event : events) {
      check(
          "cuEventCreate",
          JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DEFAULT),
          "making an event");
    }
  }

  @Override
  public void record(int i) {
    check("cuEventRecord", JCudaDriver.cuEventRecord(events.get(i), stream), "timing");
  }

  @Override
  public void await(int i, String doing) {
    check("cuEventSynchronize", JCudaDriver.cuEventSynchronize(events.get(i)), doing);
  }

  @Override
  public boolean isReached(int i) {
    int code = JCudaDriver.cuEventQuery(events.get(i));
    if (code != CUresult.CUDA_ERROR_NOT_READY) {
      check("cuEventQuery", code, "timing");
    }
    return code == CUresult.CUDA_SUCCESS;
  }

  @Override
  public float millisecondsAfter(int i) {
    float[] milliseconds = new float[1];
    check(
        "cuEventElapsedTime",
        JCudaDriver.cuEventElapsedTime(milliseconds, events.get(i), events.get(i + 1)),
        "timing");
    return milliseconds[0];
  }

  @Override
  public void close() {
    events.forEach(JCudaDriver::cuEventDestroy);
  }
}
