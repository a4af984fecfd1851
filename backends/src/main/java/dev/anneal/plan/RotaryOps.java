package dev.anneal.plan;

import dev.anneal.plan.Operand.Fp32;
import dev.anneal.plan.Operand.Integers;
import dev.anneal.plan.Operand.Reads;
import dev.anneal.plan.Operand.Writes;
import java.util.Optional;

/** Rotary positions of queries and keys, and a key and a value for each query's head. */
public interface RotaryOps {
  /** An op with more heads of queries than of keys and values. */
  sealed interface Grouped extends Op permits RotaryForward, RotaryBackward {
    /** NH. */
    int heads();

    /** NKV, which divides NH: query head h attends to head h / (NH / NKV). */
    int kvHeads();

    /** (maxT,HS): for each position HS / 2 cosines, then as many sines. */
    Tensor table();

    /** HS. */
    default int headSize() {
      return table().shape().dim(-1);
    }

    /** How many heads of queries share a head of keys. */
    default int group() {
      return heads() / kvHeads();
    }

    static void check(Tensor grouped, Tensor whole, Tensor table, int heads, int kvHeads) {
      int size = table.shape().dim(-1);
      if (kvHeads < 1 || heads % kvHeads != 0 || size % 2 != 0) {
        throw new IllegalArgumentException(
            heads + " heads of " + size + " channels do not go with " + kvHeads + " of keys");
      }
      if (grouped.shape().dim(-1) != (heads + 2 * kvHeads) * size
          || whole.shape().dim(-1) != 3 * heads * size) {
        throw new IllegalArgumentException(
            grouped + " and " + whole + " are not of " + heads + " and " + kvHeads + " heads");
      }
    }
  }

  /**
   * out = q, k and v with as many heads each: q and k rotated by the angles of their position, k
   * and v repeated for all query heads that share them. With x1, x2 the halves of a head: y1 = x1
   * cos - x2 sin, y2 = x2 cos + x1 sin. in (B,T,(NH+2NKV)HS), out (B,T,3 NH HS); position is {@code
   * start} + t, {@code start} one integer, 0 when absent.
   *
   * <p>Sources: Su et al., "RoFormer", 2021, with halves as in Hugging Face's Llama; Ainslie et
   * al., "GQA", 2023.
   */
  record RotaryForward(
      @Writes("B,T,_") Tensor out,
      @Reads("B,T,_") Tensor in,
      @Reads("maxT>=T,HS") @Fp32 Tensor table,
      @Reads("") @Integers Optional<Tensor> start,
      int heads,
      int kvHeads)
      implements Op.Forward, Grouped {
    public RotaryForward {
      Operands.fit(RotaryForward.class, out, in, table, start, heads, kvHeads);
      Grouped.check(in, out, table, heads, kvHeads);
    }

    @Override
    public long flops() {
      return 2 * out.elements();
    }

    @Override
    public void differentiate(Backward backward) {
      if (start.isPresent()) {
        throw Backward.noRule(this);
      }
      Tensor dOut = backward.arrived(out);
      backward.contribute(in, dIn -> new RotaryBackward(dIn, dOut, table, heads, kvHeads));
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.CANCELLING;
    }
  }

  /**
   * The gradient of {@link RotaryForward} from position 0: rotated back, and summed over the query
   * heads that share a head of keys and values.
   */
  record RotaryBackward(
      @Writes("B,T,_") Tensor dIn,
      @Reads("B,T,_") Tensor dOut,
      @Reads("maxT>=T,HS") @Fp32 Tensor table,
      int heads,
      int kvHeads)
      implements Op.Gradient, Grouped {
    public RotaryBackward {
      Operands.fit(RotaryBackward.class, dIn, dOut, table, heads, kvHeads);
      Grouped.check(dIn, dOut, table, heads, kvHeads);
    }

    @Override
    public long flops() {
      return 2 * dOut.elements();
    }

    @Override
    public Arithmetic arithmetic() {
      return Arithmetic.SUM;
    }
  }
}
