package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.Program;
import dev.anneal.model.Gpt2;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.run.Devices;
import dev.anneal.run.LiveRun;
import dev.anneal.run.Run;
import dev.anneal.run.Session;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.training.Schedule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** However a run ends, what was good of it is on the disk. */
class GoodWeightsSavedTest {
  @TempDir private Path temp;
  private Cli cli;

  @BeforeEach
  void open() {
    cli = new Cli(temp);
  }

  @Test
  void beforeALossThatIsNotFinite() throws IOException {
    Cli.Result result =
        cli.run(cli.train("run", "--steps 60 --lr 1e30 --clip 0 --checkpoint-every 0 --keep 1"));
    assertEquals(4, result.code(), result.all());
    int last = cli.events("run", "step").size() - 1;
    Path saved = cli.path("run/step_" + last);
    assertTrue(
        result.err().contains("the weights of step " + last + " are saved: " + saved),
        result.err());
    assertTrue(Files.isDirectory(saved));
    cli.ok("sample --checkpoint " + saved + " --tokens 3 a");
  }

  /**
   * GPT-2's tokens, and beyond those that are looked at before a run, some that it does not have.
   */
  private Path badShard() throws IOException {
    int good = 1 << 16;
    int tokens = good + (good >> 3);
    ByteBuffer bytes = ByteBuffer.allocate(1024 + 2 * tokens).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(20240520).putInt(1).putInt(tokens).position(1024);
    for (int i = 0; i < tokens; i++) {
      bytes.putShort((short) (i >= good ? 60_000 : i % 50));
    }
    return Files.write(temp.resolve("bad.bin"), bytes.array());
  }

  @Test
  void beforeATokenThatIsNone() throws IOException {
    Path good = temp.resolve("text.txt");
    Files.writeString(good, "x".repeat(2000));
    Cli.Result result =
        cli.run(
            "train --data "
                + badShard()
                + " --out "
                + cli.path("run")
                + " --layers 1 --heads 1 --channels 8 --context 8 --batch 1 --seq 8 --threads 1"
                + " --steps 200 --val-every 0 --sample-tokens 0 --checkpoint-every 0");
    assertEquals(1, result.code(), result.all());
    assertTrue(result.err().contains("60000"), result.err());
    int last = cli.events("run", "step").size();
    assertTrue(last > 0, "it came later than the first step");
    assertTrue(Files.isDirectory(cli.path("run/step_" + last)), result.err());
  }

  private RunConfig config(int steps, int every) throws IOException {
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(200));
    return new RunConfig(
        new Gpt2.Config(1, 2, 16, 16, 256),
        new RunConfig.Data(Optional.of(text.toString()), Optional.empty(), "byte"),
        2,
        16,
        1,
        new Schedule(Schedule.Known.COSINE, 1e-2, 0, steps, 0.1),
        AdamW.defaults(),
        Recompute.NONE,
        Precision.FP32,
        1,
        new RunConfig.Intervals(0, 1, 0, 0, every, 0));
  }

  /** Trains with someone who listens, to the end. */
  private Event.Ended train(RunConfig config, List<Event> events, Event.Listener who) {
    LiveRun.Place place = new LiveRun.Place("cpu", 0, DeviceOptions.threads(1));
    try (LiveRun run =
        LiveRun.begin(
            config,
            Optional.of(temp.resolve("run")),
            place,
            Session.Limits.NONE,
            List.of(who, events::add))) {
      run.session().start();
      return run.session().await();
    }
  }

  /** Takes the run's directory away, or brings it back. */
  private static void move(Path from, Path to) {
    try {
      Files.move(from, to);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aDiskThatCannotBeWrittenForAWhileIsTriedAgain() throws IOException {
    Path run = temp.resolve("run");
    Path away = temp.resolve("away");
    List<Event> events = new ArrayList<>();
    Event.Ended ended =
        train(
            config(12, 4),
            events,
            event -> {
              if (event instanceof Event.Step step && step.step() == 3) {
                move(run, away);
                move(temp.resolve("text.txt"), run);
              } else if (event instanceof Event.Step step && step.step() == 6) {
                move(run, temp.resolve("text.txt"));
                move(away, run);
              }
            });
    assertEquals(Event.Outcome.COMPLETED, ended.outcome(), ended.toString());
    List<String> warnings =
        events.stream()
            .filter(Event.Warning.class::isInstance)
            .map(event -> ((Event.Warning) event).text())
            .toList();
    assertEquals(1, warnings.size(), warnings.toString());
    assertTrue(warnings.getFirst().contains("cannot save " + run.resolve("step_4")));
    assertTrue(warnings.getFirst().contains("tried again after 4 steps"), warnings.getFirst());
    assertTrue(
        Files.isDirectory(run.resolve("step_8")) && Files.isDirectory(run.resolve("step_12")));
  }

  @Test
  void aRunWhoseEndCannotBeSavedFails() throws IOException {
    Path run = temp.resolve("run");
    Event.Ended ended =
        train(
            config(4, 0),
            new ArrayList<>(),
            event -> {
              if (event instanceof Event.Step step && step.step() == 3) {
                move(run, temp.resolve("away"));
                move(temp.resolve("text.txt"), run);
              }
            });
    assertEquals(Event.Outcome.FAILED, ended.outcome());
    String error = ended.error().orElseThrow();
    assertTrue(error.startsWith("cannot save " + run.resolve("step_4")), error);
    assertEquals(error.indexOf("cannot save"), error.lastIndexOf("cannot save"), error);
  }

  @Test
  void whoCannotHearOfItDoesNotEndIt() throws IOException {
    Event.Ended ended =
        train(
            config(4, 2),
            new ArrayList<>(),
            event -> {
              throw new IllegalStateException("the terminal is gone");
            });
    assertEquals(Event.Outcome.COMPLETED, ended.outcome());
    assertTrue(Files.isDirectory(temp.resolve("run/step_4")));
  }

  /**
   * A device whose programs fail in their 40th run; whether that was before the weights changed.
   */
  private static Device failing(Device device, boolean mayHaveUpdated) {
    AtomicInteger runs = new AtomicInteger();
    return proxy(
        Device.class,
        device,
        (method, result) ->
            result instanceof Program program
                ? proxy(
                    Program.class,
                    program,
                    (called, value) -> {
                      if (List.of("run", "enqueue").contains(called)
                          && runs.incrementAndGet() == 40) {
                        throw new IllegalStateException("the device has lost its mind");
                      }
                      return called.equals("mayHaveUpdated") ? mayHaveUpdated : value;
                    })
                : result);
  }

  private interface After {
    Object of(String method, Object result);
  }

  private static <T> T proxy(Class<T> type, T inner, After after) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              try {
                return after.of(method.getName(), method.invoke(inner, arguments));
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  private Event.Ended trainOnFailing(boolean mayHaveUpdated) throws IOException {
    RunConfig config = config(100, 0);
    try (Device cpu = Devices.open("cpu", 0, DeviceOptions.threads(1));
        Session session =
            new Session(
                Run.begin(
                    config,
                    Corpus.open(config, Optional.empty()),
                    failing(cpu, mayHaveUpdated),
                    Optional.of(RunDirectory.create(temp.resolve("run")))),
                Session.Limits.NONE,
                List.of())) {
      session.start();
      return session.await();
    }
  }

  @Test
  void beforeAnErrorOfTheDevice() throws IOException {
    Event.Ended ended = trainOnFailing(false);
    assertEquals(Event.Outcome.FAILED, ended.outcome());
    String error = ended.error().orElseThrow();
    assertTrue(error.contains("lost its mind"), error);
    assertTrue(error.contains("the weights of step 39 are saved"), error);
    assertTrue(Files.isDirectory(temp.resolve("run/step_39")));
  }

  /** Weights of which some are of the next step would be silently wrong. */
  @Test
  void neverAnUpdateThatIsHalfMade() throws IOException {
    String error = trainOnFailing(true).error().orElseThrow();
    assertTrue(error.contains("an update may be half made, so it is not saved"), error);
    assertFalse(Files.exists(temp.resolve("run/step_39")));
  }
}
