package dev.anneal.gpu;

import static java.util.Objects.requireNonNull;

import dev.anneal.launch.Product;
import dev.anneal.launch.Product.Epilogue;
import dev.anneal.plan.DType;
import dev.anneal.plan.Elements;
import dev.anneal.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * What a product reads and writes, lent to a trial: what was there is kept by the host, random
 * numbers take its place, since zeros would show neither other bits nor the power that real numbers
 * draw, and closing puts everything back.
 */
final class TriedOperands implements AutoCloseable {
  /** A prime, so that rows differ from each other. */
  private static final int PATTERN = 65521;

  /** Bytes that are copied at once. */
  private static final long CHUNK = 16L << 20;

  /** One of them, from an address on. */
  private record Operand(long address, DType dtype, long elements, Use use) {
    long bytes() {
      return dtype.bytes() * elements;
    }

    boolean isWritten() {
      return use == Use.WRITTEN;
    }
  }

  private enum Use {
    READ,
    WRITTEN,
    /** A factor, which is 1 for the trial. */
    FACTOR
  }

  private final Driver driver;
  private final List<Operand> operands;
  private final Arena host = Arena.ofShared();
  private final List<MemorySegment> before = new ArrayList<>();
  private final Map<DType, MemorySegment> patterns = new EnumMap<>(DType.class);

  /**
   * Takes them.
   *
   * @throws OutOfMemoryError when the host cannot keep what is there
   */
  TriedOperands(Driver driver, Product product) {
    this.driver = driver;
    this.operands = operands(product);
    try {
      for (Operand operand : operands) {
        before.add(host.allocate(operand.bytes(), 8));
        patterns.computeIfAbsent(operand.dtype(), this::pattern);
      }
      for (int i = 0; i < operands.size(); i++) {
        driver.copyOut(operands.get(i).address(), before.get(i));
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      host.close();
      throw e;
    }
    try {
      operands.forEach(this::fill);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private static List<Operand> operands(Product p) {
    long results = (long) p.m() * p.n();
    DType result = p.formats().d();
    List<Operand> all = new ArrayList<>();
    all.add(new Operand(p.a().address(), p.formats().a(), (long) p.m() * p.k(), Use.READ));
    all.add(new Operand(p.b().address(), p.formats().b(), (long) p.k() * p.n(), Use.READ));
    all.add(new Operand(p.d().address(), result, results, Use.WRITTEN));
    if (p.c().address() != 0 && p.c().address() != p.d().address()) {
      all.add(new Operand(p.c().address(), result, results, Use.READ));
    }
    switch (p.epilogue()) {
      case NONE, GELU_GRADIENT -> {}
      case BIAS, BIAS_THEN_GELU ->
          all.add(new Operand(p.bias().address(), result, p.m(), Use.READ));
      case BIAS_GRADIENT -> all.add(new Operand(p.bias().address(), result, p.n(), Use.WRITTEN));
    }
    if (p.epilogue() == Epilogue.BIAS_THEN_GELU) {
      all.add(new Operand(p.auxiliary().address(), result, results, Use.WRITTEN));
    } else if (p.epilogue() == Epilogue.GELU_GRADIENT) {
      all.add(new Operand(p.auxiliary().address(), result, results, Use.READ));
    }
    p.scales()
        .ifPresent(
            scales -> {
              all.add(new Operand(scales.a().address(), DType.F32, 1, Use.FACTOR));
              all.add(new Operand(scales.b().address(), DType.F32, 1, Use.FACTOR));
            });
    return List.copyOf(all);
  }

  private MemorySegment pattern(DType dtype) {
    long period = (long) PATTERN * dtype.bytes();
    MemorySegment whole = host.allocate(CHUNK / period * period, 8);
    for (int i = 0; i < PATTERN; i++) {
      double uniform = Philox.uniform(Philox.bits(5, Philox.Purpose.TEST, 1, i, 0));
      Elements.set(whole, dtype, i, (float) (2 * uniform - 1));
    }
    for (long at = period; at < whole.byteSize(); at += period) {
      MemorySegment.copy(whole, 0, whole, at, period);
    }
    return whole;
  }

  private void fill(Operand operand) {
    if (operand.use() == Use.FACTOR) {
      MemorySegment one = host.allocate(Float.BYTES, 8);
      Elements.set(one, DType.F32, 0, 1f);
      driver.copyIn(operand.address(), one);
      return;
    }
    MemorySegment pattern = requireNonNull(patterns.get(operand.dtype()));
    for (long at = 0; at < operand.bytes(); at += pattern.byteSize()) {
      long bytes = Math.min(pattern.byteSize(), operand.bytes() - at);
      driver.copyIn(operand.address() + at, pattern.asSlice(0, bytes));
    }
  }

  /** Has what is written be as it was before the first run. */
  void again() {
    operands.stream().filter(Operand::isWritten).forEach(this::fill);
  }

  /** The bits of all that is written, in short. */
  List<Long> bits() {
    List<Long> sums = new ArrayList<>();
    try (Arena local = Arena.ofConfined()) {
      MemorySegment part = local.allocate(CHUNK, 8);
      for (Operand operand : operands) {
        for (long at = 0; operand.isWritten() && at < operand.bytes(); at += CHUNK) {
          MemorySegment to = part.asSlice(0, Math.min(CHUNK, operand.bytes() - at));
          driver.copyOut(operand.address() + at, to);
          CRC32C sum = new CRC32C();
          sum.update(to.asByteBuffer());
          sums.add(sum.getValue());
        }
      }
    }
    return sums;
  }

  /** Puts back what was there. */
  @Override
  public void close() {
    try {
      for (int i = 0; i < operands.size(); i++) {
        driver.copyIn(operands.get(i).address(), before.get(i));
      }
    } finally {
      host.close();
    }
  }
}
