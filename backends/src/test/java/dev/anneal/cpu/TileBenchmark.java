package dev.anneal.cpu;

import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One thread's inner product and row reductions, on operands that stay in the cache; {@code
 * scripts/jmh} runs it. A tile product of 64 x 128 x 256 is 4.19 MFLOP.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TileBenchmark {
  private static final int ROWS = 64;
  private static final int DEPTH = 256;

  @Param({"32", "128"})
  public int columns;

  private final float[] a = new float[ROWS * DEPTH];
  private float[] b = {};
  private final float[] tile = new float[Tile.FLOATS];
  private Arena arena = Arena.ofAuto();
  private long c;

  @Setup
  public void allocate() {
    b = new float[Packing.panels(columns) * DEPTH * Tile.WIDTH];
    arena = Arena.ofShared();
    c = arena.allocate(4L * ROWS * Packing.panels(columns) * Tile.WIDTH, 64).address();
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  public void multiply() {
    Tile.multiply(
        ROWS,
        columns,
        DEPTH,
        a,
        0,
        DEPTH,
        1,
        b,
        0,
        DEPTH * Tile.WIDTH,
        c,
        4L * columns,
        true,
        tile);
  }

  @Benchmark
  public float dot() {
    return Rows.dot(c, c + 64, ROWS * columns - 16, c);
  }
}
