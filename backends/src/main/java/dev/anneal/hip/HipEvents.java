package dev.anneal.hip;

import dev.anneal.gpu.Driver;
import java.util.stream.LongStream;

/** Points in a stream that have a time. */
final class HipEvents implements Driver.Events {
  private final HipRuntime runtime;
  private final long stream;
  private final long[] events;

  HipEvents(HipRuntime runtime, long stream, int count) {
    this.runtime = runtime;
    this.stream = stream;
    this.events = LongStream.generate(runtime::newEvent).limit(count).toArray();
  }

  @Override
  public void record(int i) {
    runtime.record(events[i], stream);
  }

  @Override
  public void await(int i, String doing) {
    runtime.await(events[i], doing);
  }

  @Override
  public boolean isReached(int i) {
    return runtime.isReached(events[i]);
  }

  @Override
  public float millisecondsAfter(int i) {
    return runtime.milliseconds(events[i], events[i + 1]);
  }

  @Override
  public void close() {
    LongStream.of(events).forEach(runtime::destroyEvent);
  }
}
