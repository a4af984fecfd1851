package dev.anneal.terminal.shell;

import dev.anneal.checkpoint.CheckpointDirectory;
import dev.anneal.device.Backend;
import dev.anneal.device.KernelFamily;
import dev.anneal.eval.selftest.CheckNames;
import dev.anneal.model.Models;
import dev.anneal.model.Sizes;
import dev.anneal.plan.Op;
import dev.anneal.plan.Precision;
import dev.anneal.run.Devices;
import dev.anneal.run.Until;
import dev.anneal.run.log.Metric;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.terminal.shell.Candidates.Candidate;
import dev.anneal.training.StepRecipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What an option or a parameter could be, by what its place in the help calls it. */
final class ArgumentValues {
  private ArgumentValues() {}

  /**
   * The candidates for an argument of {@code command}.
   *
   * @param before the words before it
   * @param last what is typed of it
   */
  static Stream<Candidate> of(String command, ArgSpec argument, List<String> before, String last) {
    String label = argument.paramLabel().replaceAll("[<>\\[\\]]", "");
    return switch (label) {
      case "RUN" -> Stream.concat(runs(), files(last));
      case "DIR" -> {
        List<Candidate> saved = checkpoints(argument, last).toList();
        List<String> folders = saved.stream().map(c -> c.word() + "/").toList();
        yield Stream.concat(saved.stream(), files(last).filter(c -> !folders.contains(c.word())));
      }
      case "FILE" -> files(last);
      case "METRIC" ->
          Arrays.stream(Metric.values())
              .map(metric -> new Candidate(metric.key(), metric.description(), true));
      case "CONDITION" -> conditions();
      case "BACKEND", "backend" -> backends(argument);
      case "KERNEL" -> Stream.concat(kinds(), kernels(before));
      case "CHECK" -> checks(before);
      case "KERNEL=vN" -> versions(backend(before));
      case "NAME" ->
          argument instanceof OptionSpec option && option.longestName().equals("--model")
              ? words(Models.names().toArray(String[]::new))
              : Stream.empty();
      case "tokenizer" -> Stream.concat(words("byte", "gpt2"), files(last));
      case "gpt2|llama3|qwen2" -> words("gpt2", "llama3", "qwen2");
      case "on|off" -> words("on", "off");
      default -> command.equals("record") ? files(last) : typed(argument);
    };
  }

  private static Stream<Candidate> words(String... words) {
    return Arrays.stream(words).map(word -> new Candidate(word, "", true));
  }

  /** An option may leave the choice open. */
  private static Stream<Candidate> backends(ArgSpec argument) {
    Stream<Candidate> auto =
        argument.isOption()
            ? Stream.of(new Candidate("auto", "a GPU that works, else the CPU", true))
            : Stream.empty();
    return Stream.concat(
        Devices.backends().stream().map(b -> new Candidate(b.name(), "", true)), auto);
  }

  /** The values of an enum. */
  static Stream<Candidate> typed(ArgSpec argument) {
    return Stream.concat(Stream.of(argument.type()), Arrays.stream(argument.auxiliaryTypes()))
        .distinct()
        .filter(Class::isEnum)
        .flatMap(type -> Arrays.stream(type.getEnumConstants()))
        .map(value -> new Candidate(value.toString().toLowerCase(Locale.ROOT), "", true));
  }

  private static Stream<Candidate> runs() {
    return RunCatalog.list(RunCatalog.HOME).stream()
        .map(run -> new Candidate(run.name(), "step " + run.step(), true));
  }

  /** Runs by their paths, and once a run is typed, its checkpoints. */
  private static Stream<Candidate> checkpoints(ArgSpec argument, String last) {
    if (!(argument instanceof OptionSpec option)
        || !List.of("--checkpoint", "--resume").contains(option.longestName())) {
      return Stream.empty();
    }
    return RunCatalog.list(RunCatalog.HOME).stream()
        .flatMap(
            run -> {
              String path = run.path().toString();
              return option.longestName().equals("--checkpoint") && last.startsWith(path + "/")
                  ? new CheckpointDirectory(run.path())
                      .list().stream().map(c -> new Candidate(path + "/step_" + c.step(), "", true))
                  : Stream.of(new Candidate(path, "step " + run.step(), true));
            });
  }

  /** Beginnings: a number follows. */
  private static Stream<Candidate> conditions() {
    return Arrays.stream(Until.Metric.values())
        .map(metric -> metric.name().toLowerCase(Locale.ROOT))
        .map(
            name ->
                name.equals("step")
                    ? new Candidate("step>=", "as many updates", false)
                    : new Candidate(name + "<", "nats per token", false));
  }

  /** The kinds of op that a step has. */
  private static Stream<Candidate> kinds() {
    return Models.FAMILIES.stream()
        .map(family -> family.config(new Sizes(1, 1, 16, 16, 128)).model())
        .map(model -> new StepRecipe(model, 1, 16, Precision.FP32).asEmitted())
        .flatMap(plans -> plans.step().ops().stream())
        .map(Op::kind)
        .distinct()
        .sorted()
        .map(kind -> new Candidate(kind, "a kind of op", true));
  }

  /** What follows {@code --backend}. */
  private static Optional<String> backend(List<String> before) {
    int at = before.lastIndexOf("--backend");
    return at >= 0 && at + 1 < before.size() ? Optional.of(before.get(at + 1)) : Optional.empty();
  }

  /** Of the backend that is named before, or of all. */
  private static Stream<Candidate> checks(List<String> before) {
    Optional<String> named = backend(before);
    return Devices.backends().stream()
        .filter(backend -> named.map(backend.name()::equals).orElse(true))
        .flatMap(backend -> CheckNames.all(backend.kernels()).stream())
        .distinct()
        .map(name -> new Candidate(name, "a check", true));
  }

  private static Stream<KernelFamily> families(Optional<String> named) {
    return Devices.backends().stream()
        .filter(backend -> named.map(backend.name()::equals).orElse(true))
        .map(Backend::kernels)
        .flatMap(List::stream);
  }

  /** Kernels of the backend that is named before, or of all. */
  private static Stream<Candidate> kernels(List<String> before) {
    return families(backend(before))
        .map(KernelFamily::name)
        .distinct()
        .map(kernel -> new Candidate(kernel, "a kernel of cuda, hip or opencl", true));
  }

  /** Each kernel of a backend, or of all, with each of its versions. */
  static Stream<Candidate> versions(Optional<String> backend) {
    return families(backend)
        .flatMap(
            family ->
                IntStream.rangeClosed(1, family.versions())
                    .mapToObj(
                        v ->
                            new Candidate(
                                family.name() + "=v" + v, family.ideas().get(v - 1), true)));
  }

  private static Stream<Candidate> files(String last) {
    int slash = last.lastIndexOf('/');
    String folder = last.substring(0, slash + 1);
    List<Candidate> found = new ArrayList<>();
    try (Stream<Path> children = Files.list(Path.of(folder.isEmpty() ? "." : folder))) {
      children
          .sorted()
          .forEach(
              path -> {
                boolean isFolder = Files.isDirectory(path);
                String name = folder + path.getFileName() + (isFolder ? "/" : "");
                found.add(new Candidate(name, "", !isFolder));
              });
    } catch (IOException | UncheckedIOException | InvalidPathException e) {
      return Stream.empty();
    }
    return found.stream();
  }
}
