package dev.anneal.gpu;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
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

/** One GPU, by its vendor's driver. */
public final class GpuDevice implements Device {
  /**
   * Enough logits at once to fill a GPU, and to hide that every chunk adds to all of the
   * embedding's gradient: for GPT-2 that is a tenth of what the products with a chunk read and
   * write.
   */
  private static final int CLASSIFIER_ROWS = 4096;

  private final DeviceInfo info;
  private final Driver driver;
  private final KernelModules modules;
  private final Libraries libraries;
  private final KernelVersions versions;
  private final SharedScratch scratch;

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
    this.info = info;
    this.driver = driver;
    this.modules = new KernelModules(driver, images);
    this.libraries = libraries;
    this.scratch = new SharedScratch(driver);
    this.versions =
        new KernelVersions(
            info.backend(),
            libraries.matrices().map(MatrixLibrary::name),
            libraries.attention().map(AttentionLibrary::name));
    versions.choose(options.kernels());
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
  public List<Rewrite> rewrites() {
    return List.of(new ChunkedClassifier(CLASSIFIER_ROWS));
  }

  @Override
  public List<String> notes() {
    return libraries.refusals();
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
    Workspace measured = measured(plan);
    ProgramMemory own = ProgramMemory.of(plan, measured, driver, scratch);
    try {
      Workspace workspace = new Workspace(own.constants().address(), own.scratch().address());
      List<List<Command>> commands = commands(plan, places, workspace);
      try (var host = java.lang.foreign.Arena.ofConfined()) {
        for (Workspace.Constant constant : workspace.constants()) {
          driver.copyIn(
              own.constants().address() + constant.offset(),
              host.allocateFrom(ValueLayout.JAVA_LONG, constant.words()));
        }
      }
      driver.synchronize("preparing " + plan.name());
      return new GpuProgram(plan, driver, own, commands, this::prepare);
    } catch (RuntimeException e) {
      own.close();
      throw e;
    }
  }

  private PreparedCommand prepare(Command command) {
    return switch (command) {
      case Command.Clear clear -> driver.prepare(clear);
      case Command.Product product -> libraries.matrices().orElseThrow().prepare(product);
      case Command.FusedAttention fused -> libraries.attention().orElseThrow().prepare(fused);
      case Command.Launch launch -> modules.prepare(launch);
    };
  }

  /** A dry run, to learn how much there must be of what. */
  private Workspace measured(Plan plan) {
    Workspace workspace = new Workspace(0, 0);
    commands(plan, plan.layout()::offset, workspace);
    return workspace;
  }

  private List<List<Command>> commands(
      Plan plan, ToLongFunction<Tensor> places, Workspace workspace) {
    return OpCommands.of(
        plan.ops(),
        new OpContext(
            places,
            workspace,
            versions,
            driver.hardware(),
            libraries,
            plan.multiplication(),
            DType.F32));
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
