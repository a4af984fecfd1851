package dev.anneal.gpu;

import dev.anneal.gpu.Command.Epilogue;
import dev.anneal.gpu.Command.Formats;
import dev.anneal.gpu.Command.Product;
import dev.anneal.gpu.Command.Scales;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

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
      long c) {
    long bytes = (long) m * n * k >= LARGE ? LARGE_WORKSPACE : SMALL_WORKSPACE;
    return new Product(
        transposeA, transposeB, m, n, k, formats, a, b, d, c, Epilogue.NONE, 0, 0, 0, bytes);
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
        0);
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
        0);
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
        op.accumulate() ? context.address(op.dWeight()) : 0);
  }

  /** Nothing where own kernels must do it, as in the two that follow. */
  static Optional<List<Command>> forward(Op.MatmulForward op, OpContext context) {
    if (!chosen("matmul_forward", KernelVersions.BY_LIBRARY, context)) {
      return Optional.empty();
    }
    // In 16 bits a product that waits for its bias would be rounded twice.
    boolean together =
        chosen("matmul_forward", KernelVersions.WITH_BIAS, context)
            || op.bias().isEmpty()
            || op.out().dtype() != DType.F32;
    Optional<List<Command>> withBias =
        together ? done(biased(op, context.address(op.out()), context), context) : Optional.empty();
    return withBias.or(() -> forwardThenBias(op, context));
  }

  /** The bias by a kernel of ours. */
  private static Optional<List<Command>> forwardThenBias(Op.MatmulForward op, OpContext context) {
    return op.bias()
        .flatMap(
            bias ->
                done(forwardProduct(op, context.address(op.out()), context), context)
                    .map(
                        product ->
                            Stream.concat(
                                    product.stream(),
                                    Matmul.addBias(op.out(), bias, context).stream())
                                .toList()));
  }

  private static Product biased(Op.MatmulForward op, long result, OpContext context) {
    Product product = forwardProduct(op, result, context);
    return op.bias()
        .map(bias -> product.with(Epilogue.BIAS, context.address(bias), 0))
        .orElse(product);
  }

  static Optional<List<Command>> backwardInput(Op.MatmulBackwardInput op, OpContext context) {
    return chosen("matmul_backward_input", KernelVersions.BY_LIBRARY, context)
        ? done(inputProduct(op, context.address(op.dIn()), context), context)
        : Optional.empty();
  }

  static Optional<List<Command>> backwardWeight(Op.MatmulBackwardWeight op, OpContext context) {
    return chosen("matmul_backward_weight", KernelVersions.BY_LIBRARY, context)
        ? done(weightProduct(op, context), context)
        : Optional.empty();
  }

  /**
   * A product of 8 bits, where the library is to do it. Sums may be short in the forward pass only,
   * as the recipes for training have it: where there is a bias.
   */
  static Optional<List<Command>> scaled(Op.ScaledMatmul op, OpContext context) {
    if (!scales(op, context)) {
      return Optional.empty();
    }
    return done(scaledProduct(op, context.address(op.out()), context), context);
  }

  private static Product scaledProduct(Op.ScaledMatmul op, long result, OpContext context) {
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
                result,
                op.accumulate() ? result : 0)
            .with(
                new Scales(
                    context.address(op.bScale()),
                    context.address(op.aScale()),
                    op.bias().isPresent()));
    return op.bias()
        .map(bias -> product.with(Epilogue.BIAS, context.address(bias), 0))
        .orElse(product);
  }

  private static boolean scales(Op.ScaledMatmul op, OpContext context) {
    return context.version("scaled_matmul") == KernelVersions.SCALED_BY_LIBRARY
        && EightBit.isEightBit(op.a());
  }

  /** Whether the library is to do so much at least. */
  private static boolean chosen(String kernel, int least, OpContext context) {
    return context.versions().byMatrixLibrary(kernel) >= least;
  }

  /**
   * A product and the sum of it with something else, as the residual stream has it, as one: C is
   * the other and the sum is rounded once. The product alone is never written, so that none of the
   * ops {@code after} may want it.
   */
  static Optional<List<Command>> forwardThenAdd(
      Op.MatmulForward product, Op.Add add, List<Op> after, OpContext context) {
    return chosen("matmul_forward", KernelVersions.WITH_RESIDUAL, context)
            && product.bias().isPresent()
        ? plusOther(product, product.out(), add, after, context)
            .flatMap(
                other ->
                    done(biased(product, context.address(add.out()), context).plus(other), context))
        : Optional.empty();
  }

  /** The same in 8 bits. */
  static Optional<List<Command>> scaledThenAdd(
      Op.ScaledMatmul product, Op.Add add, List<Op> after, OpContext context) {
    return scales(product, context) && !product.accumulate()
        ? plusOther(product, product.out(), add, after, context)
            .flatMap(
                other ->
                    done(
                        scaledProduct(product, context.address(add.out()), context).plus(other),
                        context))
        : Optional.empty();
  }

  /** Where what is added to a product lies, when one command can do both. */
  private static Optional<Long> plusOther(
      Op product, Tensor out, Op.Add add, List<Op> after, OpContext context) {
    Tensor other = add.a().equals(out) ? add.b() : add.a();
    boolean fits =
        (add.a().equals(out) || add.b().equals(out))
            && !other.equals(out)
            && after.stream().noneMatch(op -> op.reads().contains(out))
            && product.reads().stream().noneMatch(read -> context.overlap(add.out(), read))
            && (context.address(add.out()) == context.address(other)
                || !context.overlap(add.out(), other));
    return fits ? Optional.of(context.address(other)) : Optional.empty();
  }

  /** Both ops as one product, which keeps what the backward pass needs beside. */
  static Optional<List<Command>> forwardThenGelu(
      Op.MatmulForward product, Op.GeluForward gelu, OpContext context) {
    // Where GELU is written over its input there is no room for what the backward pass needs.
    boolean fits =
        chosen("matmul_forward", KernelVersions.WITH_GELU, context)
            && gelu.in().equals(product.out())
            && product.bias().isPresent()
            && product.out().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
            && !context.overlap(gelu.out(), gelu.in())
            && product.reads().stream().noneMatch(read -> context.overlap(gelu.out(), read));
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
        chosen("matmul_backward_input", KernelVersions.WITH_GRADIENT, context)
            && gelu.dOut().equals(product.dIn())
            && product.dIn().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
            && !context.overlap(gelu.dIn(), gelu.in())
            && product.reads().stream().noneMatch(read -> context.overlap(gelu.dIn(), read))
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
        chosen("matmul_backward_weight", KernelVersions.WITH_GRADIENT, context)
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
