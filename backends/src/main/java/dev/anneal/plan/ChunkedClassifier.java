package dev.anneal.plan;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.failure.Failure;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Replaces the product that makes logits, their cross-entropy and the gradients of both by one
 * {@link Op.Classifier}, where they stand in a plan: the largest activation of a training step
 * shrinks to {@code rows} rows. A plan without a backward pass keeps its logits.
 *
 * @param rows of logits that are there at once; a multiple of {@link #MULTIPLE}
 */
public record ChunkedClassifier(int rows) implements Rewrite {
  /** So that every chunk of every tensor begins at a multiple of 16 bytes. */
  public static final int MULTIPLE = 8;

  public ChunkedClassifier {
    if (rows < MULTIPLE || rows % MULTIPLE != 0) {
      throw new IllegalArgumentException("chunks of " + rows + " rows");
    }
  }

  /** As many {@code chunks} as that, or fewer, of {@code tokens} tokens. */
  public static ChunkedClassifier chunks(int chunks, long tokens) {
    long rows = Math.ceilDiv(tokens, (long) chunks);
    return new ChunkedClassifier(Math.toIntExact(Math.ceilDiv(rows, MULTIPLE) * MULTIPLE));
  }

  /**
   * What a user says instead of what a device wants.
   *
   * @param wanted by the device
   * @param chunks the user's choice; 0 and 1 are all logits at once
   * @throws Failure when there are fewer than 0
   */
  public static List<Rewrite> chosen(List<Rewrite> wanted, Optional<Integer> chunks, long tokens) {
    requireChunks(chunks);
    if (chunks.isEmpty()) {
      return wanted;
    }
    List<Rewrite> chosen = new ArrayList<>(wanted);
    chosen.removeIf(ChunkedClassifier.class::isInstance);
    if (chunks.get() > 1) {
      chosen.add(chunks(chunks.get(), tokens));
    }
    return chosen;
  }

  /**
   * @throws Failure when there are fewer than 0
   */
  public static void requireChunks(Optional<Integer> chunks) {
    if (chunks.orElse(0) < 0) {
      throw Failure.usage(
          setting("classifier-chunks") + " is " + chunks.get() + "; expected at least 0");
    }
  }

  /** The ops that a classifier stands for. */
  private record Parts(
      Op.MatmulForward product,
      Op.CrossEntropyForward loss,
      Op.CrossEntropyBackward gradient,
      Op.MatmulBackwardWeight weight,
      Op.MatmulBackwardInput input) {
    List<Op> all() {
      return List.of(product, loss, gradient, weight, input);
    }
  }

  @Override
  public List<Op> apply(List<Op> ops) {
    return ops.stream()
        .filter(Op.CrossEntropyForward.class::isInstance)
        .map(Op.CrossEntropyForward.class::cast)
        .map(loss -> parts(ops, loss))
        .flatMap(Optional::stream)
        .findFirst()
        .flatMap(parts -> replaced(ops, parts))
        .orElse(ops);
  }

  /** All parts, unless one is missing or there are more readers of what would not be there. */
  private static Optional<Parts> parts(List<Op> ops, Op.CrossEntropyForward loss) {
    Optional<Op.MatmulForward> product =
        only(ops, Op.MatmulForward.class, op -> op.out().equals(loss.logits()));
    Optional<Op.CrossEntropyBackward> gradient =
        only(ops, Op.CrossEntropyBackward.class, op -> op.logits().equals(loss.logits()));
    if (product.isEmpty() || gradient.isEmpty() || product.get().bias().isPresent()) {
      return Optional.empty();
    }
    Tensor dLogits = gradient.get().dLogits();
    Optional<Op.MatmulBackwardWeight> weight =
        only(ops, Op.MatmulBackwardWeight.class, op -> op.dOut().equals(dLogits));
    Optional<Op.MatmulBackwardInput> input =
        only(ops, Op.MatmulBackwardInput.class, op -> op.dOut().equals(dLogits));
    if (weight.isEmpty() || input.isEmpty()) {
      return Optional.empty();
    }
    Parts parts = new Parts(product.get(), loss, gradient.get(), weight.get(), input.get());
    Set<Tensor> gone = Set.of(loss.logits(), dLogits);
    boolean readElsewhere =
        ops.stream()
            .filter(op -> !parts.all().contains(op))
            .anyMatch(op -> op.reads().stream().anyMatch(gone::contains));
    return readElsewhere ? Optional.empty() : Optional.of(parts);
  }

  private static <T extends Op> Optional<T> only(
      List<Op> ops, Class<T> kind, java.util.function.Predicate<T> wanted) {
    List<T> found = ops.stream().filter(kind::isInstance).map(kind::cast).filter(wanted).toList();
    return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
  }

  /**
   * The classifier stands where the gradient of the losses is first needed; what reads the losses
   * before that moves behind it. Nothing to do where that gradient depends on the losses.
   */
  private Optional<List<Op>> replaced(List<Op> ops, Parts parts) {
    List<Op> before = new ArrayList<>();
    List<Op> moved = new ArrayList<>();
    Set<Tensor> late = new HashSet<>(parts.loss().writes());
    int gradient = ops.indexOf(parts.gradient());
    for (Op op : ops.subList(0, gradient)) {
      if (parts.all().contains(op)) {
        continue;
      }
      if (op.reads().stream().anyMatch(late::contains)) {
        moved.add(op);
        late.addAll(op.writes());
      } else {
        before.add(op);
      }
    }
    if (late.contains(parts.gradient().dLosses())) {
      return Optional.empty();
    }
    List<Op> result = new ArrayList<>(before);
    result.add(classifier(parts));
    result.addAll(moved);
    ops.subList(gradient, ops.size()).stream()
        .filter(op -> !parts.all().contains(op))
        .forEach(result::add);
    return Optional.of(List.copyOf(result));
  }

  private Op classifier(Parts parts) {
    Op.CrossEntropyForward loss = parts.loss();
    Tensor logits = loss.logits();
    int all = Math.toIntExact(logits.shape().rows());
    Tensor room =
        logits.like(
            logits.name() + ".chunk",
            logits.dtype(),
            Shape.of(Math.min(rows, all), logits.shape().dim(-1)),
            logits.arena());
    return new Op.Classifier(
        loss.losses(),
        loss.logSumExp(),
        room,
        parts.input().dIn(),
        parts.weight().dWeight(),
        parts.product().in(),
        parts.product().weight(),
        loss.targets(),
        parts.gradient().dLosses(),
        loss.vocabulary(),
        parts.weight().accumulate());
  }
}
