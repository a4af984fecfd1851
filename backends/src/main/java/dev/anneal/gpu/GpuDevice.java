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
  private final Optional<WayTrial> trial;

  /**
   * Addresses that arenas are taken to begin at while nothing is allocated, one after the other.
   */
  private static final long PLANNED_ARENA = 1L << 44;

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
    this.trial = there ? Optional.of(new WayTrial(driver, this::prepare)) : Optional.empty();
    this.info = info;
    this.driver = driver;
    this.modules = new KernelModules(driver, images);
    this.libraries = libraries;
    this.scratch = new SharedScratch(driver);
    this.versions =
        new KernelVersions(
            info.backend(),
            libraries.matrices().map(MatrixLibrary::name),
            libraries.attention().map(AttentionLibrary::name),
            driver.hardware().matrixKernels().map(MatrixKernels::later).orElse(Set.of()));
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
    return KernelVersions.OWN;
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
    trial.ifPresent(
        tried ->
            tried
                .versions()
                .forEach(
                    (kernel, version) ->
                        used.computeIfPresent(
                            kernel,
                            (k, v) -> v == KernelVersions.ATTENTION_FASTEST ? version : v)));
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
    stepDown(plan);
    Workspace measured = measured(plan);
    ProgramMemory own = ProgramMemory.of(plan, measured, driver, scratch);
    try {
      Workspace workspace = new Workspace(own.constants().address(), own.scratch().address());
      List<List<Command>> commands = commands(plan, places, workspace);
      if (!chooseAlgorithms(commands)) {
        own.close();
        return Optional.empty();
      }
      try (var host = java.lang.foreign.Arena.ofConfined()) {
        for (Workspace.Constant constant : workspace.constants()) {
          driver.copyIn(
              own.constants().address() + constant.offset(),
              host.allocateFrom(ValueLayout.JAVA_LONG, constant.words()));
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
    List<Command.Product> products =
        commands.stream()
            .flatMap(List::stream)
            .filter(Command.Product.class::isInstance)
            .map(Command.Product.class::cast)
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
      case Command.Product product -> libraries.matrices().orElseThrow().prepare(product);
      case Command.FusedAttention fused -> libraries.attention().orElseThrow().prepare(fused);
      case Command.Launch launch -> modules.prepare(launch);
    };
  }

  /** Has no kernel of a later version that the driver does not take. */
  private void stepDown(Plan plan) {
    while (driver.runs()) {
      Optional<Command.Launch> refused =
          commands(plan, planned(plan), planned()).stream()
              .flatMap(List::stream)
              .flatMap(
                  command ->
                      command instanceof Command.Launch launch
                          ? Stream.of(launch)
                          : Stream.<Command.Launch>empty())
              .filter(launch -> MatrixKernels.LATER_FILES.contains(launch.file()))
              .filter(launch -> modules.refusal(launch).isPresent())
              .findFirst();
      if (refused.isEmpty()) {
        return;
      }
      versions.stepDown(refused.get().kernel(), modules.refusal(refused.get()).orElseThrow());
    }
  }

  /** A dry run, to learn how much there must be of what. */
  private Workspace measured(Plan plan) {
    Workspace workspace = planned();
    commands(plan, planned(plan), workspace);
    return workspace;
  }

  private static Workspace planned() {
    int arenas = Arena.values().length;
    return new Workspace((arenas + 1) * PLANNED_ARENA, (arenas + 2) * PLANNED_ARENA);
  }

  private static ToLongFunction<Tensor> planned(Plan plan) {
    return tensor -> (tensor.arena().ordinal() + 1) * PLANNED_ARENA + plan.layout().offset(tensor);
  }

  private List<List<Command>> commands(
      Plan plan, ToLongFunction<Tensor> places, Workspace workspace) {
    return OpCommands.of(plan.ops(), context(plan, places, workspace));
  }

  private OpContext context(Plan plan, ToLongFunction<Tensor> places, Workspace workspace) {
    return new OpContext(
        places,
        workspace,
        versions,
        driver.hardware(),
        libraries,
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
          Workspace workspace = planned();
          List<ProgramCosts.Command> commands =
              PlanCosts.of(plan.ops(), context(plan, planned(plan), workspace));
          return Optional.of(
              new ProgramCosts(
                  commands, workspace.constantBytes() + workspace.scratchBytes(), CALLS));
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
            stepDown(plan);
            Workspace measured = measured(plan);
            constants += measured.constantBytes();
            shared = Math.max(shared, measured.scratchBytes());
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
