package dev.anneal.launch;

import dev.anneal.device.Suits;
import dev.anneal.device.Suits.Feature;
import java.util.Optional;

/**
 * A device of OpenCL's.
 *
 * @param vectors whether it wants few large work-items, of vectors, as CPUs do
 * @param workGroup the most work-items of one work-group
 * @param localBytes of memory that a work-group shares
 * @param exchanges whether work-items exchange numbers in sub-groups
 * @param unitItems work-items of a work-group that computes 64 x 64 results by matrix units; 0
 *     where it has none
 */
public record OpenClMachine(
    String name, boolean vectors, int workGroup, long localBytes, boolean exchanges, int unitItems)
    implements Machine {
  /** Work-items of the versions that share local memory. */
  public static final int GROUP = 256;

  /** Work-items of simple kernels per work-group; every device but some CPUs allows as many. */
  private static final int SIMPLE = 64;

  @Override
  public String backend() {
    return "opencl";
  }

  @Override
  public boolean has(Feature feature) {
    return switch (feature) {
      case SUB_GROUPS -> exchanges;
      case MATRIX_UNITS -> unitItems > 0;
      case LATER_ATTENTION, LATER_PRODUCTS, MATRIX_LIBRARY, ATTENTION_LIBRARY -> false;
    };
  }

  @Override
  public boolean isMeant(Suits suits) {
    return switch (suits.machines()) {
      case ALL -> true;
      case GPUS -> !vectors;
      case CPUS -> vectors;
    };
  }

  @Override
  public Optional<String> lacks(Suits suits) {
    if (suits.needs().contains(Feature.MATRIX_UNITS) && !has(Feature.MATRIX_UNITS)) {
      return Optional.of(offersNo("matrix units of bf16"));
    }
    if (suits.needs().contains(Feature.SUB_GROUPS) && !has(Feature.SUB_GROUPS)) {
      return Optional.of(offersNo("sub-groups that exchange numbers"));
    }
    boolean groups = suits.machines() != Suits.Machines.GPUS || workGroup >= GROUP;
    return groups && localBytes >= suits.localBytes()
        ? Optional.empty()
        : Optional.of(
            " needs work-groups of "
                + GROUP
                + " and "
                + suits.localBytes() / 1024
                + " KiB of local memory; "
                + name
                + " has "
                + workGroup
                + " and "
                + localBytes / 1024
                + " KiB; choose another version");
  }

  private String offersNo(String what) {
    return " needs " + what + ", which " + name + " does not offer; choose another version";
  }

  @Override
  public String library(Suits suits) {
    return "";
  }

  @Override
  public String refusing(String kernel, String why) {
    return "opencl device " + name + " refuses " + kernel + " (" + why + ")";
  }

  /** At least {@code n} work-items in a line. */
  Grid items(long n) {
    return items(n, 1);
  }

  /** At least {@code columns} work-items in each of {@code rows} rows. */
  Grid items(long columns, long rows) {
    int group = Math.min(SIMPLE, workGroup);
    return Grid.groups(Math.ceilDiv(columns, group), rows, group, 1);
  }
}
