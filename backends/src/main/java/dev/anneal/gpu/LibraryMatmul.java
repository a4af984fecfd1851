package dev.anneal.gpu;

import dev.anneal.gpu.Command.Epilogue;
import dev.anneal.gpu.Command.Formats;
import dev.anneal.gpu.Command.Product;
import dev.anneal.plan.Op;
import java.util.List;

/**
 * The three products of a linear layer by a {@link MatrixLibrary}. What is row-major here is its
 * own transpose there: outᵀ = weight inᵀ, dInᵀ = weightᵀ dOutᵀ, dWeightᵀ = inᵀ dOut.
 */
final class LibraryMatmul {
  /** Multiplications from which on the library gets as much scratch as it can use. */
  private static final long LARGE = 1L << 24;

  private static final long LARGE_WORKSPACE = 32L << 20;
  private static final long SMALL_WORKSPACE = 4L << 20;

  /** The auxiliary matrix of a fused GELU must have columns of so many numbers. */
  private static final int AUXILIARY_MULTIPLE = 8;

  private LibraryMatmul() {}

  private static List<Command> product(
      OpContext context,
      Formats formats,
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      long a,
      long b,
      long d,
      boolean accumulate,
      Epilogue epilogue,
      long bias,
      long auxiliary) {
    long bytes = (long) m * n * k >= LARGE ? LARGE_WORKSPACE : SMALL_WORKSPACE;
    long workspace = context.workspace().scratch(bytes);
    return List.of(
        new Product(
            transposeA,
            transposeB,
            m,
            n,
            k,
            formats,
            a,
            b,
            d,
            accumulate,
            epilogue,
            bias,
            auxiliary,
            workspace,
            bytes));
  }

  static List<Command> forward(Op.MatmulForward op, OpContext context) {
    return forward(
        op,
        context,
        context.address(op.out()),
        op.bias().isPresent() ? Epilogue.BIAS : Epilogue.NONE,
        0);
  }

  private static List<Command> forward(
      Op.MatmulForward op, OpContext context, long result, Epilogue epilogue, long auxiliary) {
    int k = op.in().shape().dim(-1);
    return product(
        context,
        new Formats(op.in().dtype(), op.out().dtype(), context.multiplication()),
        true,
        false,
        op.out().shape().dim(-1),
        Math.toIntExact(op.in().shape().rows()),
        k,
        context.address(op.weight()),
        context.address(op.in()),
        result,
        false,
        epilogue,
        op.bias().map(context::address).orElse(0L),
        auxiliary);
  }

  /** Whether {@link #forwardThenGelu} can stand for both ops. */
  static boolean fuses(Op.MatmulForward product, Op.GeluForward gelu, OpContext context) {
    // Where GELU is written over its input there is no room for what the backward pass needs.
    return context.version("matmul_forward") == KernelVersions.BY_LIBRARY
        && gelu.in().equals(product.out())
        && product.bias().isPresent()
        && product.out().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
        && context.address(gelu.out()) != context.address(gelu.in());
  }

  static List<Command> forwardThenGelu(
      Op.MatmulForward product, Op.GeluForward gelu, OpContext context) {
    return forward(
        product,
        context,
        context.address(gelu.out()),
        Epilogue.BIAS_THEN_GELU,
        context.address(product.out()));
  }

  static List<Command> backwardInput(Op.MatmulBackwardInput op, OpContext context) {
    return product(
        context,
        new Formats(op.dOut().dtype(), op.dIn().dtype(), context.multiplication()),
        false,
        false,
        op.dIn().shape().dim(-1),
        Math.toIntExact(op.dIn().shape().rows()),
        op.dOut().shape().dim(-1),
        context.address(op.weight()),
        context.address(op.dOut()),
        context.address(op.dIn()),
        false,
        Epilogue.NONE,
        0,
        0);
  }

  static List<Command> backwardWeight(Op.MatmulBackwardWeight op, OpContext context) {
    return product(
        context,
        new Formats(op.in().dtype(), op.dWeight().dtype(), context.multiplication()),
        false,
        true,
        op.in().shape().dim(-1),
        op.dOut().shape().dim(-1),
        Math.toIntExact(op.in().shape().rows()),
        context.address(op.in()),
        context.address(op.dOut()),
        context.address(op.dWeight()),
        op.accumulate(),
        Epilogue.NONE,
        0,
        0);
  }
}
