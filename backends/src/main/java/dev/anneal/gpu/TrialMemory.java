package dev.anneal.gpu;

import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** Device memory that something is tried on: random numbers, results and scratch. */
public final class TrialMemory implements AutoCloseable {
  /** A prime, so that rows differ from each other. */
  private static final int PATTERN = 65521;

  /** Bytes that are read back at once. */
  private static final long CHUNK = 16L << 20;

  private final Driver driver;
  private final List<Long> addresses = new ArrayList<>();
  private final List<Long> results = new ArrayList<>();
  private final List<Long> resultBytes = new ArrayList<>();

  public TrialMemory(Driver driver) {
    this.driver = driver;
  }

  private long allocate(long bytes) {
    long address = driver.allocate("numbers to try something on", bytes);
    addresses.add(address);
    return address;
  }

  /** {@code elements} random numbers between -1 and 1. */
  public long random(DType dtype, long elements) {
    return filled(dtype, elements, PATTERN, i -> uniform(i));
  }

  /** {@code elements} numbers that are alike. */
  public long alike(DType dtype, long elements, double value) {
    return filled(dtype, elements, PATTERN, i -> (float) value);
  }

  /** Something that the engine writes, and that is held against its other runs. */
  public long result(long bytes) {
    long address = allocate(bytes);
    results.add(address);
    resultBytes.add(bytes);
    return address;
  }

  /** Something that the engine writes and nobody reads. */
  public long scratch(long bytes) {
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
  public List<Long> bits() {
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
