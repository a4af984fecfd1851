package dev.anneal.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.DeferredDevice;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.model.Gpt2;
import dev.anneal.model.Parameter;
import dev.anneal.optimizer.AdamW;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import dev.anneal.plan.Tensor;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.training.Schedule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A device that works while the host goes on is told the next step's gradients before this one's
 * numbers are read; whoever looks at the run sees nothing of that.
 */
class StepsAheadTest {
  @TempDir private Path temp;
  private Path text;

  @BeforeEach
  void writeText() throws IOException {
    text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(200));
  }

  private RunConfig config(int microSteps, double lr, RunConfig.Intervals every) {
    return new RunConfig(
        new Gpt2.Config(1, 2, 16, 16, 256),
        new RunConfig.Data(Optional.of(text.toString()), Optional.empty(), "byte"),
        2,
        16,
        microSteps,
        new Schedule(Schedule.Known.COSINE, lr, 0, 12, 0.1),
        new AdamW(0.9f, 0.95f, 1e-8f, 0, AdamW.Decay.MATRICES, Float.POSITIVE_INFINITY),
        Recompute.NONE,
        Precision.FP32,
        1,
        every);
  }

  private static final RunConfig.Intervals NEVER = new RunConfig.Intervals(0, 1, 0, 0, 0, 0);

  /** What a run said and left. */
  private record Course(List<Event> events, Event.Ended ended, List<byte[]> left) {

    byte[] weights() {
      return left.get(3);
    }

    List<Event.Step> steps() {
      return events.stream()
          .flatMap(e -> e instanceof Event.Step s ? Stream.of(s) : Stream.empty())
          .toList();
    }

    /** All but what differs between devices and from time to time. */
    List<String> told() {
      return events.stream()
          .flatMap(
              event ->
                  switch (event) {
                    case Event.Step s ->
                        Stream.of(
                            s.step()
                                + " "
                                + s.loss()
                                + " "
                                + s.gradientNorm()
                                + " "
                                + s.learningRate());
                    case Event.Evaluation e -> Stream.of(e.step() + " evaluated " + e.loss());
                    case Event.Saved s -> Stream.of(s.step() + " saved");
                    case Event.SampleEnded s -> Stream.of(s.step() + " sampled " + s.text());
                    case Event.Rewound r ->
                        Stream.of("rewound from " + r.from() + " to " + r.step());
                    case Event.StateChanged s -> Stream.of(s.step() + " " + s.state());
                    case Event.Ended e ->
                        Stream.of(e.step() + " " + e.outcome() + " " + e.error().orElse(""));
                    default -> Stream.empty();
                  })
          .map(line -> line.replaceAll("/\\S*/", ""))
          .toList();
    }
  }

  private static byte[] bytes(Run run, Tensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(tensor.bytes());
      run.trainer().read(tensor, 0, bytes);
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** The weights, the gradients, and the tokens that these are of. */
  private static List<byte[]> left(Run run) {
    List<Parameter> parameters = run.model().parameters();
    return Stream.of(
            parameters.stream().map(Parameter::tensor),
            parameters.stream().map(Parameter::gradient),
            Stream.of(run.trainer().plans().inputs().tokens()))
        .flatMap(tensors -> tensors)
        .map(tensor -> bytes(run, tensor))
        .toList();
  }

  private int runs;

  private Course course(
      Device device, RunConfig config, Session.Limits limits, Consumer<Session> steer) {
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    Path directory = temp.resolve("run-" + runs++);
    try (device;
        Session session =
            new Session(
                Run.begin(
                    config,
                    Corpus.open(config, Optional.empty()),
                    device,
                    Optional.of(RunDirectory.create(directory))),
                limits,
                List.of(events::add))) {
      steer.accept(session);
      Event.Ended ended = session.await();
      List<byte[]> left = session.atBoundary(StepsAheadTest::left).join();
      return new Course(List.copyOf(events), ended, left);
    }
  }

  private static Device cpu() {
    return Devices.open("cpu", 0, DeviceOptions.threads(1));
  }

  /** The same run on a device that is waited for and on one that is not has the same course. */
  private Course same(RunConfig config, Session.Limits limits, Consumer<Session> steer) {
    Course expected = course(cpu(), config, limits, steer);
    Course actual = course(new DeferredDevice(), config, limits, steer);
    assertEquals(String.join("\n", expected.told()), String.join("\n", actual.told()));
    assertArrayEquals(expected.weights(), actual.weights());
    return actual;
  }

  @Test
  void aRunHasTheSameBits() {
    for (int microSteps : new int[] {1, 3, 11}) {
      Course course = same(config(microSteps, 1e-2, NEVER), Session.Limits.NONE, Session::start);
      assertEquals(12, course.steps().size());
      assertEquals(Event.Outcome.COMPLETED, course.ended().outcome());
    }
  }

  @Test
  void whatIsDueBetweenStepsIsDoneBetweenThem() {
    RunConfig.Intervals every = new RunConfig.Intervals(4, 1, 5, 8, 3, 0);
    Course course = same(config(2, 1e-2, every), Session.Limits.NONE, Session::start);
    assertTrue(course.told().contains("3 saved"), () -> course.told().toString());
  }

  /** But for the first, which waits for its inputs, and the last, which nothing follows. */
  @Test
  void theDeviceIsNeverIdleWhileTheHostReads() {
    DeferredDevice device = new DeferredDevice();
    course(device, config(1, 1e-2, NEVER), Session.Limits.NONE, Session::start);
    List<String> steps = device.diary.subList(0, device.diary.indexOf("waits idle") + 1);
    List<String> expected = new ArrayList<>(List.of("step of EmbeddingForward"));
    for (int i = 1; i < 12; i++) {
      expected.addAll(List.of("step of GlobalNorm", "step of EmbeddingForward", "waits busy"));
    }
    expected.addAll(List.of("step of GlobalNorm", "waits idle"));
    assertEquals(expected, steps);
  }

  @Test
  void aLossThatIsNotFiniteEndsItWhereItWouldAnyway() {
    Course expected = course(cpu(), config(1, 1e30, NEVER), Session.Limits.NONE, Session::start);
    Course course = same(config(1, 1e30, NEVER), Session.Limits.NONE, Session::start);
    assertEquals(Event.Outcome.NOT_FINITE, course.ended().outcome());
    assertTrue(course.ended().error().orElse("").contains("are saved"), course.ended().toString());
    for (int i = 0; i < expected.left().size(); i++) {
      assertArrayEquals(expected.left().get(i), course.left().get(i));
    }
  }

  @Test
  void aTargetEndsItWhereItIsReached() {
    List<Event.Step> steps =
        course(cpu(), config(1, 1e-2, NEVER), Session.Limits.NONE, Session::start).steps();
    for (String until : List.of("step>=5", "loss<" + (steps.get(4).loss() + 1e-9))) {
      Session.Limits limits =
          new Session.Limits(Optional.of(Until.parse("until", until)), Optional.empty());
      Course course = same(config(1, 1e-2, NEVER), limits, Session::start);
      assertEquals(Event.Outcome.TARGET, course.ended().outcome());
      assertEquals(5, course.ended().step());
    }
  }

  /** Steps that are asked for are told at once, and what is asked between them sees them made. */
  @Test
  void commandsFindTheRunAtAStep() {
    same(
        config(1, 1e-2, NEVER),
        Session.Limits.NONE,
        session -> {
          session.startPaused();
          assertEquals(1, session.step(1).join());
          session.atBoundary(Run::evaluate).thenAccept(session::emit).join();
          assertEquals(4, session.step(3).join());
          session.save().join();
          session
              .sample(new Run.Prompt("the ", 4, session.sampling()), e -> {}, () -> false)
              .join();
          assertEquals(6, session.step(2).join());
          session.rewind(5).join();
          session.resume();
        });
  }

  /** Whoever comes while the device has begun with the next step finds that step made. */
  @Test
  void aPauseAmongStepsComesAfterTheOneThatIsBegun() {
    AtomicReference<CompletableFuture<Integer>> pause = new AtomicReference<>();
    AtomicReference<Optional<Event.Saved>> saved = new AtomicReference<>(Optional.empty());
    Course course =
        course(
            new DeferredDevice(),
            config(1, 1e-2, NEVER),
            Session.Limits.NONE,
            session -> {
              session.addListener(
                  event -> {
                    if (event instanceof Event.Step step && step.step() == 4) {
                      pause.set(session.pause());
                      session.save().thenAccept(saved::set);
                    }
                  });
              session.start();
              while (pause.get() == null) {
                Thread.onSpinWait();
              }
              assertEquals(5, pause.get().join());
              session.save().join();
              session.resume();
            });
    List<String> told = course.told();
    assertTrue(told.indexOf("5 PAUSED") < told.indexOf("5 saved"), told::toString);
    assertEquals(
        course(cpu(), config(1, 1e-2, NEVER), Session.Limits.NONE, Session::start).steps().stream()
            .map(Event.Step::loss)
            .toList(),
        course.steps().stream().map(Event.Step::loss).toList());
    assertEquals(5, saved.get().orElseThrow().step());
  }

  /** It fails in the gradients of step 5, which it began before step 4 was told. */
  @Test
  void aDeviceThatIsLostLeavesTheStepBefore() {
    Device failing =
        new DeferredDevice() {
          private int begun;

          @Override
          protected void beforeRun(Plan plan) {
            if (plan.ops().getFirst() instanceof Op.EmbeddingForward && ++begun == 5) {
              throw new Failure(ExitCode.BACKEND, "the device was lost while running step");
            }
          }
        };
    Course course = course(failing, config(1, 1e-2, NEVER), Session.Limits.NONE, Session::start);
    assertEquals(4, course.steps().size());
    assertEquals(Event.Outcome.DEVICE_LOST, course.ended().outcome());
    assertEquals(4, course.ended().step());
  }
}
