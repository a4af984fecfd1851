package dev.anneal.gpu;

import dev.anneal.launch.Product;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * All that a library's choice of an algorithm depends on beside the library and the device, such as
 * {@code 2304 x 16384 x 768 TN, bf16 to bf16, bias, aligned 256 256 256 256, scratch 32 MiB}.
 */
final class ProductText {
  /** More than this no kernel asks of an address. */
  static final long ALIGNMENT = 256;

  private ProductText() {}

  static String of(Product p) {
    StringBuilder text = new StringBuilder();
    text.append(p.m()).append(" x ").append(p.n()).append(" x ").append(p.k()).append(' ');
    text.append(p.transposeA() ? 'T' : 'N').append(p.transposeB() ? 'T' : 'N').append(", ");
    text.append(name(p.formats().a()));
    if (p.formats().a() != p.formats().b()) {
      text.append(" and ").append(name(p.formats().b()));
    }
    if (p.formats().multiplication() == Multiplication.TF32) {
      text.append(" as tf32");
    }
    text.append(" to ").append(name(p.formats().d()));
    p.scales().ifPresent(scales -> text.append(scales.fast() ? ", fast sums" : ", scaled"));
    text.append(
        switch (p.epilogue()) {
          case NONE -> "";
          case BIAS -> ", bias";
          case BIAS_THEN_GELU -> ", bias and GELU";
          case GELU_GRADIENT -> ", slope of GELU";
          case BIAS_GRADIENT -> ", sums for a bias";
        });
    if (p.c().address() != 0) {
      text.append(p.c().address() == p.d().address() ? ", added in place" : ", plus another");
    }
    return text.append(", aligned ")
        .append(
            LongStream.of(p.a().address(), p.b().address(), added(p), p.d().address())
                .mapToObj(address -> "" + alignment(address))
                .collect(Collectors.joining(" ")))
        .append(", scratch ")
        .append(p.workspaceBytes() >> 20)
        .append(" MiB")
        .toString();
  }

  /** Where C is, which is not read when nothing is added. */
  static long added(Product p) {
    return p.c().address() == 0 ? p.d().address() : p.c().address();
  }

  /** What an address is a multiple of, for all that matters. */
  static long alignment(long address) {
    return address == 0 ? ALIGNMENT : Math.min(ALIGNMENT, Long.lowestOneBit(address));
  }

  private static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }
}
