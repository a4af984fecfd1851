package dev.anneal.terminal.option;

import dev.anneal.generation.SamplingSettings;
import dev.anneal.run.Samples;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How text is drawn; what is not given is as the live run has it. */
public final class SampleOptions {
  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "0 takes the likeliest token; 0.8 by default")
  private Optional<Double> temperature = Optional.empty();

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "draw from the K likeliest tokens, 0 for all; 40 by default")
  private Optional<Integer> topK = Optional.empty();

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "draw from the likeliest tokens of this mass; 1.0 by default")
  private Optional<Double> topP = Optional.empty();

  @Option(names = "--seed", paramLabel = "S", description = "the run's by default")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--stop-at-end",
      description = "end with the document; by default another one follows, up to --tokens")
  private boolean stopAtEnd;

  public Samples.AtEnd atEnd() {
    return stopAtEnd ? Samples.AtEnd.STOP : Samples.AtEnd.GO_ON;
  }

  public SamplingSettings settings(SamplingSettings defaults) {
    return new SamplingSettings(
        temperature.orElse(defaults.temperature()),
        topK.orElse(defaults.topK()),
        topP.orElse(defaults.topP()),
        seed.orElse(defaults.seed()));
  }
}
