package dev.anneal.terminal.option;

import dev.anneal.plan.Precision;
import dev.anneal.plan.Recompute;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What shapes a step's plan beside the model and the batch. */
public final class PlanOptions {
  @Option(
      names = "--recompute",
      description = "activations to compute again: none, gelu or block; none by default")
  public Optional<Recompute> recompute = Optional.empty();

  @Option(
      names = "--classifier-chunks",
      paramLabel = "N",
      description =
          "parts of a batch's tokens that have logits at once, 0 for all; by default what the"
              + " device wants: 4096 tokens on CUDA and HIP, all on others")
  public Optional<Integer> classifierChunks = Optional.empty();

  @Option(
      names = "--dtype",
      description =
          "of stored activations, and on CUDA and HIP of the weights that products read, beside"
              + " fp32 masters: fp32, bf16 or fp16; tf32 is fp32 whose products may lose 13 bits;"
              + " fp8 is bf16 whose linear layers multiply 8 bits, fp8_hybrid with wider gradients;"
              + " where the device has it; sums are in fp32; fp32 by default")
  public Optional<Precision> precision = Optional.empty();
}
