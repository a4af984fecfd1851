package dev.anneal.gpu;

import dev.anneal.gpu.Command.Epilogue;
import dev.anneal.gpu.Command.Formats;
import dev.anneal.gpu.Command.Product;
import dev.anneal.gpu.Command.Scales;
import dev.anneal.plan.Op;
import java.util.List;
import java.util.Optional;

/**
 * The three products of a linear layer by a {@link MatrixLibrary}, and what it can do with them in
 * one go. What is row-major here is its own transpose there: outᵀ = weight inᵀ, dInᵀ = weightᵀ
 * dOutᵀ, dWeightᵀ = inᵀ dOut.
 */
final class LibraryMatmul {
  /** Multiplications from which on the library gets as much scratch as it can use. */
  private static final long LARGE = 1L << 24;

  private static final long LARGE_WORKSPACE = 32L << 20;
  private static final long SMALL_WORKSPACE = 4L << 20;

  /** The auxiliary matrix of a fused GELU must have columns of so many numbers. */
  private static final int AUXILIARY_MULTIPLE = 8;

  private LibraryMatmul() {}

  private static Product product(
      Formats formats,
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      long a,
      long b,
      long d,
      boolean accumulate) {
    long bytes = (long) m * n * k >= LARGE ? LARGE_WORKSPACE : SMALL_WORKSPACE;
    return new Product(
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
        Epilogue.NONE,
        0,
        0,
        0,
        bytes);
  }

  private static List<Command> commands(Product product, OpContext context) {
    return List.of(product.at(context.workspace().scratch(product.workspaceBytes())));
  }

  /** Nothing where the library cannot, or would be slower than what it stands for. */
  private static Optional<List<Command>> done(Product product, OpContext context) {
    return context
        .libraries()
        .matrices()
        .filter(library -> library.does(product))
        .map(library -> commands(product, context));
  }

  private static Product forwardProduct(Op.MatmulForward op, long result, OpContext context) {
    return product(
        new Formats(op.in().dtype(), op.out().dtype(), context.multiplication()),
        true,
        false,
        op.out().shape().dim(-1),
        Math.toIntExact(op.in().shape().rows()),
        op.in().shape().dim(-1),
        context.address(op.weight()),
        context.address(op.in()),
        result,
        false);
  }

  private static Product inputProduct(Op.MatmulBackwardInput op, long result, OpContext context) {
    return product(
        new Formats(op.dOut().dtype(), op.dIn().dtype(), context.multiplication()),
        false,
        false,
        op.dIn().shape().dim(-1),
        Math.toIntExact(op.dIn().shape().rows()),
        op.dOut().shape().dim(-1),
        context.address(op.weight()),
        context.address(op.dOut()),
        result,
        false);
  }

  private static Product weightProduct(Op.MatmulBackwardWeight op, OpContext context) {
    return product(
        new Formats(op.in().dtype(), op.dWeight().dtype(), context.multiplication()),
        false,
        true,
        op.in().shape().dim(-1),
        op.dOut().shape().dim(-1),
        Math.toIntExact(op.in().shape().rows()),
        context.address(op.in()),
        context.address(op.dOut()),
        context.address(op.dWeight()),
        op.accumulate());
  }

  /** Nothing where own kernels must do it, as in the two that follow. */
  static Optional<List<Command>> forward(Op.MatmulForward op, OpContext context) {
    if (!chosen("matmul_forward", context)) {
      return Optional.empty();
    }
    Product product = forwardProduct(op, context.address(op.out()), context);
    return done(
        op.bias()
            .map(bias -> product.with(Epilogue.BIAS, context.address(bias), 0))
            .orElse(product),
        context);
  }

  static Optional<List<Command>> backwardInput(Op.MatmulBackwardInput op, OpContext context) {
    return chosen("matmul_backward_input", context)
        ? done(inputProduct(op, context.address(op.dIn()), context), context)
        : Optional.empty();
  }

  static Optional<List<Command>> backwardWeight(Op.MatmulBackwardWeight op, OpContext context) {
    return chosen("matmul_backward_weight", context)
        ? done(weightProduct(op, context), context)
        : Optional.empty();
  }

  /**
   * A product of 8 bits, where the library is to do it. Sums may be short in the forward pass only,
   * as the recipes for training have it: where there is a bias.
   */
  static Optional<List<Command>> scaled(Op.ScaledMatmul op, OpContext context) {
    if (context.version("scaled_matmul") != KernelVersions.SCALED_BY_LIBRARY
        || !EightBit.isEightBit(op.a())) {
      return Optional.empty();
    }
    Product product =
        product(
                new Formats(
                    op.b().dtype(), op.a().dtype(), op.out().dtype(), context.multiplication()),
                true,
                false,
                op.b().shape().dim(0),
                op.a().shape().dim(0),
                op.a().shape().dim(1),
                context.address(op.b()),
                context.address(op.a()),
                context.address(op.out()),
                op.accumulate())
            .with(
                new Scales(
                    context.address(op.bScale()),
                    context.address(op.aScale()),
                    op.bias().isPresent()));
    return done(
        op.bias()
            .map(bias -> product.with(Epilogue.BIAS, context.address(bias), 0))
            .orElse(product),
        context);
  }

  private static boolean chosen(String kernel, OpContext context) {
    return context.version(kernel) == KernelVersions.BY_LIBRARY;
  }

  /** Both ops as one product, which keeps what the backward pass needs beside. */
  static Optional<List<Command>> forwardThenGelu(
      Op.MatmulForward product, Op.GeluForward gelu, OpContext context) {
    // Where GELU is written over its input there is no room for what the backward pass needs.
    boolean fits =
        chosen("matmul_forward", context)
            && gelu.in().equals(product.out())
            && product.bias().isPresent()
            && product.out().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
            && context.address(gelu.out()) != context.address(gelu.in());
    return fits
        ? done(
            forwardProduct(product, context.address(gelu.out()), context)
                .with(
                    Epilogue.BIAS_THEN_GELU,
                    context.address(product.bias().orElseThrow()),
                    context.address(product.out())),
            context)
        : Optional.empty();
  }

  /**
   * The gradient before a GELU and the one after it as one product. The former is never written, so
   * that none of the ops {@code after} may want it.
   */
  static Optional<List<Command>> inputThroughGelu(
      Op.MatmulBackwardInput product, Op.GeluBackward gelu, List<Op> after, OpContext context) {
    boolean fits =
        chosen("matmul_backward_input", context)
            && gelu.dOut().equals(product.dIn())
            && product.dIn().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
            && context.address(gelu.dIn()) != context.address(gelu.in())
            && after.stream().noneMatch(op -> op.reads().contains(product.dIn()));
    return fits
        ? done(
            inputProduct(product, context.address(gelu.dIn()), context)
                .with(Epilogue.GELU_GRADIENT, 0, context.address(gelu.in())),
            context)
        : Optional.empty();
  }

  /**
   * The gradients of a weight and of its bias as one product. The sum for the bias replaces what
   * was there, so both must.
   */
  static Optional<List<Command>> weightAndBias(
      Op.MatmulBackwardWeight product, Op.BiasBackward bias, OpContext context) {
    boolean fits =
        chosen("matmul_backward_weight", context)
            && bias.dOut().equals(product.dOut())
            && !product.accumulate()
            && !bias.accumulate();
    return fits
        ? done(
            weightProduct(product, context)
                .with(Epilogue.BIAS_GRADIENT, context.address(bias.dBias()), 0),
            context)
        : Optional.empty();
  }
}
