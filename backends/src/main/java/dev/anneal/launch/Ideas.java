package dev.anneal.launch;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import dev.anneal.device.Suits.Machines;

/** Ideas, and what versions suit, that several layers have in common. */
final class Ideas {
  /** In CUDA C++. */
  static final String PLAIN = "plain: one thread per element";

  static final String PACKS = "128-bit packs";
  static final String CONVERTED = "the hardware's exponential and rounding, where tensors are bf16";
  static final String TRANSPOSED =
      "rows and columns exchanged in tiles of 32 x 32 in shared memory";
  static final String TENSOR_CORES = "tensor cores, where tensors are bf16";

  /** In OpenCL C. */
  static final String PER_ELEMENT = "one work-item per element";

  static final String PER_ROW = "one work-item per row";
  static final String VECTORS = "for CPUs: sixteen elements per work-item, as one vector";
  static final String GROUP_PER_ROW =
      "for GPUs: one work-group per row, sums as a tree in local memory";
  static final String LANES = "for CPUs: one work-item per row, in sixteen lanes";
  static final String EXCHANGES =
      "for GPUs with sub-groups: v2, sums by exchanges between lanes, in the same order at any size"
          + " of sub-group";

  /** Local memory that versions in OpenCL C use at most, but for those that say otherwise. */
  private static final long LOCAL_BYTES = 16 * 1024;

  static final Suits CPUS = Suits.on(Machines.CPUS).sharing(LOCAL_BYTES);
  static final Suits GPUS = Suits.on(Machines.GPUS).sharing(LOCAL_BYTES);
  static final Suits SUB_GROUPS = GPUS.needing(Feature.SUB_GROUPS);

  /** Of devices of all kinds with so much local memory. */
  static final Suits ANY = Suits.on(Machines.ALL).sharing(LOCAL_BYTES);

  private Ideas() {}
}
