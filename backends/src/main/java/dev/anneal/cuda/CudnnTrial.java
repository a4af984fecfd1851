package dev.anneal.cuda;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Whether an engine gives the same bits every time, decided by running it on random numbers: what
 * the library notes of an engine says less than that, and sometimes more. What was found is kept on
 * disk.
 *
 * @param cache where it is kept
 * @param where the device and its driver, on which it depends
 */
record CudnnTrial(CudaDriver driver, CacheDirectory cache, String where) {
  /** A prime, so that rows differ from each other. */
  private static final int PATTERN = 65521;

  /** Bytes that are read back at once. */
  private static final long CHUNK = 16L << 20;

  private static final String YES = "same bits";
  private static final String NO = "other bits";

  /** Device memory of one trial. */
  final class Buffers implements AutoCloseable {
    private final List<Long> addresses = new ArrayList<>();
    private final List<Long> results = new ArrayList<>();
    private final List<Long> resultBytes = new ArrayList<>();

    private long allocate(long bytes) {
      long address = driver.allocate("numbers that an engine is tried on", bytes);
      addresses.add(address);
      return address;
    }

    /** {@code elements} random numbers between -1 and 1. */
    long random(DType dtype, long elements) {
      return filled(dtype, elements, PATTERN, i -> uniform(i));
    }

    /** {@code elements} numbers that are alike. */
    long alike(DType dtype, long elements, double value) {
      return filled(dtype, elements, PATTERN, i -> (float) value);
    }

    /** Something that the engine writes, and that is held against its other runs. */
    long result(long bytes) {
      long address = allocate(bytes);
      results.add(address);
      resultBytes.add(bytes);
      return address;
    }

    /** Something that the engine writes and nobody reads. */
    long scratch(long bytes) {
      return allocate(bytes);
    }

    private interface Numbers {
      float at(int i);
    }

    private long filled(DType dtype, long elements, int period, Numbers numbers) {
      long address = allocate(dtype.bytes() * elements);
      int count = (int) Math.min(period, elements);
      try (Arena host = Arena.ofConfined()) {
        MemorySegment values = host.allocate((long) dtype.bytes() * count, 8);
        for (int i = 0; i < count; i++) {
          Elements.set(values, dtype, i, numbers.at(i));
        }
        for (long from = 0; from < elements; from += count) {
          long bytes = dtype.bytes() * Math.min(count, elements - from);
          driver.copyIn(address + dtype.bytes() * from, values.asSlice(0, bytes));
        }
      }
      return address;
    }

    private static float uniform(int i) {
      return (float) (2 * Philox.uniform(Philox.bits(5, Philox.Purpose.TEST, 0, i, 0)) - 1);
    }

    /** The results' bits in short. */
    private List<Long> bits() {
      List<Long> sums = new ArrayList<>();
      try (Arena host = Arena.ofConfined()) {
        MemorySegment part = host.allocate(CHUNK);
        for (int i = 0; i < results.size(); i++) {
          for (long at = 0; at < resultBytes.get(i); at += CHUNK) {
            MemorySegment to = part.asSlice(0, Math.min(CHUNK, resultBytes.get(i) - at));
            driver.copyOut(results.get(i) + at, to);
            CRC32C sum = new CRC32C();
            sum.update(to.asByteBuffer());
            sums.add(sum.getValue());
          }
        }
      }
      return sums;
    }

    @Override
    public void close() {
      addresses.forEach(driver::free);
    }
  }

  /** An engine, and how it is run on some numbers. */
  interface Run {
    /** Everything that one run is, in order. */
    List<PreparedCommand> on(Buffers buffers);
  }

  /**
   * Whether {@code run} gives equal bits {@code times} times; nothing when there is no memory to
   * try.
   *
   * @param engine which one this is, of which version, for which graph
   */
  Optional<Boolean> repeats(String engine, int times, Run run) {
    String key = "engine-" + CacheDirectory.key(where, engine, times + "");
    Optional<String> known =
        cache.read(key).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    if (known.isPresent()) {
      return known.map(YES::equals);
    }
    try (Buffers buffers = new Buffers()) {
      boolean same = same(buffers, times, run.on(buffers));
      cache.write(key, (same ? YES : NO).getBytes(StandardCharsets.UTF_8));
      return Optional.of(same);
    } catch (Failure e) {
      if (e.exitCode() == ExitCode.BACKEND) {
        throw e;
      }
      return Optional.empty();
    }
  }

  private boolean same(Buffers buffers, int times, List<PreparedCommand> commands) {
    List<Long> first = List.of();
    for (int i = 0; i < times; i++) {
      commands.forEach(PreparedCommand::enqueue);
      driver.synchronize("trying an engine of cuDNN");
      List<Long> bits = buffers.bits();
      if (i == 0) {
        first = bits;
      } else if (!first.equals(bits)) {
        return false;
      }
    }
    return true;
  }
}
