package dev.anneal.plan;

import java.util.ArrayList;
import java.util.List;

/**
 * Gives every op but the optimizer a copy of each parameter to read, in another format. The
 * parameters themselves stay fp32 masters, so that updates smaller than a 16-bit format's spacing
 * are not lost; each update is followed by a {@link Op.Cast} that makes the copy anew. Source:
 * Micikevicius and others, "Mixed Precision Training", 2018.
 *
 * @param dtype of the copies
 */
public record WeightCopies(DType dtype) implements Rewrite {

  @Override
  public List<Op> apply(List<Op> ops) {
    List<Op> rewritten = new ArrayList<>();
    // The copies follow at once where updates end, so that one launch can do both.
    List<Tensor> updated = new ArrayList<>();
    for (Op op : ops) {
      if (op instanceof Op.ParameterUpdate update) {
        updated.add(update.parameter());
      } else {
        updated.forEach(parameter -> rewritten.add(refresh(parameter)));
        updated.clear();
      }
      rewritten.add(op instanceof Op.Update ? op : op.mapTensors(this::read));
    }
    updated.forEach(parameter -> rewritten.add(refresh(parameter)));
    return List.copyOf(rewritten);
  }

  private Tensor read(Tensor tensor) {
    return tensor.arena() == Arena.PARAMETERS ? of(tensor) : tensor;
  }

  /** The copy of {@code parameter}. */
  public Tensor of(Tensor parameter) {
    return parameter.as(dtype).like(parameter.name() + ".copy", Arena.WEIGHTS);
  }

  /** What makes the copy of {@code parameter}. */
  public Op.Cast refresh(Tensor parameter) {
    return new Op.Cast(of(parameter), parameter);
  }
}
