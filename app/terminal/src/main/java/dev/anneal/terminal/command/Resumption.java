package dev.anneal.terminal.command;

/** Which of train's options can act on a run that goes on, and on a new one with its weights. */
final class Resumption {
  private Resumption() {}

  /** What weights that exist cannot change. */
  static final String[] OF_THE_WEIGHTS = {
    "--model", "--layers", "--heads", "--channels", "--context", "--tokenizer"
  };

  /** What a run that goes on cannot change, since its earlier steps would be others. */
  static final String[] FIXED = {
    "--batch",
    "--seq",
    "--total-batch",
    "--schedule",
    "--warmup",
    "--final-lr-fraction",
    "--optimizer",
    "--muon-lr",
    "--muon-momentum",
    "--weight-decay",
    "--beta1",
    "--beta2",
    "--clip",
    "--classifier-chunks",
    "--dtype",
    "--master-weights",
    "--seed",
    "--documents",
    "--text-field"
  };
}
