package dev.anneal;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.eval.Comparison;
import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.model.ModelFamily;
import dev.anneal.run.Continuation;
import dev.anneal.run.Inspection;
import dev.anneal.run.LiveRun;
import dev.anneal.run.LiveSetting;
import dev.anneal.run.Run;
import dev.anneal.run.RunPlans;
import dev.anneal.run.Session;
import dev.anneal.run.UnsavedRun;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.training.Schedule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A model in training, for programs in Java: its weights on a device, its data, and how many
 * updates it has had.
 *
 * <pre>{@code
 * Training training = Training.of("book.txt").withSteps(500);
 * try (Anneal run = Anneal.begin(training, "cpu")) {
 *   run.train(step -> System.out.println(step.step() + " " + step.loss()));
 *   run.sample("Once upon", 200).forEach(System.out::print);
 *   run.save(Path.of("runs/book"));
 * }
 * }</pre>
 *
 * <p>Nothing is printed, and nothing is written before {@link #save}. What cannot be done is a
 * {@link Failure}, whose message is one line that says what to do. Losses are in nats per token. A
 * run is one thread's at a time; {@link #stop} alone may come from another.
 */
public final class Anneal implements AutoCloseable {
  private final Session session;
  private final Optional<LiveRun> saved;
  private final Optional<UnsavedRun> unsaved;
  private volatile Optional<Event.Step> last = Optional.empty();

  private Anneal(Session session, Optional<LiveRun> saved, Optional<UnsavedRun> unsaved) {
    this.session = session;
    this.saved = saved;
    this.unsaved = unsaved;
    session.addListener(
        event -> {
          if (event instanceof Event.Step step) {
            last = Optional.of(step);
          }
        });
  }

  /**
   * A new run, with weights that the seed gives.
   *
   * @param device {@code cpu}, {@code opencl}, {@code cuda} or {@code hip}, {@code auto} for a GPU
   *     that works or else the CPU; {@code opencl:1} is its backend's second
   * @throws Failure when the data cannot be read, or the device is not there or too small
   */
  public static Anneal begin(Training training, String device) {
    return started(UnsavedRun.begin(training.config(), place(device), List.of()));
  }

  /**
   * A new run with the weights of a checkpoint, such as one that goes on with other data: its first
   * update is 1, and its moments are zero.
   *
   * @param weights a run's directory, for its newest checkpoint, or any checkpoint
   * @param training of the same model; {@link Training#of(Path)} is the checkpoint's own
   * @throws Failure also when the checkpoint is damaged, or of another model
   */
  public static Anneal beginWith(Path weights, Training training, String device) {
    return started(UnsavedRun.beginWith(weights, training.config(), place(device), List.of()));
  }

  private static Anneal started(UnsavedRun run) {
    run.session().startPaused();
    return new Anneal(run.session(), Optional.empty(), Optional.of(run));
  }

  /**
   * A saved run, to look at it or to go on bit for bit as if it had never stopped. Its directory is
   * locked, and its log grows, from the first update on.
   *
   * @param run its directory, or its newest checkpoint
   * @throws Failure when there is no run, or its data is not what it was
   */
  public static Anneal load(Path run, String device) {
    return load(run, device, Continuation.SAME);
  }

  /**
   * The same for a run whose schedule is made by Java code, of which its directory has the name.
   *
   * @param schedule the shape that it had, by that name
   */
  public static Anneal load(Path run, String device, Schedule.Shape schedule) {
    return load(run, device, Continuation.SAME.with(schedule));
  }

  /**
   * The same for a run whose model is a program's own, of which its directory has the family's
   * name, sizes and numbers.
   *
   * @param model the family that it was of
   * @throws Failure also when it was of another
   */
  public static Anneal load(Path run, String device, ModelFamily model) {
    return load(run, device, Continuation.SAME.with(model));
  }

  /** The same for a run of which both are. */
  public static Anneal load(Path run, String device, ModelFamily model, Schedule.Shape schedule) {
    return load(run, device, Continuation.SAME.with(model).with(schedule));
  }

  private static Anneal load(Path run, String device, Continuation differently) {
    LiveRun live = LiveRun.open(run, differently, place(device), List.of());
    Anneal loaded = new Anneal(live.session(), Optional.of(live), Optional.empty());
    live.look();
    return loaded;
  }

  /**
   * Makes the same steps on several devices: one step op by op, each op on the inputs that the
   * first device has, and then whole steps, which are timed.
   *
   * @param steps to time, 1 at least
   * @param devices as for {@link #begin}; the first is the reference
   * @return times and the largest errors, by kind of op; {@link Comparison#diverged} says whether
   *     one was beyond its tolerance
   */
  public static Comparison compare(Training training, int steps, String... devices) {
    if (devices.length < 2 || steps < 1) {
      throw Failure.usage(
          devices.length
              + " devices and "
              + steps
              + " steps: a comparison needs two devices at least, the reference first, and a step");
    }
    RunConfig config = training.config();
    Comparison.Task task = RunPlans.comparison(config, Corpus.open(config, Optional.empty()));
    List<Device> opened = new ArrayList<>();
    try {
      for (String device : devices) {
        opened.add(place(device).open());
      }
      return Comparison.run(
          task, opened, new Comparison.Settings(steps, 0, ""), doing -> {}, () -> false);
    } finally {
      opened.forEach(Device::close);
    }
  }

  private static LiveRun.Place place(String device) {
    return LiveRun.Place.parse(device, DeviceOptions.defaults());
  }

  /** Makes all updates that are left. */
  public void train() {
    train(step -> {});
  }

  /**
   * Makes all updates that are left, or those until {@link #stop}.
   *
   * @param listener hears of each, on the run's thread; what it throws stops the run and is thrown
   *     here
   * @throws Failure when none is left, when the loss is not finite, or the device is lost; weights
   *     before that can still be saved
   */
  public void train(Consumer<Event.Step> listener) {
    List<RuntimeException> thrown = new CopyOnWriteArrayList<>();
    Event.Listener steps =
        event -> {
          if (event instanceof Event.Step step && thrown.isEmpty()) {
            try {
              listener.accept(step);
            } catch (RuntimeException e) {
              thrown.add(e);
              session.stop();
            }
          }
        };
    session.addListener(steps);
    try {
      LiveRun.await(session.resume());
      Event.Ended ended = session.await();
      thrown.stream()
          .findFirst()
          .or(ended::failure)
          .ifPresent(
              e -> {
                throw e;
              });
    } finally {
      session.removeListener(steps);
    }
  }

  /** Ends {@link #train} when the step under way is made; any thread may ask for that. */
  public void stop() {
    session.stop();
  }

  /**
   * Makes one update.
   *
   * @return its number, its loss before the update, its learning rate and its time
   * @throws Failure as for {@link #train}
   */
  public Event.Step step() {
    LiveRun.await(session.step(1));
    if (updates() >= config().steps() || session.state() == Event.State.FAILED) {
      session
          .await()
          .failure()
          .ifPresent(
              e -> {
                throw e;
              });
    }
    return last.orElseThrow();
  }

  /** Updates made so far. */
  public int updates() {
    return LiveRun.await(session.atBoundary(Run::step));
  }

  /** What is trained, as it is now. */
  public Training training() {
    return new Training(config());
  }

  private RunConfig config() {
    return LiveRun.await(session.atBoundary(Run::config));
  }

  /** The loss on text that is held out, over 20 batches at most. */
  public double evaluate() {
    return LiveRun.await(session.atBoundary("evaluating", Run::evaluate)).loss();
  }

  /** Continues a prompt at temperature 0.8, drawn from the 40 likeliest tokens. */
  public Stream<String> sample(String prompt, int tokens) {
    return sample(prompt, tokens, session.sampling());
  }

  /**
   * Continues a prompt with the weights as they are. The text comes as it is drawn, in pieces of
   * whole characters, without the prompt.
   *
   * @param prompt empty for the beginning of a document
   * @param tokens to draw; the rest is not drawn when the stream is closed
   */
  public Stream<String> sample(String prompt, int tokens, SamplingSettings settings) {
    return Pieces.of(session, new Run.Prompt(prompt, tokens, settings));
  }

  /**
   * Writes a checkpoint.
   *
   * @param run its directory, which is made when the run is saved first; it has one
   * @return the checkpoint
   * @throws Failure when there is something else in it, or it cannot be written
   */
  public Path save(Path run) {
    Optional<Path> kept = saved.map(LiveRun::directory).or(this::keptIn);
    if (kept.isEmpty()) {
      unsaved.orElseThrow().keepIn(run);
    } else if (!kept.get().toAbsolutePath().normalize().equals(run.toAbsolutePath().normalize())) {
      throw Failure.usage("the run is kept in " + kept.get() + ", and not in " + run);
    } else {
      LiveRun.await(session.save());
    }
    return LiveRun.await(session.atBoundary(Run::lastCheckpoint)).orElseThrow();
  }

  private Optional<Path> keptIn() {
    return unsaved.flatMap(UnsavedRun::directory);
  }

  /**
   * Changes a setting from the next update on, as {@code set} does at the prompt: {@code lr},
   * {@code steps}, {@code temperature}, …
   *
   * @throws Failure when there is no such setting, or it cannot have this value; it lists them
   */
  public void set(String setting, Object value) {
    LiveRun.await(LiveSetting.of(setting).change(session, value.toString()));
  }

  /**
   * Looks at a tensor: its range, mean, deviation and histogram, and a corner of its values.
   *
   * @param tensor a parameter such as {@code h.0.attn.c_attn.weight}, its gradient {@code d.…}, or
   *     an activation, which is computed again
   * @throws Failure when there is none of that name
   */
  public Inspection inspect(String tensor) {
    return LiveRun.await(session.atBoundary(run -> run.inspect(tensor, Optional.empty())));
  }

  /** Saves a run that has a directory, and frees its memory and its device. */
  @Override
  public void close() {
    saved.ifPresent(LiveRun::close);
    unsaved.ifPresent(UnsavedRun::close);
  }
}
