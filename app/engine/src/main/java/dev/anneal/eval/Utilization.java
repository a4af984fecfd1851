package dev.anneal.eval;

/**
 * Model FLOPs utilization (MFU): what a training step reaches of the most that its device does.
 *
 * @param reached floating-point operations of the model per second
 */
public record Utilization(double reached, Peak peak) {

  public double share() {
    return reached / peak.flops();
  }

  /** As people read it: {@code MFU 41 % of the data sheet's 989 TFLOP/s bf16}. */
  public String text() {
    return "MFU " + peak.share(reached);
  }
}
