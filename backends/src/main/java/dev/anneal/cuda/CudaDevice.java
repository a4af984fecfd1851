package dev.anneal.cuda;

import static java.util.Objects.requireNonNull;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.Memory;
import dev.anneal.device.Program;
import dev.anneal.failure.Failure;
import dev.anneal.plan.Arena;
import dev.anneal.plan.DType;
import dev.anneal.plan.Plan;
import dev.anneal.plan.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;

/** One NVIDIA GPU. */
final class CudaDevice implements Device {
  private final DeviceInfo info;
  private final CudaContext context;
  private final KernelModules modules;
  private final Optional<MatrixLibrary> library;
  private final KernelVersions versions;

  CudaDevice(
      DeviceInfo info,
      CudaContext context,
      KernelModules modules,
      Optional<MatrixLibrary> library,
      DeviceOptions options) {
    this.info = info;
    this.context = context;
    this.modules = modules;
    this.library = library;
    this.versions = new KernelVersions(library.map(MatrixLibrary::name));
    versions.choose(options.kernels());
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public Memory allocate(Arena arena, long bytes) {
    CudaMemory memory = context.allocate(arena.name().toLowerCase(Locale.ROOT), bytes);
    context.synchronize("clearing memory");
    return memory;
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
  public void chooseKernels(Map<String, Integer> chosen) {
    versions.choose(chosen);
  }

  @Override
  public Program compile(Plan plan, Map<Arena, Memory> memory) {
    return compile(
        plan,
        tensor ->
            cuda(requireNonNull(memory.get(tensor.arena()))).address()
                + plan.layout().offset(tensor));
  }

  /** A program for tensors that lie where {@code places} says. */
  Program compile(Plan plan, ToLongFunction<Tensor> places) {
    checkFormats(plan);
    context.enter();
    Workspace measured = measured(plan);
    CudaMemory own = context.allocate("workspace of " + plan.name(), measured.bytes());
    Workspace workspace = new Workspace(own.address(), measured.constantBytes());
    OpContext ops = new OpContext(places, workspace, versions);
    List<List<Command>> commands = OpCommands.of(plan.ops(), ops);
    try (var host = java.lang.foreign.Arena.ofConfined()) {
      for (Workspace.Constant constant : workspace.constants()) {
        context.copyIn(
            own.address() + constant.offset(),
            host.allocateFrom(ValueLayout.JAVA_LONG, constant.words()));
      }
    }
    context.synchronize("preparing " + plan.name());
    return new CudaProgram(plan, context, own, commands, this::prepare);
  }

  private PreparedCommand prepare(Command command) {
    return switch (command) {
      case Command.Clear clear -> PreparedCommand.of(clear);
      case Command.Product product -> library.orElseThrow().prepare(product);
      case Command.Launch launch ->
          PreparedCommand.of(
              launch,
              modules.function(launch.file(), DType.F32, launch.kernel(), launch.sharedBytes()));
    };
  }

  /** A dry run, to learn how much there must be of what. */
  private Workspace measured(Plan plan) {
    Workspace workspace = new Workspace(0, 0);
    OpCommands.of(plan.ops(), new OpContext(plan.layout()::offset, workspace, versions));
    return workspace;
  }

  private void checkFormats(Plan plan) {
    for (Tensor tensor : plan.tensors()) {
      if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.I32) {
        throw Failure.usage(
            "--dtype "
                + tensor.dtype().name().toLowerCase(Locale.ROOT)
                + ": "
                + info.name()
                + " has fp32 only so far");
      }
    }
  }

  @Override
  public long workspaceBytes(Plan plan) {
    return measured(plan).bytes();
  }

  @Override
  public void copyIn(Memory to, long offset, MemorySegment from) {
    context.copyIn(cuda(to).address() + offset, from);
  }

  @Override
  public void copyOut(Memory from, long offset, MemorySegment to) {
    context.copyOut(cuda(from).address() + offset, to);
  }

  private static CudaMemory cuda(Memory memory) {
    if (memory instanceof CudaMemory cuda) {
      return cuda;
    }
    throw new IllegalArgumentException("this memory is not a CUDA device's: " + memory);
  }

  @Override
  public void close() {
    context.enter();
    library.ifPresent(MatrixLibrary::close);
    modules.close();
    context.close();
  }
}
