package dev.anneal.ops;

import dev.anneal.device.KernelFamily;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Which versions of a kernel are something else for an op than the version before. */
public final class OpVersions {
  /** Libraries multiply 8 bits in whole sixteens alone, which plans see to. */
  private static final int SIXTEEN = 16;

  private OpVersions() {}

  /** The numbers of the versions of {@code family} that {@code op} can have; none of another's. */
  public static List<Integer> of(KernelFamily family, Op op) {
    boolean sixteen = op.tensors().stream().anyMatch(tensor -> tensor.dtype() == DType.BF16);
    int last = !family.op().isInstance(op) ? 0 : isOfWholeSixteens(op) ? family.versions() : 1;
    return IntStream.rangeClosed(1, last)
        .filter(v -> sixteen || family.version(v).suits().takesFormat(DType.F32))
        .boxed()
        .toList();
  }

  /** True of everything but products of 8 bits. */
  private static boolean isOfWholeSixteens(Op op) {
    return !(op instanceof Op.ScaledMatmul product)
        || Stream.of(product.a(), product.b())
            .flatMap(tensor -> tensor.shape().dims().stream())
            .allMatch(size -> size % SIXTEEN == 0);
  }
}
