package dev.anneal.run;

import static dev.anneal.failure.Spelling.setting;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.device.Device;
import dev.anneal.eval.Comparison;
import dev.anneal.failure.Failure;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.model.Model;
import dev.anneal.plan.Tensor;
import dev.anneal.run.config.Corpus;
import dev.anneal.run.config.RunConfig;
import dev.anneal.run.log.Event;
import dev.anneal.run.store.Checkpoints;
import dev.anneal.run.store.Kept;
import dev.anneal.run.store.RunDirectory;
import dev.anneal.training.Initialization;
import dev.anneal.training.KernelChoices;
import dev.anneal.training.Trainer;
import dev.anneal.training.Trainer.StepResult;
import dev.anneal.training.Trainer.Update;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * A model in training: its weights on a device, its data, and how many updates it has had. A step
 * is a pure function of these. One thread at a time uses a run; a {@link Session} sees to that.
 */
public final class Run implements Kept, AutoCloseable {
  /**
   * From here on, products of 8 bits are worth what is lost by them. Source: nanochat's
   * measurements.
   */
  private static final long WORTH_EIGHT_BITS = 1_000_000_000;

  private RunConfig config;
  private final Model model;
  private final Corpus corpus;
  private PlacedModel placed;
  private Optional<RunDirectory> directory;
  private int step;

  /** When the last update was made, by {@link System#nanoTime}. */
  private long stepEnd;

  /**
   * The first update from which on the configuration makes every step again. Empty when that is the
   * beginning: the weights of update 0 are what the seed gives, and not imported.
   */
  private Optional<Integer> origin = Optional.empty();

  /** What libraries multiplied with before this process, by product. */
  private final Map<String, String> algorithmsBefore;

  private Run(
      RunConfig config,
      Corpus corpus,
      Device device,
      Optional<RunDirectory> directory,
      Map<String, String> algorithms) {
    this.config = config;
    this.algorithmsBefore = algorithms;
    this.corpus = corpus;
    this.directory = directory;
    device.useAlgorithms(algorithms);
    RunPlans.requireRoom(config, device);
    this.model = config.model().model();
    this.placed = new PlacedModel(device, RunPlans.step(model, config), config.seed());
  }

  /** What a comparison needs to make this run's next steps; this run itself stays where it is. */
  public Comparison.Task comparison() {
    return new Comparison.Task(
        RunPlans.step(model, config),
        corpus.training(),
        config.schedule()::learningRate,
        step,
        to -> to.copyState(trainer()));
  }

  /** Goes on on another device, with the same weights and moments. The first is not closed. */
  void moveTo(Device to) {
    to.useAlgorithms(algorithmsBefore);
    PlacedModel moved = new PlacedModel(to, RunPlans.step(model, config), config.seed());
    try {
      moved.trainer().copyState(trainer());
    } catch (RuntimeException e) {
      moved.close();
      throw e;
    }
    placed.close();
    placed = moved;
  }

  /** Versions of kernels that are used because a bench found them to be the fastest, by name. */
  public Map<String, Integer> benchedKernels() {
    return placed.benched();
  }

  /** Uses other versions of kernels from the next step on; when they do not compile, the former. */
  void chooseKernels(Map<String, Integer> versions) {
    placed.chooseKernels(versions);
  }

  /** A new run, with weights that the seed gives. */
  public static Run begin(
      RunConfig config, Corpus corpus, Device device, Optional<RunDirectory> directory) {
    Run run = new Run(config, corpus, device, directory, Map.of());
    Initialization.initialize(run.trainer(), run.model, config.seed());
    return run;
  }

  /** From here on, the run is kept in a directory, which is closed with it. */
  void keepIn(RunDirectory in) {
    directory = Optional.of(in);
  }

  /** Of each of its checkpoints. */
  long checkpointBytes() {
    return files().values().stream().mapToLong(FileWriter::bytes).sum();
  }

  @Override
  public Map<String, FileWriter> files() {
    return Checkpoints.files(trainer(), model, config.data().tokenizer());
  }

  /** Goes on from a checkpoint, bit for bit as if it had never stopped. */
  public static Run resume(
      RunConfig config,
      Corpus corpus,
      Device device,
      RunDirectory directory,
      Checkpoints.Saved checkpoint) {
    Run run = new Run(config, corpus, device, Optional.of(directory), checkpoint.algorithms());
    try {
      Checkpoints.load(checkpoint, run.trainer(), run.model);
    } catch (RuntimeException e) {
      run.close();
      throw e;
    }
    run.step = checkpoint.step();
    boolean sameData = checkpoint.corpusFingerprint().equals(Optional.of(corpus.fingerprint()));
    run.origin = checkpoint.originOf(config, sameData);
    return run;
  }

  /** A new run with the weights of a checkpoint. */
  static Run beginWith(Checkpoints.Saved weights, RunConfig config, Corpus corpus, Device device) {
    Run run = new Run(config, corpus, device, Optional.empty(), Map.of());
    try {
      Checkpoints.loadWeights(weights, run.model, run.trainer()::write);
      Initialization.clearMoments(run.trainer(), run.model);
    } catch (RuntimeException e) {
      run.close();
      throw e;
    }
    run.origin = Optional.of(0);
    return run;
  }

  @Override
  public RunConfig config() {
    return config;
  }

  private Device device() {
    return placed.device();
  }

  public Model model() {
    return model;
  }

  public Trainer trainer() {
    return placed.trainer();
  }

  @Override
  public int step() {
    return step;
  }

  public Optional<Path> lastCheckpoint() {
    return directory.flatMap(RunDirectory::newestCheckpoint);
  }

  /** Whether it is only looked at: another process may train it, and nothing of it is written. */
  boolean isLookedAt() {
    return directory.map(d -> !d.isLocked()).orElse(false);
  }

  /**
   * Sees to it that this process, and no other, goes on with the run.
   *
   * @throws Failure when another one does, or has
   */
  void beginWriting() {
    directory.ifPresent(RunDirectory::beginWriting);
  }

  /** Whether the weights are those of {@link #step}: no update was broken off. */
  boolean isIntact() {
    return trainer().isIntact();
  }

  List<String> takeWarnings() {
    return directory.map(RunDirectory::takeWarnings).orElse(List.of());
  }

  /** What a checkpoint keeps beside the weights. */
  @Override
  public ObjectNode meta() {
    Map<String, String> algorithms = new TreeMap<>(algorithmsBefore);
    device().productAlgorithms().forEach(now -> algorithms.put(now.product(), now.recorded()));
    return Checkpoints.meta(config, corpus, origin, algorithms);
  }

  @Override
  public String corpusFingerprint() {
    return corpus.fingerprint();
  }

  /** What is to be known of the data and the device's programs, and what may disappoint. */
  List<Event> notes() {
    Stream<String> small =
        config.precision().eightBits().isPresent() && model.parameterCount() < WORTH_EIGHT_BITS
            ? Stream.of(
                "fp8 gains little or nothing below 1B parameters, and this model has fewer; bf16 is"
                    + " as fast and more exact")
            : Stream.of();
    Stream<String> kernels =
        Stream.concat(KernelChoices.putAside().stream(), placed.benchedNote().stream());
    return Stream.of(corpus.notes().stream(), device().notes().stream(), kernels, small)
        .flatMap(notes -> notes)
        .<Event>map(Event.Warning::new)
        .toList();
  }

  Event.Started started() {
    Map<String, Long> bytes = new TreeMap<>();
    placed
        .bill()
        .arenas()
        .forEach((arena, n) -> bytes.put(arena.name().toLowerCase(Locale.ROOT), n));
    bytes.put("workspace", placed.bill().workspace());
    return new Event.Started(
        directory.map(RunDirectory::name).orElse("unsaved"),
        model.description(),
        model.parameterCount(),
        corpus.description(),
        device().info().backend(),
        device().info().name() + ", " + device().info().details(),
        config.precision(),
        step,
        config.steps(),
        config.tokensPerStep(),
        (double) trainer().plans().step().flops() / (config.batch() * config.sequence()),
        bytes,
        device().usedVersions(),
        device().deterministic(),
        directory.map(RunDirectory::path));
  }

  /** A step, its event, and how it went. */
  record TimedStep(StepResult result, Event.Step event) {}

  /**
   * One update; when its loss or gradient is not finite, the weights and the step stay. Its time is
   * from the end of the update before it, where the device began with it by then.
   *
   * @param isFollowed whether another one is made next, so that the device may begin with it
   */
  TimedStep advance(boolean isFollowed) {
    int next = step + 1;
    long start = trainer().isAhead() ? stepEnd : System.nanoTime();
    Update update = update(next);
    StepResult result =
        trainer().step(update, isFollowed ? Optional.of(update(next + 1)) : Optional.empty());
    stepEnd = System.nanoTime();
    double ms = (stepEnd - start) / 1e6;
    if (result.finite()) {
      step = next;
    }
    return new TimedStep(
        result,
        new Event.Step(
            next,
            result.loss(),
            update.learningRate(),
            result.gradientNorm(),
            ms,
            config.tokensPerStep() / ms * 1000,
            device().info().backend(),
            trainer().takeMillis()));
  }

  private Update update(int number) {
    return new Update(
        corpus.training(),
        (long) (number - 1) * config.microSteps(),
        number,
        config.schedule().learningRate(number));
  }

  /** Whether the device has begun with an update that was not asked for yet. */
  boolean isAhead() {
    return trainer().isAhead();
  }

  /** The update that the device has begun with is not made. */
  void forgetAhead() {
    trainer().forgetAhead();
  }

  /** The loss on the held-out split. */
  public Event.Evaluation evaluate() {
    long start = System.nanoTime();
    int batches = Math.min(config.intervals().evaluationBatches(), corpus.validationBatches());
    double loss = trainer().evaluate(corpus.validation(), batches);
    return new Event.Evaluation(step, loss, (System.nanoTime() - start) / 1e6);
  }

  /** Writes a checkpoint, when this run has a directory. */
  public Optional<Event.Saved> save() {
    return save(false);
  }

  /**
   * @param failed older checkpoints stay
   */
  Optional<Event.Saved> save(boolean failed) {
    return directory.flatMap(to -> to.save(this, failed));
  }

  /** What to continue, how far, how, and whether beyond the end of a document. */
  public record Prompt(String text, int tokens, SamplingSettings settings, Samples.AtEnd atEnd) {
    /** Goes on to all the tokens. */
    public Prompt(String text, int tokens, SamplingSettings settings) {
      this(text, tokens, settings, Samples.AtEnd.GO_ON);
    }
  }

  /**
   * Continues a prompt with the weights as they are; whole characters go to the listener. A prompt
   * that is {@code cancelled} ends after the token in progress.
   */
  public void sample(Prompt prompt, Event.Listener listener, BooleanSupplier cancelled) {
    listener.on(new Event.SampleStarted(step, prompt.text()));
    long start = System.nanoTime();
    StringBuilder whole = new StringBuilder();
    int drawn =
        Samples.stream(
            placed.generator(config),
            corpus.tokenizer(),
            corpus.opening(),
            prompt.text(),
            prompt.tokens(),
            prompt.settings(),
            prompt.atEnd(),
            text -> {
              whole.append(text);
              listener.on(new Event.SampleText(text));
            },
            cancelled);
    listener.on(
        new Event.SampleEnded(step, drawn, (System.nanoTime() - start) / 1e6, whole.toString()));
  }

  /**
   * Refuses to change what updates to come depend on, when checkpoints of such updates would tell
   * another story.
   */
  void requireNothingSavedAhead(String setting) {
    if (directory.map(d -> d.hasCheckpointAfter(step)).orElse(false)) {
      throw Failure.usage(
          "this run has checkpoints after step "
              + step
              + ", which another "
              + setting
              + " would contradict; 'branch NAME' first goes on from here as a new run");
    }
  }

  /** Goes on as another configuration says, of the same model, data and batches. */
  void change(RunConfig changed) {
    beginWriting();
    config = changed;
  }

  /**
   * Goes back to an earlier update, bit for bit: from the nearest checkpoint before it, or from the
   * beginning, every step is made again.
   *
   * @param onStep hears how many updates are made again, after each
   */
  void rewind(int target, IntConsumer onStep) {
    if (target < 0 || target > step) {
      throw Failure.usage("step " + target + " is not within 0 and " + step + ", where the run is");
    }
    if (target < origin.orElse(0)) {
      throw Failure.usage(
          "step "
              + target
              + " is before step "
              + origin.get()
              + ", where this run began with weights or settings from elsewhere; to go back there,"
              + " train "
              + setting("resume")
              + " CHECKPOINT "
              + setting("out")
              + " NEW");
    }
    if (target < step) {
      restore(target);
    }
    while (step < target) {
      if (!advance(false).result().finite()) {
        throw Failure.failed("step " + (step + 1) + " is not finite when it is made again");
      }
      onStep.accept(step);
    }
  }

  private void restore(int target) {
    Optional<Checkpoints.Saved> nearest = directory.flatMap(d -> d.nearest(origin, target));
    if (nearest.isPresent()) {
      Checkpoints.load(nearest.get(), trainer(), model);
      step = nearest.get().step();
    } else {
      Initialization.initialize(trainer(), model, config.seed());
      Initialization.clearMoments(trainer(), model);
      step = 0;
    }
    trainer().isRestored();
  }

  /** Goes on in another directory, which gets a checkpoint; the first one stays as it is. */
  Event.Started branch(RunDirectory to) {
    try {
      to.save(this, false);
    } catch (RuntimeException e) {
      to.close();
      throw e;
    }
    directory.ifPresent(RunDirectory::close);
    directory = Optional.of(to);
    return started();
  }

  /** Every tensor by name, in order of first use. */
  public List<Tensor> tensors() {
    return reader().tensors();
  }

  /**
   * Looks at a tensor. An activation, or the gradient of one, is computed again for the batch of
   * the next update with the weights as they are; all others are as the last update left them.
   *
   * @param slice empty for a corner
   */
  public Inspection inspect(String name, Optional<String> slice) {
    return reader().inspect(name, slice);
  }

  private TensorReader reader() {
    return new TensorReader(trainer(), corpus.training(), (long) step * config.microSteps());
  }

  @Override
  public void close() {
    placed.close();
    directory.ifPresent(RunDirectory::close);
  }
}
