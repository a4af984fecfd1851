package dev.anneal.launch;

import static dev.anneal.launch.Place.data;

import dev.anneal.launch.Product.Epilogue;
import dev.anneal.launch.Product.Formats;
import dev.anneal.launch.Product.Scales;
import dev.anneal.plan.DType;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The three products of a linear layer by a library, and what it can do with them in one go. What
 * is row-major here is its own transpose there: outᵀ = weight inᵀ, dInᵀ = weightᵀ dOutᵀ, dWeightᵀ =
 * inᵀ dOut.
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
      Place a,
      Place b,
      Place d,
      Place c) {
    long bytes = (long) m * n * k >= LARGE ? LARGE_WORKSPACE : SMALL_WORKSPACE;
    return new Product(
        transposeA,
        transposeB,
        m,
        n,
        k,
        formats,
        Optional.empty(),
        a,
        b,
        d,
        c,
        Epilogue.NONE,
        Place.NONE,
        Place.NONE,
        Place.NONE,
        bytes);
  }

  private static List<Command> commands(Product product, CudaContext context) {
    return List.of(product.in(context.scratch(product.workspaceBytes())));
  }

  /** Nothing where the library cannot, or would be slower than what it stands for. */
  private static Optional<List<Command>> done(Product product, CudaContext context) {
    return context
        .products()
        .filter(library -> library.does(product.at(context::planned)))
        .map(library -> commands(product, context));
  }

  private static Product forwardProduct(Op.MatmulForward op, Place result, CudaContext context) {
    return product(
        new Formats(op.in().dtype(), op.out().dtype(), context.multiplication()),
        true,
        false,
        op.out().shape().dim(-1),
        Math.toIntExact(op.in().shape().rows()),
        op.in().shape().dim(-1),
        data(op.weight()),
        data(op.in()),
        result,
        Place.NONE);
  }

  private static Product inputProduct(
      Op.MatmulBackwardInput op, Place result, CudaContext context) {
    return product(
        new Formats(op.dOut().dtype(), op.dIn().dtype(), context.multiplication()),
        false,
        false,
        op.dIn().shape().dim(-1),
        Math.toIntExact(op.dIn().shape().rows()),
        op.dOut().shape().dim(-1),
        data(op.weight()),
        data(op.dOut()),
        result,
        Place.NONE);
  }

  private static Product weightProduct(Op.MatmulBackwardWeight op, CudaContext context) {
    return product(
        new Formats(op.in().dtype(), op.dWeight().dtype(), context.multiplication()),
        false,
        true,
        op.in().shape().dim(-1),
        op.dOut().shape().dim(-1),
        Math.toIntExact(op.in().shape().rows()),
        data(op.in()),
        data(op.dOut()),
        data(op.dWeight()),
        op.accumulate() ? data(op.dWeight()) : Place.NONE);
  }

  /** Nothing where own kernels must do it, as in the two that follow. */
  static Optional<List<Command>> forward(Op.MatmulForward op, CudaContext context) {
    // In 16 bits a product that waits for its bias would be rounded twice.
    boolean together =
        context.reaches(Matmul.FORWARD, Matmul.WITH_BIAS)
            || op.bias().isEmpty()
            || op.out().dtype() != DType.F32;
    Optional<List<Command>> withBias =
        together ? done(biased(op, data(op.out()), context), context) : Optional.empty();
    return withBias.or(() -> forwardThenBias(op, context));
  }

  /** The bias by a kernel of ours. */
  private static Optional<List<Command>> forwardThenBias(Op.MatmulForward op, CudaContext context) {
    return op.bias()
        .flatMap(
            bias ->
                done(forwardProduct(op, data(op.out()), context), context)
                    .map(
                        product ->
                            Stream.concat(
                                    product.stream(), Bias.add(op.out(), bias, context).stream())
                                .toList()));
  }

  private static Product biased(Op.MatmulForward op, Place result, CudaContext context) {
    Product product = forwardProduct(op, result, context);
    return op.bias()
        .map(bias -> product.with(Epilogue.BIAS, data(bias), Place.NONE))
        .orElse(product);
  }

  static Optional<List<Command>> backwardInput(Op.MatmulBackwardInput op, CudaContext context) {
    return done(inputProduct(op, data(op.dIn()), context), context);
  }

  static Optional<List<Command>> backwardWeight(Op.MatmulBackwardWeight op, CudaContext context) {
    return done(weightProduct(op, context), context);
  }

  /**
   * A product of 8 bits, where the library is to do it. Sums may be short in the forward pass only,
   * as the recipes for training have it: where there is a bias.
   */
  static Optional<List<Command>> scaled(Op.ScaledMatmul op, CudaContext context) {
    if (!EightBit.isEightBit(op.a())) {
      return Optional.empty();
    }
    return done(scaledProduct(op, data(op.out()), context), context);
  }

  private static Product scaledProduct(Op.ScaledMatmul op, Place result, CudaContext context) {
    Product product =
        product(
                new Formats(
                    op.b().dtype(), op.a().dtype(), op.out().dtype(), context.multiplication()),
                true,
                false,
                op.b().shape().dim(0),
                op.a().shape().dim(0),
                op.a().shape().dim(1),
                data(op.b()),
                data(op.a()),
                result,
                op.accumulate() ? result : Place.NONE)
            .with(new Scales(data(op.bScale()), data(op.aScale()), op.bias().isPresent()));
    return op.bias()
        .map(bias -> product.with(Epilogue.BIAS, data(bias), Place.NONE))
        .orElse(product);
  }

  private static boolean scales(Op.ScaledMatmul op, CudaContext context) {
    return context.reaches(EightBit.MATMUL, EightBit.BY_LIBRARY) && EightBit.isEightBit(op.a());
  }

  /**
   * A product and the sum of it with something else, as the residual stream has it, as one: C is
   * the other and the sum is rounded once. The product alone is never written, so that none of the
   * ops {@code after} may want it.
   */
  static Optional<List<Command>> forwardThenAdd(
      Op.MatmulForward product, Op.Add add, List<Op> after, CudaContext context) {
    return context.reaches(Matmul.FORWARD, Matmul.WITH_RESIDUAL) && product.bias().isPresent()
        ? plusOther(product, product.out(), add, after, context)
            .flatMap(other -> done(biased(product, data(add.out()), context).plus(other), context))
        : Optional.empty();
  }

  /** The same in 8 bits. */
  static Optional<List<Command>> scaledThenAdd(
      Op.ScaledMatmul product, Op.Add add, List<Op> after, CudaContext context) {
    return scales(product, context) && !product.accumulate()
        ? plusOther(product, product.out(), add, after, context)
            .flatMap(
                other ->
                    done(scaledProduct(product, data(add.out()), context).plus(other), context))
        : Optional.empty();
  }

  /** Where what is added to a product lies, when one command can do both. */
  private static Optional<Place> plusOther(
      Op product, Tensor out, Op.Add add, List<Op> after, CudaContext context) {
    Tensor other = add.a().equals(out) ? add.b() : add.a();
    boolean fits =
        (add.a().equals(out) || add.b().equals(out))
            && !other.equals(out)
            && after.stream().noneMatch(op -> op.reads().contains(out))
            && product.reads().stream().noneMatch(read -> context.overlap(add.out(), read))
            && (context.coincide(add.out(), other) || !context.overlap(add.out(), other));
    return fits ? Optional.of(data(other)) : Optional.empty();
  }

  /** Both ops as one product, which keeps what the backward pass needs beside. */
  static Optional<List<Command>> forwardThenGelu(
      Op.MatmulForward product, Op.GeluForward gelu, CudaContext context) {
    // Where GELU is written over its input there is no room for what the backward pass needs.
    boolean fits =
        context.reaches(Matmul.FORWARD, Matmul.WITH_GELU)
            && gelu.in().equals(product.out())
            && product.bias().isPresent()
            && product.out().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
            && !context.overlap(gelu.out(), gelu.in())
            && product.reads().stream().noneMatch(read -> context.overlap(gelu.out(), read));
    return fits
        ? done(
            forwardProduct(product, data(gelu.out()), context)
                .with(
                    Epilogue.BIAS_THEN_GELU,
                    data(product.bias().orElseThrow()),
                    data(product.out())),
            context)
        : Optional.empty();
  }

  /**
   * The gradient before a GELU and the one after it as one product. The former is never written, so
   * that none of the ops {@code after} may want it.
   */
  static Optional<List<Command>> inputThroughGelu(
      Op.MatmulBackwardInput product, Op.GeluBackward gelu, List<Op> after, CudaContext context) {
    boolean fits =
        context.reaches(Matmul.BACKWARD_INPUT, Matmul.INPUT_THROUGH_GELU)
            && gelu.dOut().equals(product.dIn())
            && product.dIn().shape().dim(-1) % AUXILIARY_MULTIPLE == 0
            && !context.overlap(gelu.dIn(), gelu.in())
            && product.reads().stream().noneMatch(read -> context.overlap(gelu.dIn(), read))
            && after.stream().noneMatch(op -> op.reads().contains(product.dIn()));
    return fits
        ? done(
            inputProduct(product, data(gelu.dIn()), context)
                .with(Epilogue.GELU_GRADIENT, Place.NONE, data(gelu.in())),
            context)
        : Optional.empty();
  }

  /**
   * The gradients of a weight and of its bias as one product. The sum for the bias replaces what
   * was there, so both must.
   */
  static Optional<List<Command>> weightAndBias(
      Op.MatmulBackwardWeight product, Op.BiasBackward bias, CudaContext context) {
    boolean fits =
        context.reaches(Matmul.BACKWARD_WEIGHT, Matmul.WEIGHT_WITH_BIAS)
            && bias.dOut().equals(product.dOut())
            && !product.accumulate()
            && !bias.accumulate();
    return fits
        ? done(
            weightProduct(product, context)
                .with(Epilogue.BIAS_GRADIENT, data(bias.dBias()), Place.NONE),
            context)
        : Optional.empty();
  }
}
