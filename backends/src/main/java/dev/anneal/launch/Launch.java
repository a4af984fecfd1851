package dev.anneal.launch;

import dev.anneal.plan.DType;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * One launch of a kernel, as data.
 *
 * @param file it is in
 * @param sharedBytes of local memory, beside what the kernel declares
 * @param real the format that a CUDA file is compiled for; an OpenCL file's follows from its
 *     arguments
 * @param work that it has at most
 */
public record Launch(
    KernelFile file,
    String kernel,
    Grid grid,
    int sharedBytes,
    List<Argument> arguments,
    DType real,
    Work work)
    implements Command {
  public Launch {
    arguments = List.copyOf(arguments);
  }

  /** Of work that nobody has told yet, and of a file compiled for fp32. */
  public static Launch of(KernelFile file, String kernel, Grid grid, List<Argument> arguments) {
    return new Launch(file, kernel, grid, 0, arguments, DType.F32, Work.NONE);
  }

  public static Launch of(KernelFile file, String kernel, Grid grid, Argument... arguments) {
    return of(file, kernel, grid, List.of(arguments));
  }

  /** In blocks of {@code threads}. */
  static Launch of(KernelFile file, String kernel, Grid grid, int threads, Argument... arguments) {
    return of(file, kernel, grid.inBlocksOf(threads), List.of(arguments));
  }

  /** The same with local memory. */
  Launch sharing(int bytes) {
    return new Launch(file, kernel, grid, bytes, arguments, real, work);
  }

  public Launch with(DType format) {
    return new Launch(file, kernel, grid, sharedBytes, arguments, format, work);
  }

  public Launch with(Work all) {
    return new Launch(file, kernel, grid, sharedBytes, arguments, real, all);
  }

  /** The same kernel in other sizes. */
  public Launch with(Grid other, List<Argument> others) {
    return new Launch(file, kernel, other, sharedBytes, others, real, work);
  }

  @Override
  public Launch at(UnaryOperator<Place> places) {
    return with(
        grid,
        arguments.stream()
            .map(argument -> argument instanceof Place place ? places.apply(place) : argument)
            .toList());
  }
}
