package dev.anneal.gpu;

import dev.anneal.plan.Plan;

/**
 * What a program has of a device's memory beside the arenas.
 *
 * @param constants its own
 * @param scratch that other programs use, too
 */
record ProgramMemory(GpuMemory constants, SharedScratch.Lease scratch) implements AutoCloseable {

  /** As much as the commands need. */
  static ProgramMemory of(
      Plan plan, long constantBytes, long scratchBytes, Driver driver, SharedScratch shared) {
    SharedScratch.Lease scratch = shared.lease("workspace of " + plan.name(), scratchBytes);
    try {
      return new ProgramMemory(
          new GpuMemory(driver, "constants of " + plan.name(), constantBytes), scratch);
    } catch (RuntimeException e) {
      scratch.close();
      throw e;
    }
  }

  @Override
  public void close() {
    constants.close();
    scratch.close();
  }
}
