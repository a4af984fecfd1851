package dev.anneal.device;

import dev.anneal.plan.DType;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a version of a kernel is made for. Where a device, a format or a size is another, the
 * version before it that suits computes the op.
 *
 * @param machines the kind of device
 * @param formats of what an op stores in its activations' format; empty for all
 * @param heads the sizes of attention's heads
 * @param localBytes of the memory that a work-group shares, at most; 0 where nobody counts it
 * @param needs what not every device has
 */
public record Suits(
    Machines machines, Set<DType> formats, Heads heads, long localBytes, Set<Feature> needs) {
  /** Every device and op. */
  public static final Suits ALL = new Suits(Machines.ALL, Set.of(), Heads.ALL, 0, Set.of());

  public Suits {
    formats = Set.copyOf(formats);
    needs = Set.copyOf(needs);
  }

  /** Kinds of devices. */
  public enum Machines {
    ALL,
    /** Those that run many small work-items side by side, which share local memory. */
    GPUS,
    /** Those that want few large work-items, of vectors. */
    CPUS
  }

  /** What not every device has. */
  public enum Feature {
    /** Work-items exchange numbers without local memory. */
    SUB_GROUPS,
    /** Units multiply matrices of bf16. */
    MATRIX_UNITS,
    /** Later kernels for such units that do attention, in files of their own. */
    LATER_ATTENTION,
    /** Later kernels for such units that multiply. */
    LATER_PRODUCTS,
    /** A vendor's library multiplies matrices. */
    MATRIX_LIBRARY,
    /** A vendor's library does attention. */
    ATTENTION_LIBRARY;

    /** Whether there is no such version where this is missing, so that later ones move up. */
    public boolean isExtra() {
      return switch (this) {
        case SUB_GROUPS, MATRIX_UNITS -> false;
        case LATER_ATTENTION, LATER_PRODUCTS, MATRIX_LIBRARY, ATTENTION_LIBRARY -> true;
      };
    }
  }

  /** Multiples of {@code multiple} up to {@code most} channels. */
  public record Heads(int multiple, int most) {
    static final Heads ALL = new Heads(1, Integer.MAX_VALUE);

    boolean has(int size) {
      return size % multiple == 0 && size <= most;
    }
  }

  /** Devices of one kind. */
  public static Suits on(Machines machines) {
    return new Suits(machines, Set.of(), Heads.ALL, 0, Set.of());
  }

  public Suits of(DType format) {
    return new Suits(machines, EnumSet.of(format), heads, localBytes, needs);
  }

  /** Heads of multiples of {@code multiple} channels, up to {@code most}. */
  public Suits ofHeads(int multiple, int most) {
    return new Suits(machines, formats, new Heads(multiple, most), localBytes, needs);
  }

  public Suits sharing(long bytes) {
    return new Suits(machines, formats, heads, bytes, needs);
  }

  public Suits needing(Feature feature) {
    Set<Feature> all = EnumSet.of(feature);
    all.addAll(needs);
    return new Suits(machines, formats, heads, localBytes, all);
  }

  public boolean takesFormat(DType format) {
    return formats.isEmpty() || formats.contains(format);
  }

  public boolean takesHeads(int size) {
    return heads.has(size);
  }
}
