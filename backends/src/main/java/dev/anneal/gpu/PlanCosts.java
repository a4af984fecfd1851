package dev.anneal.gpu;

import dev.anneal.device.ProgramCosts;
import dev.anneal.device.ProgramCosts.By;
import dev.anneal.device.Traffic;
import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * What the commands of a plan cost, by what they are given: an address among a command's arguments,
 * or in a table that it is given, is a tensor of its ops or scratch.
 */
final class PlanCosts {
  private PlanCosts() {}

  /** Of ops in order, whose tensors all lie at addresses of their own in {@code context}. */
  static List<ProgramCosts.Command> of(List<Op> ops, OpContext context) {
    List<ProgramCosts.Command> costs = new ArrayList<>();
    for (OpCommands.Group group : OpCommands.groups(ops, context)) {
      if (group.ops().getFirst() instanceof Op.Classifier classifier) {
        ClassifierChunks chunks = ClassifierChunks.of(classifier);
        costs.addAll(of(chunks.ops(), Classifier.parts(chunks, context)));
      } else {
        costs.addAll(of(group, context));
      }
    }
    return costs;
  }

  private static List<ProgramCosts.Command> of(OpCommands.Group group, OpContext context) {
    List<Op> ops = group.ops();
    List<Tensor> tensors = seen(ops, context);
    List<Set<Long>> addresses =
        group.commands().stream().map(command -> addresses(command, context)).toList();
    List<Traffic> traffic =
        Traffic.of(ops, addresses.stream().map(all -> at(all, tensors, context)).toList());
    String kind = ops.stream().map(Op::kind).distinct().collect(Collectors.joining(" + "));
    Set<Workspace.Room> filled = new HashSet<>();
    List<ProgramCosts.Command> costs = new ArrayList<>();
    for (int i = 0; i < group.commands().size(); i++) {
      long reads = 0;
      long writes = 0;
      for (Workspace.Room room : group.scratch()) {
        if (addresses.get(i).stream().anyMatch(room::has)) {
          boolean first = filled.add(room);
          writes += first ? room.bytes() : 0;
          reads += first ? 0 : room.bytes();
        }
      }
      costs.add(described(kind, group.commands().get(i), traffic.get(i).plus(reads, writes)));
    }
    return costs;
  }

  /** All tensors of the ops but those that one command writes another over. */
  private static List<Tensor> seen(List<Op> ops, OpContext context) {
    Set<Tensor> tensors = new LinkedHashSet<>();
    Set<Tensor> written = new HashSet<>();
    for (Op op : ops) {
      Set<Long> places = op.writes().stream().map(context::address).collect(Collectors.toSet());
      tensors.addAll(op.tensors());
      tensors.removeIf(
          tensor ->
              written.contains(tensor)
                  && !op.writes().contains(tensor)
                  && places.contains(context.address(tensor)));
      written.addAll(op.writes());
    }
    return List.copyOf(tensors);
  }

  /** Of two tensors at one address, one of which is written over the other, both. */
  private static Set<Tensor> at(Set<Long> addresses, List<Tensor> tensors, OpContext context) {
    Set<Tensor> found = new LinkedHashSet<>();
    for (Tensor tensor : tensors) {
      if (addresses.contains(context.address(tensor))) {
        found.add(tensor);
      }
    }
    return found;
  }

  /** All that a command is given, but for the scratch of libraries, of which nobody knows. */
  private static Set<Long> addresses(Command command, OpContext context) {
    return switch (command) {
      case Command.Launch launch ->
          launch.arguments().stream()
              .flatMapToLong(argument -> addresses(argument, context))
              .boxed()
              .collect(Collectors.toSet());
      case Command.Product p -> {
        Set<Long> all = new HashSet<>(Set.of(p.a()));
        all.addAll(List.of(p.b(), p.c(), p.d(), p.bias(), p.auxiliary()));
        p.scales().ifPresent(scales -> all.addAll(List.of(scales.a(), scales.b())));
        yield all;
      }
      case Command.AttentionForward a -> Set.of(a.out(), a.logSumExp(), a.qkv());
      case Command.AttentionBackward a ->
          Set.of(a.dQkv(), a.dOut(), a.qkv(), a.out(), a.logSumExp());
      case Command.Clear clear -> Set.of(clear.address());
    };
  }

  private static LongStream addresses(Argument argument, OpContext context) {
    return argument instanceof Argument.Address(long address)
        ? LongStream.concat(
            LongStream.of(address), LongStream.of(context.workspace().wordsAt(address)))
        : LongStream.empty();
  }

  private static ProgramCosts.Command described(String op, Command command, Traffic traffic) {
    return switch (command) {
      case Command.Launch launch -> cost(op, launch.kernel(), By.KERNEL, traffic);
      case Command.Product product -> cost(op, name(product), By.LIBRARY, traffic);
      case Command.AttentionForward ignored -> cost(op, "attention", By.LIBRARY, traffic);
      case Command.AttentionBackward ignored ->
          cost(op, "attention's gradient", By.LIBRARY, traffic);
      // However much of its scratch a library wants cleared, that much is written.
      case Command.Clear clear -> cost(op, "fill", By.FILL, new Traffic(0, clear.bytes()));
    };
  }

  private static ProgramCosts.Command cost(String op, String what, By by, Traffic traffic) {
    return new ProgramCosts.Command(op, what, by, traffic.readBytes(), traffic.writtenBytes());
  }

  private static String name(Command.Product product) {
    String plus = product.c() == 0 || product.c() == product.d() ? "" : " + residual";
    return switch (product.epilogue()) {
      case NONE -> "product" + plus;
      case BIAS -> "product + bias" + plus;
      case BIAS_THEN_GELU -> "product + bias + GELU";
      case GELU_GRADIENT -> "product * slope of GELU";
      case BIAS_GRADIENT -> "product + sums for a bias";
    };
  }
}
