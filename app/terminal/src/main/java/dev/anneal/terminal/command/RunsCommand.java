package dev.anneal.terminal.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.Summary;
import dev.anneal.run.store.RunCatalog;
import dev.anneal.run.store.RunNotes;
import dev.anneal.run.store.RunOnDisk;
import dev.anneal.run.store.RunRemoval;
import dev.anneal.terminal.report.RunsTable;
import dev.anneal.terminal.shell.Shell;
import dev.anneal.terminal.shell.ShellCommand;
import dev.anneal.terminal.text.Amounts;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.Streams;
import dev.anneal.terminal.text.TerminalSize;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runs}: what is on disk, and what becomes of it. */
@Command(
    name = "runs",
    customSynopsis = {
      "runs [DIR]",
      "       runs rm NAME... [--yes]",
      "       runs mv OLD NEW",
      "       runs note NAME TEXT",
      "       runs tag NAME TAG... [--remove]"
    },
    description =
        "List the runs in a directory, the newest first. Status, steps made, losses and the"
            + " learning rate are as the log has them; size is that of all files. rm deletes runs,"
            + " mv renames one, note and tag write to what the list shows.",
    footer = {
      "",
      "Examples:",
      "  anneal runs",
      "  anneal runs note run-3 'warmer, from step 400'",
      "  anneal runs rm run-1 run-2 --yes"
    })
final class RunsCommand extends ShellCommand {
  private static final List<String> ACTIONS = List.of("rm", "mv", "note", "tag");

  @Parameters(
      arity = "0..*",
      paramLabel = "DIR",
      description = "of the runs, runs by default; or what to do, and with which")
  private List<String> words = List.of();

  @Option(names = "--yes", description = "rm: without asking")
  private boolean yes;

  @Option(names = "--remove", description = "tag: take the tags away")
  private boolean remove;

  RunsCommand(Shell shell) {
    super(shell);
  }

  @Override
  public Integer call() {
    String first = words.isEmpty() ? "" : words.getFirst();
    List<String> rest = words.subList(Math.min(1, words.size()), words.size());
    if (!ACTIONS.contains(first)) {
      requireWords(words.size() < 2, "'runs' takes one directory, or rm, mv, note or tag");
    }
    requireWords(!yes || first.equals("rm"), "--yes is for 'runs rm'");
    requireWords(!remove || first.equals("tag"), "--remove is for 'runs tag'");
    switch (first) {
      case "rm" -> remove(rest);
      case "mv" -> {
        requireWords(rest.size() == 2, "'runs mv' takes a run and its new name");
        move(rest.getFirst(), rest.getLast());
      }
      case "note" -> {
        requireWords(rest.size() >= 2, "'runs note' takes a run and a text; '' takes it away");
        note(rest.getFirst(), String.join(" ", rest.subList(1, rest.size())));
      }
      case "tag" -> {
        requireWords(rest.size() >= 2, "'runs tag' takes a run and tags");
        tag(rest.getFirst(), rest.subList(1, rest.size()));
      }
      default -> list(words.isEmpty() ? RunCatalog.HOME : Path.of(first));
    }
    return 0;
  }

  private static void requireWords(boolean right, String otherwise) {
    if (!right) {
      throw Failure.usage(otherwise + "; see runs --help");
    }
  }

  private void list(Path home) {
    if (!Files.isDirectory(home) && !home.equals(RunCatalog.HOME)) {
      throw Failure.failed(home + " is no directory; expected one with runs in it");
    }
    List<RunOnDisk> runs = new ArrayList<>();
    for (Path path : RunCatalog.paths(home)) {
      try {
        RunOnDisk run = RunOnDisk.read(path);
        run.history().problem().ifPresent(this::warn);
        runs.add(run);
      } catch (Failure e) {
        warn(Dashes.in(e));
      }
    }
    if (asJson()) {
      runs.forEach(run -> print(json(run)));
    } else if (runs.isEmpty()) {
      say("no runs in %s", home);
    } else {
      int width = shell().size().orElse(TerminalSize.USUAL).columns();
      RunsTable.of(runs, width, ZoneId.systemDefault()).forEach(line -> say("%s", line));
    }
  }

  private static ObjectNode json(RunOnDisk run) {
    var snapshot = run.history().snapshot();
    Summary now = snapshot.summary();
    ObjectNode node = json("run");
    node.put("name", run.name()).put("path", run.path().toString()).put("status", run.status());
    run.holder().ifPresent(holder -> node.put("trained_by", holder));
    node.put("step", now.step()).put("steps", now.steps()).put("saved", run.saved());
    node.put("model", snapshot.started().map(Event.Started::model).orElse(""));
    put(node, "loss", now.loss());
    put(node, "val_loss", now.validation().map(Summary.Validation::loss).orElse(Double.NaN));
    put(node, "lr", now.learningRate());
    node.put("modified", run.modified().toString()).put("bytes", run.bytes());
    node.put("note", run.notes().note());
    run.notes().tags().forEach(node.putArray("tags")::add);
    return node;
  }

  private static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    }
  }

  /** All are looked at before the first goes. */
  private void remove(List<String> names) {
    requireWords(!names.isEmpty(), "'runs rm' takes the names of runs");
    List<RunOnDisk> runs =
        names.stream().map(RunCatalog::find).distinct().map(RunOnDisk::read).toList();
    for (RunOnDisk run : runs) {
      requireNotLive(run.path());
      run.holder()
          .ifPresent(
              holder -> {
                throw Failure.failed(
                    run.path() + " is being trained by " + holder + "; stop it first");
              });
    }
    long bytes = runs.stream().mapToLong(RunOnDisk::bytes).sum();
    String what = String.join(", ", runs.stream().map(run -> run.path().toString()).toList());
    if (!yes && !confirms("delete " + what + " (" + Amounts.bytes(bytes) + ")? [y/N] ")) {
      throw Failure.failed("nothing was deleted");
    }
    for (RunOnDisk run : runs) {
      List<String> others = RunRemoval.delete(run.path());
      if (!others.isEmpty()) {
        warn(run.path() + " stays: there is " + String.join(", ", others));
      }
      done("deleted", run.path(), "deleted %s (%s)", run.path(), Amounts.bytes(run.bytes()));
    }
  }

  private boolean confirms(String question) {
    boolean prompt = shell().use() == Shell.Use.PROMPT;
    if (!prompt && (shell().use() != Shell.Use.ONCE || !Streams.isTerminal(0))) {
      throw Failure.usage("nobody is there to confirm that; add --yes");
    }
    if (!prompt) {
      err().print(question);
      err().flush();
    }
    return shell()
        .ask(question)
        .map(answer -> answer.strip().toLowerCase(Locale.ROOT).startsWith("y"))
        .orElse(false);
  }

  private void requireNotLive(Path run) {
    if (shell().live().map(live -> isSame(live.directory(), run)).orElse(false)) {
      throw Failure.usage(run + " is the live run; load or train another first");
    }
  }

  private static boolean isSame(Path a, Path b) {
    return a.toAbsolutePath().normalize().equals(b.toAbsolutePath().normalize());
  }

  private void move(String name, String to) {
    Path run = RunCatalog.find(name);
    requireNotLive(run);
    Path moved = RunRemoval.rename(run, to);
    done("renamed", moved, "%s is now %s", run, moved);
  }

  private void note(String name, String text) {
    Path run = RunCatalog.find(name);
    new RunNotes(text, RunNotes.read(run).tags()).write(run);
    done("noted", run, "noted");
  }

  private void tag(String name, List<String> tags) {
    Path run = RunCatalog.find(name);
    RunNotes before = RunNotes.read(run);
    List<String> after = new ArrayList<>(before.tags());
    after.removeAll(tags);
    if (!remove) {
      after.addAll(tags);
    }
    new RunNotes(before.note(), after).write(run);
    done("tagged", run, "%s", after.isEmpty() ? "no tags" : "tags: " + String.join(", ", after));
  }

  private void done(String event, Path run, String format, Object... values) {
    if (asJson()) {
      print(json(event).put("path", run.toString()));
    } else {
      say(format, values);
    }
  }
}
