package dev.anneal.terminal.live;

import dev.anneal.terminal.dashboard.Scene.SystemUse;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process uses, read at most once a second. */
final class SystemUseMeter {
  private static final long EVERY_NANOS = 1_000_000_000L;
  private static final Path STATUS = Path.of("/proc/self/status");

  private SystemUse last = new SystemUse(0, 0, 0, 0, 0);
  private long readAt = Long.MIN_VALUE / 2;

  SystemUse read() {
    long now = System.nanoTime();
    if (now - readAt > EVERY_NANOS) {
      readAt = now;
      last = measure();
    }
    return last;
  }

  private static SystemUse measure() {
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    double gcMillis = 0;
    for (GarbageCollectorMXBean gc : ManagementFactory.getGarbageCollectorMXBeans()) {
      gcMillis += Math.max(0, gc.getCollectionTime());
    }
    double cpu =
        ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean os
            ? Math.max(0, os.getProcessCpuLoad())
            : 0;
    return new SystemUse(
        cpu,
        resident(),
        heap.getUsed(),
        heap.getMax(),
        gcMillis / Math.max(1, ManagementFactory.getRuntimeMXBean().getUptime()));
  }

  private static long resident() {
    if (!Files.isReadable(STATUS)) {
      return 0;
    }
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
    } catch (IOException e) {
      return 0;
    }
    return 0;
  }
}
