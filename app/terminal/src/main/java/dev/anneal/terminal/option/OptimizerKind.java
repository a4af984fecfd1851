package dev.anneal.terminal.option;

import dev.anneal.optimizer.AdamW;
import dev.anneal.optimizer.Muon;
import dev.anneal.optimizer.Optimizer;

/** What {@code --optimizer} names. */
public enum OptimizerKind {
  ADAMW,
  MUON;

  public static final String LABEL = "adamw|muon";
  public static final String DESCRIPTION =
      "muon: for the matrices of the blocks, and AdamW for all else; adamw by default";

  /** With settings that decide numbers alone, where it matters what a step is made of. */
  public Optimizer byDefault() {
    return switch (this) {
      case ADAMW -> AdamW.defaults();
      case MUON -> new Muon(AdamW.defaults(), 1, Muon.MOMENTUM, 0);
    };
  }
}
