package dev.anneal.terminal;

import dev.anneal.generation.SamplingSettings;
import picocli.CommandLine.Option;

/** How text is drawn. */
final class SampleOptions {
  @Option(
      names = "--temperature",
      paramLabel = "X",
      defaultValue = "0.8",
      description = "0 takes the likeliest token; ${DEFAULT-VALUE} by default")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "40",
      description = "draw from the K likeliest tokens, 0 for all; ${DEFAULT-VALUE} by default")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1.0",
      description = "draw from the likeliest tokens of this mass; ${DEFAULT-VALUE} by default")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1337",
      description = "${DEFAULT-VALUE} by default")
  private long seed;

  SamplingSettings settings() {
    return new SamplingSettings(temperature, topK, topP, seed);
  }
}
