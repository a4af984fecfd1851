package dev.anneal.launch;

import dev.anneal.plan.Arena;
import dev.anneal.plan.ClassifierChunks;
import dev.anneal.plan.DType;
import dev.anneal.plan.Multiplication;
import dev.anneal.plan.Op;
import dev.anneal.plan.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * What the commands of an op are made with where kernels are in CUDA C++.
 *
 * @param offsets of tensors in their arenas, in bytes
 * @param products a library that multiplies matrices
 * @param attention a library that does attention
 * @param ways finds the fastest of several ways
 * @param trial why the driver does not run a kernel that it may not take; nothing where it does
 * @param multiplication of matrices of fp32
 * @param real the format that the op's kernels are compiled for; see {@link OpFormats}
 */
public record CudaContext(
    ToLongFunction<Tensor> offsets,
    Workspace workspace,
    KernelVersions versions,
    Hardware hardware,
    Optional<? extends ProductSupport> products,
    Optional<? extends AttentionSupport> attention,
    Optional<Ways> ways,
    Function<Launch, Optional<? extends RuntimeException>> trial,
    Multiplication multiplication,
    DType real)
    implements LaunchContext<CudaContext> {
  /** Of a 128-bit load. */
  static final int PACK_BYTES = 16;

  /** Floats per 128-bit load. */
  static final int FLOATS = PACK_BYTES / Float.BYTES;

  /**
   * Addresses that arenas are taken to begin at while nothing is bound, one after the other, and
   * after them tables and scratch.
   */
  private static final long PLANNED_ARENA = 1L << 44;

  /** Where nothing is tried, and libraries do nothing. */
  public CudaContext(
      ToLongFunction<Tensor> offsets,
      KernelVersions versions,
      Hardware hardware,
      Multiplication multiplication) {
    this(
        offsets,
        new Workspace(Workspace.ALIGNMENT),
        versions,
        hardware,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        launch -> Optional.empty(),
        multiplication,
        DType.F32);
  }

  /** The same with a library that multiplies matrices. */
  public CudaContext with(ProductSupport library) {
    return new CudaContext(
        offsets,
        workspace,
        versions,
        hardware,
        Optional.of(library),
        attention,
        ways,
        trial,
        multiplication,
        real);
  }

  @Override
  public CudaContext forFormat(DType format) {
    return new CudaContext(
        offsets,
        workspace,
        versions,
        hardware,
        products,
        attention,
        ways,
        trial,
        multiplication,
        format);
  }

  /** For tensors that lie elsewhere. */
  private CudaContext at(ToLongFunction<Tensor> other) {
    return new CudaContext(
        other,
        workspace,
        versions,
        hardware,
        products,
        attention,
        ways,
        trial,
        multiplication,
        real);
  }

  /** For the parts of a classifier's tensors. */
  public CudaContext parts(ClassifierChunks chunks) {
    return at(
        tensor -> {
          ClassifierChunks.Part part = chunks.part(tensor);
          return offsets.applyAsLong(part.whole()) + part.bytes();
        });
  }

  /** With other scratch. */
  public CudaContext in(Workspace other) {
    return new CudaContext(
        offsets, other, versions, hardware, products, attention, ways, trial, multiplication, real);
  }

  @Override
  public <O extends Op> List<Version<O, CudaContext>> of(Kernel<O> kernel) {
    return kernel.cuda();
  }

  @Override
  public DType stored(Op op) {
    return real;
  }

  /** Only kernels that not every compiler takes are tried. */
  @Override
  public Optional<Refusal> refused(Version<?, CudaContext> version, List<Command> commands) {
    if (version.suits().needs().stream().noneMatch(MatrixKernels.LATER::contains)) {
      return Optional.empty();
    }
    return commands.stream()
        .flatMap(command -> command instanceof Launch launch ? refused(launch) : none())
        .findFirst();
  }

  private static Stream<Refusal> none() {
    return Stream.empty();
  }

  private Stream<Refusal> refused(Launch launch) {
    return trial.apply(launch.with(real)).stream()
        .map(e -> new Refusal(launch.kernel(), String.valueOf(e.getMessage()), e));
  }

  /** Activations or weights per 128-bit load. */
  int pack() {
    return PACK_BYTES / real.bytes();
  }

  /** Whether some bytes are both's. */
  boolean overlap(Tensor a, Tensor b) {
    long atA = offsets.applyAsLong(a);
    long atB = offsets.applyAsLong(b);
    return a.arena() == b.arena() && atA < atB + b.bytes() && atB < atA + a.bytes();
  }

  /** Whether both begin at the same place. */
  boolean coincide(Tensor a, Tensor b) {
    return a.arena() == b.arena() && offsets.applyAsLong(a) == offsets.applyAsLong(b);
  }

  Place scratch(long bytes) {
    return workspace.take(bytes);
  }

  boolean reaches(Kernel<?> kernel, Version<?, ?> version) {
    return versions.reaches(kernel, version);
  }

  /** Whether that very version is wanted. */
  boolean wants(Kernel<?> kernel, Version<?, ?> version) {
    return versions.reaches(kernel, version)
        && versions.of(kernel.name()) == versions.number(kernel, version);
  }

  /** Threads that run in step. */
  int warp() {
    return hardware.warp();
  }

  /** All threads of whole warps that {@code n} need. */
  int wholeWarps(int n) {
    return Math.ceilDiv(n, warp()) * warp();
  }

  /** An address for each place, of which two are equal where the places are. */
  public Place planned(Place place) {
    int arenas = Arena.values().length;
    return switch (place) {
      case Place.Data(Tensor tensor, long first) ->
          Place.at(
              (tensor.arena().ordinal() + 1) * PLANNED_ARENA
                  + offsets.applyAsLong(tensor)
                  + first * tensor.dtype().bytes());
      case Place.Table ignored -> Place.at((arenas + 1) * PLANNED_ARENA);
      case Place.Scratch scratch ->
          Place.at((arenas + 2) * PLANNED_ARENA + scratch.from() + scratch.at());
      case Place.At same -> same;
      case Place.Activations ignored -> throw new IllegalStateException(place + " is OpenCL's");
      case Place.ArenaOf ignored -> throw new IllegalStateException(place + " is OpenCL's");
      case Place.Tiles ignored -> throw new IllegalStateException(place + " is OpenCL's");
    };
  }
}
