package dev.anneal.gpu;

import dev.anneal.device.ProgramCosts;
import dev.anneal.device.ProgramCosts.By;
import dev.anneal.device.Traffic;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Command;
import dev.anneal.launch.CudaContext;
import dev.anneal.launch.FusedAttention;
import dev.anneal.launch.Launch;
import dev.anneal.launch.OpLaunches;
import dev.anneal.launch.Place;
import dev.anneal.launch.Product;
import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the commands of a plan cost, by what they are given: an address among a command's arguments,
 * or in a table that it is given, is a tensor of its ops or scratch.
 */
final class PlanCosts {
  private PlanCosts() {}

  /** Of groups in order, which are of {@code context}. */
  static List<ProgramCosts.Command> of(List<OpLaunches.Group> groups, CudaContext context) {
    List<ProgramCosts.Command> costs = new ArrayList<>();
    for (OpLaunches.Group group : groups) {
      if (group.ops().getFirst() instanceof Op.Classifier classifier) {
        ClassifierChunks chunks = ClassifierChunks.of(classifier);
        CudaContext parts = context.parts(chunks);
        costs.addAll(of(OpLaunches.groups(chunks.ops(), parts), parts));
      } else {
        costs.addAll(of(group, context));
      }
    }
    return costs;
  }

  private static List<ProgramCosts.Command> of(OpLaunches.Group group, CudaContext context) {
    List<Op> ops = group.ops();
    List<Tensor> tensors = seen(ops, context);
    List<Set<Long>> addresses =
        group.commands().stream().map(command -> addresses(command, context)).toList();
    List<Traffic> traffic =
        Traffic.of(ops, addresses.stream().map(all -> at(all, tensors, context)).toList());
    String kind = ops.stream().map(Op::kind).distinct().collect(Collectors.joining(" + "));
    Set<Place.Scratch> filled = new HashSet<>();
    List<ProgramCosts.Command> costs = new ArrayList<>();
    for (int i = 0; i < group.commands().size(); i++) {
      long reads = 0;
      long writes = 0;
      for (Place.Scratch room : group.scratch()) {
        if (has(group.commands().get(i), room)) {
          boolean first = filled.add(room);
          writes += first ? room.bytes() : 0;
          reads += first ? 0 : room.bytes();
        }
      }
      Command planned = group.commands().get(i).at(context::planned);
      costs.add(described(kind, planned, traffic.get(i).plus(reads, writes)));
    }
    return costs;
  }

  /** All tensors of the ops but those that one command writes another over. */
  private static List<Tensor> seen(List<Op> ops, CudaContext context) {
    Set<Tensor> tensors = new LinkedHashSet<>();
    Set<Tensor> written = new HashSet<>();
    for (Op op : ops) {
      Set<Long> places =
          op.writes().stream().map(tensor -> address(tensor, context)).collect(Collectors.toSet());
      tensors.addAll(op.tensors());
      tensors.removeIf(
          tensor ->
              written.contains(tensor)
                  && !op.writes().contains(tensor)
                  && places.contains(address(tensor, context)));
      written.addAll(op.writes());
    }
    return List.copyOf(tensors);
  }

  /** Of two tensors at one address, one of which is written over the other, both. */
  private static Set<Tensor> at(Set<Long> addresses, List<Tensor> tensors, CudaContext context) {
    Set<Tensor> found = new LinkedHashSet<>();
    for (Tensor tensor : tensors) {
      if (addresses.contains(address(tensor, context))) {
        found.add(tensor);
      }
    }
    return found;
  }

  private static long address(Tensor tensor, CudaContext context) {
    return context.planned(Place.data(tensor)).address();
  }

  /**
   * All places that a command is given, but for the scratch of libraries, of which nobody knows.
   */
  private static Stream<Place> places(Command command) {
    return switch (command) {
      case Launch launch -> launch.arguments().stream().flatMap(PlanCosts::places);
      case Product p ->
          Stream.concat(
              Stream.of(p.a(), p.b(), p.c(), p.d(), p.bias(), p.auxiliary()),
              p.scales().stream().flatMap(scales -> Stream.of(scales.a(), scales.b())));
      case FusedAttention.Forward a -> Stream.of(a.out(), a.logSumExp(), a.qkv());
      case FusedAttention.Backward a ->
          Stream.of(a.dQkv(), a.dOut(), a.qkv(), a.out(), a.logSumExp());
      case Command.Clear clear -> Stream.of(clear.place());
    };
  }

  private static Stream<Place> places(Argument argument) {
    return switch (argument) {
      case Place.Table table ->
          table.words().stream()
              .flatMap(word -> word instanceof Place.Address(Place to) ? places(to) : Stream.of());
      case Place place -> Stream.of(place);
      case Argument.I32 ignored -> Stream.of();
      case Argument.I64 ignored -> Stream.of();
      case Argument.F32 ignored -> Stream.of();
    };
  }

  private static Set<Long> addresses(Command command, CudaContext context) {
    return places(command)
        .map(place -> context.planned(place).address())
        .collect(Collectors.toSet());
  }

  private static boolean has(Command command, Place.Scratch room) {
    return places(command)
        .anyMatch(place -> place instanceof Place.Scratch part && part.shares(room));
  }

  private static ProgramCosts.Command described(String op, Command command, Traffic traffic) {
    return switch (command) {
      case Launch launch -> cost(op, launch.kernel(), By.KERNEL, traffic);
      case Product product -> cost(op, name(product), By.LIBRARY, traffic);
      case FusedAttention.Forward ignored -> cost(op, "attention", By.LIBRARY, traffic);
      case FusedAttention.Backward ignored -> cost(op, "attention's gradient", By.LIBRARY, traffic);
      // However much of its scratch a library wants cleared, that much is written.
      case Command.Clear clear -> cost(op, "fill", By.FILL, new Traffic(0, clear.bytes()));
    };
  }

  private static ProgramCosts.Command cost(String op, String what, By by, Traffic traffic) {
    return new ProgramCosts.Command(op, what, by, traffic.readBytes(), traffic.writtenBytes());
  }

  private static String name(Product product) {
    String plus = product.c().isNone() || product.c().equals(product.d()) ? "" : " + residual";
    return switch (product.epilogue()) {
      case NONE -> "product" + plus;
      case BIAS -> "product + bias" + plus;
      case BIAS_THEN_GELU -> "product + bias + GELU";
      case GELU_GRADIENT -> "product * slope of GELU";
      case BIAS_GRADIENT -> "product + sums for a bias";
    };
  }
}
