package dev.anneal.session;

import dev.anneal.device.Device;
import dev.anneal.device.OpTimings;
import dev.anneal.generation.Decoder;
import dev.anneal.generation.Generator;
import dev.anneal.generation.SamplingSettings;
import dev.anneal.model.Gpt2;
import dev.anneal.model.Model;
import dev.anneal.plan.Arena;
import dev.anneal.training.Initialization;
import dev.anneal.training.MemoryBill;
import dev.anneal.training.Trainer;
import dev.anneal.training.Trainer.StepResult;
import dev.anneal.training.TrainingPlans;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A model in training: its weights on a device, its data, and how many updates it has had. A step
 * is a pure function of these. One thread at a time uses a run; a {@link Session} sees to that.
 */
public final class Run implements AutoCloseable {
  private final RunConfig config;
  private final Model model;
  private final Corpus corpus;
  private final Device device;
  private final Trainer trainer;
  private final MemoryBill bill;
  private final Optional<RunDirectory> directory;
  private Optional<Decoder> decoder = Optional.empty();
  private int step;

  private Run(RunConfig config, Corpus corpus, Device device, Optional<RunDirectory> directory) {
    this.config = config;
    this.corpus = corpus;
    this.device = device;
    this.directory = directory;
    this.model = new Gpt2(config.model());
    TrainingPlans plans =
        TrainingPlans.of(
            model,
            config.batch(),
            config.sequence(),
            config.microSteps(),
            config.adamW(),
            config.recompute());
    this.bill = MemoryBill.of(plans, device);
    bill.requireFits(device);
    this.trainer = new Trainer(device, plans, config.adamW());
  }

  /** A new run, with weights that the seed gives. */
  public static Run begin(
      RunConfig config, Corpus corpus, Device device, Optional<RunDirectory> directory) {
    Run run = new Run(config, corpus, device, directory);
    Initialization.initialize(run.trainer, run.model, config.seed());
    return run;
  }

  /** Goes on from a checkpoint, bit for bit as if it had never stopped. */
  public static Run resume(
      RunConfig config,
      Corpus corpus,
      Device device,
      RunDirectory directory,
      Checkpoints.Saved checkpoint) {
    Run run = new Run(config, corpus, device, Optional.of(directory));
    try {
      Checkpoints.load(checkpoint, run.trainer, run.model);
    } catch (RuntimeException e) {
      run.close();
      throw e;
    }
    run.step = checkpoint.step();
    return run;
  }

  public RunConfig config() {
    return config;
  }

  public Model model() {
    return model;
  }

  public Trainer trainer() {
    return trainer;
  }

  /** Updates so far. */
  public int step() {
    return step;
  }

  public Optional<Path> lastCheckpoint() {
    return directory.flatMap(RunDirectory::newestCheckpoint);
  }

  String corpusFingerprint() {
    return corpus.fingerprint();
  }

  Event.Started started() {
    Map<String, Long> bytes = new TreeMap<>();
    bill.arenas().forEach((arena, n) -> bytes.put(arena.name().toLowerCase(Locale.ROOT), n));
    bytes.put("workspace", bill.workspace());
    return new Event.Started(
        directory.map(RunDirectory::name).orElse("unsaved"),
        model.description(),
        model.parameterCount(),
        corpus.description(),
        device.info().backend(),
        device.info().name() + ", " + device.info().details(),
        step,
        config.steps(),
        config.tokensPerStep(),
        (double) trainer.plans().step().flops() / (config.batch() * config.sequence()),
        bytes,
        directory.map(RunDirectory::path));
  }

  /** A step, its event, and how it went. */
  record TimedStep(StepResult result, Event.Step event) {}

  /** One update; when its loss or gradient is not finite, the weights stay as they were. */
  TimedStep advance() {
    int next = step + 1;
    double learningRate = config.schedule().learningRate(next);
    long start = System.nanoTime();
    StepResult result =
        trainer.step(corpus.training(), (long) step * config.microSteps(), next, learningRate);
    double ms = (System.nanoTime() - start) / 1e6;
    step = next;
    Map<String, Double> kinds = new TreeMap<>();
    for (OpTimings timings : trainer.takeTimings()) {
      timings.byKind().forEach((kind, nanos) -> kinds.merge(kind, nanos / 1e6, Double::sum));
    }
    return new TimedStep(
        result,
        new Event.Step(
            step,
            result.loss(),
            learningRate,
            result.gradientNorm(),
            ms,
            config.tokensPerStep() / ms * 1000,
            device.info().backend(),
            kinds));
  }

  /** The loss on the held-out split. */
  public Event.Evaluation evaluate() {
    long start = System.nanoTime();
    int batches = Math.min(config.intervals().evaluationBatches(), corpus.validationBatches());
    double loss = trainer.evaluate(corpus.validation(), batches);
    return new Event.Evaluation(step, loss, (System.nanoTime() - start) / 1e6);
  }

  /** Writes a checkpoint, when this run has a directory. */
  public Optional<Event.Saved> save() {
    return directory.flatMap(to -> to.save(this));
  }

  /** Continues {@code prompt} with the weights as they are; whole characters go to the listener. */
  public void sample(
      String prompt, int tokens, SamplingSettings settings, Event.Listener listener) {
    if (decoder.isEmpty()) {
      decoder =
          Optional.of(
              new Decoder(device, model, trainer.memory(Arena.PARAMETERS), config.sequence()));
    }
    listener.on(new Event.SampleStarted(step, prompt));
    long start = System.nanoTime();
    int drawn =
        Samples.stream(
            new Generator(decoder.get(), model.vocabulary()),
            corpus.tokenizer(),
            prompt,
            tokens,
            settings,
            text -> listener.on(new Event.SampleText(text)));
    listener.on(new Event.SampleEnded(drawn, (System.nanoTime() - start) / 1e6));
  }

  @Override
  public void close() {
    decoder.ifPresent(Decoder::close);
    trainer.close();
    directory.ifPresent(RunDirectory::close);
  }
}
