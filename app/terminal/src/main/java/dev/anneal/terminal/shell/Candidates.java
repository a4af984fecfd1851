package dev.anneal.terminal.shell;

import dev.anneal.plan.Tensor;
import dev.anneal.run.LiveSetting;
import dev.anneal.run.log.Event;
import dev.anneal.terminal.text.Words;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** What the last word of a half-typed command could become. */
public final class Candidates {
  /** A run in the middle of a step is not waited for longer than this. */
  private static final long TENSORS_MILLIS = 50;

  private final Shell shell;

  public Candidates(Shell shell) {
    this.shell = shell;
  }

  /**
   * A word and what it is.
   *
   * @param whole whether a blank follows; a folder may go on
   */
  public record Candidate(String word, String description, boolean whole) {}

  /**
   * The candidates for the last of {@code words}, which may be empty.
   *
   * @param words of one command, in order
   */
  public List<Candidate> of(List<String> words) {
    String last = words.getLast();
    Map<String, CommandLine> commands = Language.line(shell).getSubcommands();
    List<String> before = words.subList(0, words.size() - 1);
    // watch and time are followed by a command.
    while (!before.isEmpty() && List.of("watch", "time").contains(before.getFirst())) {
      before = before.subList(1, before.size());
    }
    Stream<Candidate> all =
        before.isEmpty() ? commandNames(commands) : arguments(commands, before, last);
    return all.filter(candidate -> candidate.word().startsWith(last))
        .filter(candidate -> isHarmless(candidate.word()))
        .distinct()
        .toList();
  }

  /** A file's name may hold what a terminal would obey. */
  private static boolean isHarmless(String word) {
    return word.codePoints().noneMatch(Character::isISOControl);
  }

  private Stream<Candidate> commandNames(Map<String, CommandLine> commands) {
    Stream<Candidate> names =
        commands.entrySet().stream()
            .map(e -> new Candidate(e.getKey(), Language.summary(e.getValue()), true));
    Stream<Candidate> aliases =
        shell.aliases().entrySet().stream().map(e -> new Candidate(e.getKey(), e.getValue(), true));
    return Stream.concat(names, aliases);
  }

  private Stream<Candidate> arguments(
      Map<String, CommandLine> commands, List<String> before, String last) {
    String name = before.getFirst();
    Optional<String> expanded =
        Optional.ofNullable(shell.aliases().get(name))
            .flatMap(text -> Arrays.stream(text.split(" ")).findFirst());
    CommandLine command = commands.get(expanded.orElse(name));
    if (command == null) {
      return Stream.empty();
    }
    String previous = before.getLast();
    OptionSpec option = command.getCommandSpec().findOption(previous);
    if (option != null && option.arity().max() > 0) {
      return ArgumentValues.of(expanded.orElse(name), option, before, last);
    }
    if (last.startsWith("-")) {
      return command.getCommandSpec().options().stream()
          .map(o -> new Candidate(o.longestName(), String.join(" ", o.description()), true));
    }
    int position = position(command, before);
    List<PositionalParamSpec> places = command.getCommandSpec().positionalParameters();
    Stream<Candidate> own = named(expanded.orElse(name), before);
    return places.stream()
        .filter(place -> place.index().contains(position))
        .findFirst()
        .map(
            place ->
                Stream.concat(own, ArgumentValues.of(expanded.orElse(name), place, before, last)))
        .orElseGet(Stream::empty);
  }

  /** How many parameters stand before: options and their values are none. */
  private static int position(CommandLine command, List<String> before) {
    int position = 0;
    for (int i = 1; i < before.size(); i++) {
      OptionSpec option = command.getCommandSpec().findOption(before.get(i));
      if (option != null && option.arity().max() > 0) {
        i++;
      } else if (!before.get(i).startsWith("-")) {
        position++;
      }
    }
    return position;
  }

  /** What commands take that no type says. */
  private Stream<Candidate> named(String command, List<String> before) {
    return switch (command) {
      case "help" ->
          Language.line(shell).getSubcommands().entrySet().stream()
              .map(e -> new Candidate(e.getKey(), Language.summary(e.getValue()), true));
      case "set" ->
          before.size() == 1
              ? Stream.concat(
                  Arrays.stream(LiveSetting.values())
                      .map(s -> new Candidate(s.key(), s.description(), true)),
                  Stream.of(new Candidate("kernel", "a version of a kernel", true)))
              : before.get(1).equals("kernel")
                  ? ArgumentValues.versions(liveBackend())
                  : Stream.empty();
      case "inspect" -> before.size() == 1 ? tensors() : Stream.empty();
      case "record" -> Stream.of(new Candidate("stop", "end the record", true));
      default -> Stream.empty();
    };
  }

  private Optional<String> liveBackend() {
    return shell
        .live()
        .flatMap(run -> run.history().snapshot().started())
        .map(Event.Started::backend);
  }

  private Stream<Candidate> tensors() {
    return shell
        .live()
        .map(run -> run.session().atBoundary(r -> r.tensors()))
        .map(
            future -> {
              try {
                return future.get(TENSORS_MILLIS, TimeUnit.MILLISECONDS);
              } catch (TimeoutException | java.util.concurrent.ExecutionException e) {
                return List.<Tensor>of();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return List.<Tensor>of();
              }
            })
        .orElse(List.of())
        .stream()
        .map(tensor -> new Candidate(tensor.name(), tensor.shape().toString(), true));
  }

  /** Candidates for the end of a line, as words that can be typed. */
  public List<String> words(String line) {
    return of(Words.tail(line).words()).stream()
        .map(candidate -> Words.quote(candidate.word()))
        .toList();
  }
}
