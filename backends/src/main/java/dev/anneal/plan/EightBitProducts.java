package dev.anneal.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Does the three products of a block's linear layers with operands of 8 bits, each tensor with one
 * scale of its own that is as current as the tensor. Embedding, classifier, attention and norms
 * stay as they are, and so does a product of which a size is no multiple of {@value #MULTIPLE}.
 *
 * <p>Hopper multiplies 8 bits only where the inner dimension is innermost in both operands, so what
 * the backward pass needs the other way round is transposed as it is quantised. A tensor is
 * quantised once per plan, before its first use; but {@link WeightCopies copies} of weights, which
 * all plans of a step read, once after they were made, by the ops of {@link #ofWeights}.
 *
 * <p>Source: the recipe of llmq (tensorwise current scaling), and Micikevicius and others, "FP8
 * Formats for Deep Learning", 2022, for E5M2 gradients.
 *
 * @param values the format of activations and weights
 * @param gradients the format of gradients
 * @param stored whether operands are stored so; otherwise in fp32, to compare with
 */
public record EightBitProducts(DType values, DType gradients, boolean stored) implements Rewrite {
  private static final int MULTIPLE = 16;

  /** These products in the formats of AMD's gfx942, FNUZ. */
  public EightBitProducts fnuz() {
    return new EightBitProducts(values.fnuz(), gradients.fnuz(), stored);
  }

  /** These products with operands that are rounded to 8 bits and stored in fp32. */
  public EightBitProducts unstored() {
    return new EightBitProducts(values, gradients, false);
  }

  @Override
  public List<Op> apply(List<Op> ops) {
    return new Pass(ops).rewritten();
  }

  /**
   * What quantises the copies of weights that {@code ops} multiply with, in order of first use: to
   * be run whenever these are made anew. Where there are no copies there are no such ops, and
   * {@link #apply} has them in each plan.
   *
   * @param ops forward and backward, which are all that may be needed
   */
  public List<Op.Quantize> ofWeights(List<Op> ops) {
    Pass pass = new Pass(ops);
    pass.rewritten();
    return pass.done.values().stream().filter(made -> isCopy(made.in())).toList();
  }

  private static boolean isCopy(Tensor tensor) {
    return tensor.arena() == Arena.WEIGHTS;
  }

  /** Whether a product of a linear layer in a block, and of sizes that libraries take. */
  private static boolean isQuantized(Op.Product product) {
    return switch (product) {
      case Op.MatmulForward o -> isQuantized(o.weight(), o.in());
      case Op.MatmulBackwardInput o -> isQuantized(o.weight(), o.dOut());
      case Op.MatmulBackwardWeight o -> isQuantized(o.dWeight(), o.in());
    };
  }

  private static boolean isQuantized(Tensor weight, Tensor activations) {
    return weight.isMatrixOfBlock() && fits(weight, activations);
  }

  private static boolean fits(Tensor weight, Tensor activations) {
    return weight.shape().dim(0) % MULTIPLE == 0
        && weight.shape().dim(1) % MULTIPLE == 0
        && activations.shape().rows() % MULTIPLE == 0;
  }

  /** One walk through a list of ops. */
  private final class Pass {
    private final List<Op> ops;
    private final Set<Tensor> rows = new HashSet<>();
    private final Set<Tensor> columns = new HashSet<>();
    private final Map<Tensor, Op.Quantize> done = new LinkedHashMap<>();
    private final List<Op> result = new ArrayList<>();

    Pass(List<Op> ops) {
      this.ops = ops;
      for (Op op : ops) {
        if (op instanceof Op.Product product && isQuantized(product)) {
          note(product);
        }
      }
    }

    /** Which operands are needed with their rows innermost, and which with their columns. */
    private void note(Op.Product product) {
      switch (product) {
        case Op.MatmulForward o -> {
          rows.add(o.in());
          rows.add(o.weight());
        }
        case Op.MatmulBackwardInput o -> {
          rows.add(o.dOut());
          columns.add(o.weight());
        }
        case Op.MatmulBackwardWeight o -> {
          columns.add(o.dOut());
          columns.add(o.in());
        }
      }
    }

    List<Op> rewritten() {
      for (Op op : ops) {
        result.add(
            op instanceof Op.Product product && isQuantized(product) ? rewritten(product) : op);
      }
      return List.copyOf(result);
    }

    private Op rewritten(Op.Product product) {
      return switch (product) {
        case Op.MatmulForward o -> {
          Op.Quantize in = quantized(o.in(), values);
          Op.Quantize weight = quantized(o.weight(), values);
          yield product(o.out(), in.out(), in, weight.out(), weight, o.bias(), false);
        }
        case Op.MatmulBackwardInput o -> {
          Op.Quantize dOut = quantized(o.dOut(), gradients);
          Op.Quantize weight = quantized(o.weight(), values);
          yield product(
              o.dIn(), dOut.out(), dOut, weight.transposed(), weight, Optional.empty(), false);
        }
        case Op.MatmulBackwardWeight o -> {
          Op.Quantize dOut = quantized(o.dOut(), gradients);
          Op.Quantize in = quantized(o.in(), values);
          yield product(
              o.dWeight(),
              dOut.transposed(),
              dOut,
              in.transposed(),
              in,
              Optional.empty(),
              o.accumulate());
        }
      };
    }

    private Op product(
        Tensor out,
        Optional<Tensor> a,
        Op.Quantize aFrom,
        Optional<Tensor> b,
        Op.Quantize bFrom,
        Optional<Tensor> bias,
        boolean accumulate) {
      return new Op.ScaledMatmul(
          out, a.orElseThrow(), b.orElseThrow(), aFrom.scale(), bFrom.scale(), bias, accumulate);
    }

    private Op.Quantize quantized(Tensor tensor, DType format) {
      Op.Quantize before = done.get(tensor);
      if (before != null) {
        return before;
      }
      int m = Math.toIntExact(tensor.shape().rows());
      int k = tensor.shape().dim(-1);
      DType dtype = stored ? format : DType.F32;
      Op.Quantize made =
          new Op.Quantize(
              rows.contains(tensor)
                  ? Optional.of(part(tensor, ".rows8", dtype, Shape.of(m, k)))
                  : Optional.empty(),
              columns.contains(tensor)
                  ? Optional.of(part(tensor, ".columns8", dtype, Shape.of(k, m)))
                  : Optional.empty(),
              part(tensor, ".scale8", DType.F32, Shape.of()),
              tensor,
              format);
      done.put(tensor, made);
      if (!isCopy(tensor)) {
        result.add(made);
      }
      return made;
    }

    private static Tensor part(Tensor tensor, String suffix, DType dtype, Shape shape) {
      Arena arena = isCopy(tensor) ? Arena.WEIGHTS : Arena.ACTIVATIONS;
      return tensor.like(tensor.name() + suffix, dtype, shape, arena);
    }
  }
}
