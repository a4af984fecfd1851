package dev.anneal.gpu;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.HostMemory;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Mark;
import dev.anneal.device.Memory;
import dev.anneal.device.ProductAlgorithm;
import dev.anneal.device.Program;
import dev.anneal.device.ProgramCosts;
import dev.anneal.failure.Failure;
import dev.anneal.launch.Command;
import dev.anneal.launch.CudaContext;
import dev.anneal.launch.CudaMachine;
import dev.anneal.launch.FusedAttention;
import dev.anneal.launch.KernelVersions;
import dev.anneal.launch.Language;
import dev.anneal.launch.Launch;
import dev.anneal.launch.OpFormats;
import dev.anneal.launch.OpLaunches;
import dev.anneal.launch.Product;
import dev.anneal.launch.Workspace;
import dev.anneal.plan.Arena;
import dev.anneal.plan.ChunkedClassifier;
import dev.anneal.plan.DType;
import dev.anneal.plan.EightBitProducts;
import dev.anneal.plan.Op;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Precision;
import dev.anneal.plan.Rewrite;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One GPU, by its vendor's driver. */
public final class GpuDevice implements Device {
  /**
   * Enough logits at once to fill a GPU, and to hide that every chunk adds to all of the
   * embedding's gradient: for GPT-2 that is a tenth of what the products with a chunk read and
   * write, and with four times as many rows a fortieth.
   */
  private static final int CLASSIFIER_ROWS = 4096;

  /** Where there is memory: 1.6 GB of logits in bf16, of GPT-2's vocabulary. */
  private static final int ROOMY_CLASSIFIER_ROWS = 16384;

  private static final long ROOMY = 32L << 30;

  private final DeviceInfo info;
  private final Driver driver;
  private final KernelModules modules;
  private final Libraries libraries;
  private final KernelVersions versions;
  private final boolean deterministic;
  private final SharedScratch scratch;
  private final Optional<WayTrial> ways;

  /** The context is entered before a run, a copy to the device, and a wait. */
  private static final ProgramCosts.Calls CALLS = new ProgramCosts.Calls(2, 2, 1, 1, 2);

  /**
   * @param images where the kernels come from
   * @param libraries that do what they can
   */
  public GpuDevice(
      DeviceInfo info,
      Driver driver,
      KernelImages images,
      Libraries libraries,
      DeviceOptions options) {
    this(info, driver, images, libraries, options, true);
  }

  private GpuDevice(
      DeviceInfo info,
      Driver driver,
      KernelImages images,
      Libraries libraries,
      DeviceOptions options,
      boolean there) {
    this.info = info;
    this.driver = driver;
    this.modules = new KernelModules(driver, images);
    this.libraries = libraries;
    this.ways =
        libraries
            .attention()
            .filter(any -> there)
            .map(library -> new WayTrial(driver, this::prepare, library));
    this.scratch = new SharedScratch(driver);
    this.versions =
        new KernelVersions(
            new CudaMachine(
                info.backend(),
                driver.hardware(),
                libraries.matrices().map(MatrixLibrary::name),
                libraries.attention().map(AttentionLibrary::name)),
            Language.CUDA);
    versions.choose(options.kernels());
    this.deterministic = options.deterministic();
  }

  /** A device that only plans, on a GPU that is not here. */
  public static GpuDevice planned(
      String backend, PlannedDriver driver, Libraries libraries, String details) {
    return new GpuDevice(
        new DeviceInfo(backend, 0, driver.name(), details, Long.MAX_VALUE),
        driver,
        (file, real) -> {
          throw new IllegalStateException(driver.name() + " runs no kernels");
        },
        libraries,
        DeviceOptions.defaults(),
        false);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    GpuMemory memory = new GpuMemory(driver, arena.name().toLowerCase(Locale.ROOT), bytes);
    try {
      driver.synchronize("clearing memory");
      return memory;
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  @Override
  public boolean deterministic() {
    return deterministic;
  }

  @Override
  public Set<Precision> precisions() {
    return driver.precisions();
  }

  @Override
  public Optional<DType> weightCopies(Precision precision) {
    return precision.storage() == precision.parameters()
        ? Optional.empty()
        : Optional.of(precision.storage());
  }

  @Override
  public Optional<EightBitProducts> eightBits(Precision precision) {
    return precision.eightBits().map(e -> driver.hasFnuz() ? e.fnuz() : e);
  }

  /** The kernels with versions of every GPU of a driver's; libraries may add versions. */
  public static List<KernelFamily> ownKernels() {
    return KernelVersions.everywhere(Language.CUDA);
  }

  @Override
  public List<KernelFamily> kernels() {
    return versions.families();
  }

  @Override
  public Map<String, Integer> kernelVersions() {
    return versions.all();
  }

  @Override
  public Map<String, Integer> usedVersions() {
    Map<String, Integer> used = versions.all();
    ways.ifPresent(
        tried ->
            tried
                .versions()
                .forEach(
                    (kernel, version) ->
                        used.computeIfPresent(
                            kernel, (k, v) -> versions.isTried(k, v) ? version : v)));
    return used;
  }

  @Override
  public List<Rewrite> rewrites() {
    return List.of(
        new ChunkedClassifier(
            info.memoryBytes() >= ROOMY ? ROOMY_CLASSIFIER_ROWS : CLASSIFIER_ROWS));
  }

  @Override
  public List<String> notes() {
    return Stream.concat(libraries.refusals().stream(), versions.notes().stream()).toList();
  }

  @Override
  public void preferKernels(Map<String, Integer> preferred) {
    versions.prefer(preferred);
  }

  @Override
  public void chooseKernels(Map<String, Integer> chosen) {
    versions.choose(chosen);
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    return compile(
        plan,
        tensor ->
            gpu(requireNonNull(memory.get(tensor.arena()))).address()
                + plan.layout().offset(tensor));
  }

  /** A program for tensors that lie where {@code places} says. */
  Program compile(Plan plan, ToLongFunction<Tensor> places) {
    checkFormats(plan);
    return LargeStack.call(() -> compiled(plan, places));
  }

  private Program compiled(Plan plan, ToLongFunction<Tensor> places) {
    driver.enter();
    while (true) {
      Optional<Program> program = attempt(plan, places);
      if (program.isPresent()) {
        return program.get();
      }
    }
  }

  /** Nothing when a library does less than it said, so that commands must be made anew. */
  private Optional<Program> attempt(Plan plan, ToLongFunction<Tensor> places) {
    Commands needed = commands(plan);
    ProgramMemory own =
        ProgramMemory.of(plan, needed.constantBytes(), needed.scratchBytes(), driver, scratch);
    try {
      Binding binding =
          new Binding(
              places, needed.constants(), own.constants().address(), own.scratch().address());
      List<List<Command>> commands =
          needed.byOp().stream().map(ofOp -> ofOp.stream().map(binding::bound).toList()).toList();
      if (!chooseAlgorithms(commands)) {
        own.close();
        return Optional.empty();
      }
      try (var host = java.lang.foreign.Arena.ofConfined()) {
        for (Binding.Constant constant : needed.constants()) {
          driver.copyIn(
              own.constants().address() + constant.offset(),
              host.allocateFrom(ValueLayout.JAVA_LONG, binding.words(constant.table())));
        }
      }
      driver.synchronize("preparing " + plan.name());
      return Optional.of(new GpuProgram(plan, driver, own, commands, this::prepare));
    } catch (RuntimeException e) {
      own.close();
      throw e;
    }
  }

  private boolean chooseAlgorithms(List<List<Command>> commands) {
    List<Product> products =
        commands.stream()
            .flatMap(List::stream)
            .filter(Product.class::isInstance)
            .map(Product.class::cast)
            .toList();
    return libraries.matrices().map(library -> library.choose(products)).orElse(true);
  }

  @Override
  public List<ProductAlgorithm> productAlgorithms() {
    return libraries.matrices().map(MatrixLibrary::algorithms).orElse(List.of());
  }

  @Override
  public void useAlgorithms(Map<String, String> recorded) {
    libraries.matrices().ifPresent(library -> library.use(recorded));
  }

  private PreparedCommand prepare(Command command) {
    return switch (command) {
      case Command.Clear clear -> driver.prepare(clear);
      case Product product -> libraries.matrices().orElseThrow().prepare(product);
      case FusedAttention fused -> libraries.attention().orElseThrow().prepare(fused);
      case Launch launch -> modules.prepare(launch);
    };
  }

  /**
   * What a program does, wherever its tensors will be.
   *
   * @param byOp the commands of each op
   */
  private record Commands(
      List<List<Command>> byOp, List<Binding.Constant> constants, long scratchBytes) {
    long constantBytes() {
      return Binding.bytes(constants);
    }
  }

  /** Has no kernel of a later version that the driver does not take. */
  private Commands commands(Plan plan) {
    CudaContext context =
        context(plan, launch -> driver.runs() ? modules.refusal(launch) : Optional.empty());
    List<List<Command>> byOp = OpLaunches.of(plan.ops(), context);
    return new Commands(
        byOp,
        Binding.constants(byOp.stream().flatMap(List::stream).toList()),
        context.workspace().bytes());
  }

  private CudaContext context(
      Plan plan, Function<Launch, Optional<? extends RuntimeException>> trial) {
    return new CudaContext(
        tensor -> plan.layout().offset(tensor),
        new Workspace(Workspace.ALIGNMENT),
        versions,
        driver.hardware(),
        libraries.matrices(),
        libraries.attention(),
        ways.map(tried -> tried),
        trial,
        plan.multiplication(),
        DType.F32);
  }

  @Override
  public Optional<ProgramCosts> costs(Plan plan) {
    checkFormats(plan);
    return LargeStack.call(
        () -> {
          driver.enter();
          CudaContext context = context(plan, launch -> Optional.empty());
          List<OpLaunches.Group> groups = OpLaunches.groups(plan.ops(), context);
          long constants =
              Binding.bytes(
                  Binding.constants(
                      groups.stream().flatMap(group -> group.commands().stream()).toList()));
          return Optional.of(
              new ProgramCosts(
                  PlanCosts.of(groups, context), constants + context.workspace().bytes(), CALLS));
        });
  }

  private void checkFormats(Plan plan) {
    for (Op op : plan.ops()) {
      DType real = OpFormats.real(op);
      if (precisions().stream().noneMatch(precision -> precision.storage() == real)) {
        throw Failure.usage(
            op.kind()
                + " in "
                + real.name().toLowerCase(Locale.ROOT)
                + ": "
                + info.name()
                + " stores "
                + precisions().stream()
                    .sorted()
                    .map(precision -> precision.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", ")));
      }
    }
  }

  @Override
  public long workspaceBytes(Plan plan) {
    return workspaceBytes(List.of(plan));
  }

  @Override
  public long workspaceBytes(Collection<Plan> plans) {
    return LargeStack.call(
        () -> {
          // A library may build its plans for this, on the device.
          driver.enter();
          long constants = 0;
          long shared = 0;
          for (Plan plan : plans) {
            Commands needed = commands(plan);
            constants += needed.constantBytes();
            shared = Math.max(shared, needed.scratchBytes());
          }
          return constants + shared;
        });
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    driver.copyIn(gpu(to).address() + offset, from);
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    driver.copyOut(gpu(from).address() + offset, to);
  }

  @Override
  public boolean isAsynchronous() {
    return true;
  }

  @Override
  public HostMemory allocateHost(long bytes) {
    MemorySegment pinned = driver.allocateHost(bytes);
    return new HostMemory() {
      private boolean open = true;

      @Override
      public MemorySegment segment() {
        return pinned;
      }

      @Override
      public void close() {
        if (open) {
          open = false;
          driver.freeHost(pinned);
        }
      }
    };
  }

  @Override
  public void enqueueCopyIn(Memory to, long offset, MemorySegment from) {
    driver.enter();
    driver.enqueueCopyIn(gpu(to).address() + offset, from);
  }

  @Override
  public void enqueueCopyOut(Memory from, long offset, MemorySegment to) {
    driver.enqueueCopyOut(gpu(from).address() + offset, to);
  }

  @Override
  public Mark mark() {
    driver.enter();
    Driver.Events event = driver.events(1);
    return new Mark() {
      @Override
      public void set() {
        event.record(0);
      }

      @Override
      public void await(String doing) {
        driver.enter();
        event.await(0, doing);
      }

      @Override
      public void close() {
        driver.enterToRelease();
        event.close();
      }
    };
  }

  @Override
  public void finish(String doing) {
    driver.enter();
    driver.synchronize(doing);
  }

  private static GpuMemory gpu(Memory memory) {
    if (memory instanceof GpuMemory gpu) {
      return gpu;
    }
    throw new IllegalArgumentException("this memory is not a GPU's: " + memory);
  }

  @Override
  public void close() {
    driver.enterToRelease();
    libraries.close();
    modules.close();
    driver.close();
  }
}
