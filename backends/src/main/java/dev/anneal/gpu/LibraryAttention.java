package dev.anneal.gpu;

import dev.anneal.gpu.AttentionLibrary.Scratch;
import dev.anneal.gpu.AttentionLibrary.Shape;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;

/** Attention by an {@link AttentionLibrary}, where it was chosen and takes the shape. */
final class LibraryAttention {
  private LibraryAttention() {}

  private static Optional<? extends AttentionLibrary> chosen(String kernel, OpContext context) {
    return context
        .libraries()
        .attention()
        .filter(library -> context.versions().byAttentionLibrary(kernel));
  }

  private static Shape shape(Tensor out, int heads) {
    return new Shape(
        out.dtype(), out.shape().dim(0), out.shape().dim(1), heads, out.shape().dim(2) / heads);
  }

  /** Nothing where own kernels must do it. */
  static Optional<List<Command>> forward(Op.AttentionForward op, OpContext context) {
    Shape shape = shape(op.out(), op.heads());
    return chosen("attention_forward", context)
        .flatMap(library -> library.forward(shape))
        .map(
            scratch -> {
              long workspace = context.workspace().scratch(scratch.bytes());
              return commands(
                  scratch,
                  workspace,
                  new Command.AttentionForward(
                      shape,
                      context.address(op.out()),
                      context.address(op.logSumExp()),
                      context.address(op.qkv()),
                      workspace));
            });
  }

  /** Nothing where own kernels must do it. */
  static Optional<List<Command>> backward(Op.AttentionBackward op, OpContext context) {
    Shape shape = shape(op.out(), op.heads());
    return chosen("attention_backward", context)
        .flatMap(library -> library.backward(shape))
        .map(
            scratch -> {
              long workspace = context.workspace().scratch(scratch.bytes());
              return commands(
                  scratch,
                  workspace,
                  new Command.AttentionBackward(
                      shape,
                      context.address(op.dQkv()),
                      context.address(op.delta()),
                      context.address(op.dOut()),
                      context.address(op.qkv()),
                      context.address(op.out()),
                      context.address(op.logSumExp()),
                      workspace));
            });
  }

  private static List<Command> commands(Scratch scratch, long workspace, Command attention) {
    return scratch.clearedBytes() == 0
        ? List.of(attention)
        : List.of(new Command.Clear(workspace, scratch.clearedBytes()), attention);
  }
}
