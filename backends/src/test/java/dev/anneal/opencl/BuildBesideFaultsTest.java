package dev.anneal.opencl;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.ops.OpRun;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Shape;
import dev.anneal.plan.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Kernels are built whatever signals the JVM sends to itself meanwhile. */
@ResourceLock("OpenCL")
class BuildBesideFaultsTest {
  private static final long PAUSE_NANOS = 20_000_000;
  private static final OpRun ADD = new OpRun(new Op.Add(f("out"), f("a"), f("b")), 1);

  @TempDir private Path folder;

  private static Tensor f(String name) {
    return new Tensor(name, DType.F32, Shape.of(100), Arena.INPUTS);
  }

  /** Threads in loops stop for a collection by a fault on a page that the JVM protects. */
  @Test
  void collectionsBesideAThreadThatComputesBreakNoBuild() throws InterruptedException {
    String preloaded = System.getenv().getOrDefault("LD_PRELOAD", "");
    assumeTrue(preloaded.contains("libjsig"), "libjsig is not preloaded here");
    AtomicBoolean done = new AtomicBoolean();
    AtomicLong sum = new AtomicLong();
    List<Thread> beside =
        List.of(
            Thread.ofPlatform().start(() -> compute(done, sum)),
            Thread.ofPlatform().start(() -> collect(done)));
    try {
      for (int build = 0; build < 6; build++) {
        // Of another text each, since the driver has a cache of its own.
        String options = "-DANNEAL_BUILD=" + System.nanoTime();
        ADD.on(open(folder.resolve("cache" + build), options));
      }
    } finally {
      done.set(true);
      for (Thread thread : beside) {
        thread.join();
      }
    }
    assertTrue(sum.get() != 0);
  }

  private static void compute(AtomicBoolean done, AtomicLong sum) {
    while (!done.get()) {
      long s = 1;
      for (long i = 0; i < 1_000_000; i++) {
        s = s * 31 + i;
      }
      sum.set(s | 1);
    }
  }

  private static void collect(AtomicBoolean done) {
    while (!done.get()) {
      System.gc();
      // Far more often than in training, and not all the time.
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private static OpenClDevice open(Path cache, String options) {
    DeviceInfo info = InstalledDevices.all().getFirst();
    return new OpenClDevice(
        info,
        InstalledDevices.handle(info).building(options),
        DeviceOptions.defaults(),
        new CacheDirectory(cache));
  }
}
