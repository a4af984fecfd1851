package dev.anneal.opencl;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.device.DeviceOptions;
import dev.anneal.plan.ArenaLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The first OpenCL device here, or what it would be like if it were another.
 *
 * @param subGroups how its work-items exchange numbers; its own where nothing is said
 * @param matrixUnits as it has them; its own where nothing is said
 * @param gpu whether it takes the versions for GPUs
 * @param most bytes of one buffer
 * @param block bytes at whose multiples arenas can be cut
 * @param pace by which launches are cut; its own where none is given
 * @param probe of kernels; its own where none is given
 * @param buildOptions of all kernels
 */
record FirstDevice(
    Path cache,
    boolean gpu,
    Optional<SubGroups> subGroups,
    Optional<MatrixUnits> matrixUnits,
    long most,
    long block,
    Optional<Pace> pace,
    Optional<KernelProbe> probe,
    String buildOptions) {

  /** As it is, with the binaries that other tests left. */
  static FirstDevice here() {
    return in(CacheDirectory.ofUser("opencl").directory());
  }

  /** As it is. */
  static FirstDevice in(Path cache) {
    return new FirstDevice(
        cache,
        false,
        Optional.empty(),
        Optional.empty(),
        Long.MAX_VALUE,
        ArenaLayout.BLOCK,
        Optional.empty(),
        Optional.empty(),
        "");
  }

  /** With kernels as they are written: compilers take several times as long to make them fast. */
  FirstDevice plainly() {
    return new FirstDevice(
        cache, gpu, subGroups, matrixUnits, most, block, pace, probe, "-cl-opt-disable");
  }

  FirstDevice asGpu() {
    return new FirstDevice(
        cache, true, subGroups, matrixUnits, most, block, pace, probe, buildOptions);
  }

  FirstDevice with(SubGroups other) {
    return new FirstDevice(
        cache, gpu, Optional.of(other), matrixUnits, most, block, pace, probe, buildOptions);
  }

  FirstDevice with(MatrixUnits other) {
    return new FirstDevice(
        cache, gpu, subGroups, Optional.of(other), most, block, pace, probe, buildOptions);
  }

  FirstDevice with(Pace other) {
    return new FirstDevice(
        cache, gpu, subGroups, matrixUnits, most, block, Optional.of(other), probe, buildOptions);
  }

  FirstDevice with(KernelProbe other) {
    return new FirstDevice(
        cache, gpu, subGroups, matrixUnits, most, block, pace, Optional.of(other), buildOptions);
  }

  FirstDevice giving(long bytes, long inBlocks) {
    return new FirstDevice(
        cache, gpu, subGroups, matrixUnits, bytes, inBlocks, pace, probe, buildOptions);
  }

  OpenClDevice open() {
    if (Platforms.search() instanceof Platforms.Found(List<DeviceHandle> handles)) {
      DeviceHandle handle = handles.getFirst();
      DeviceLimits limits = limits(handle.limits());
      return new OpenClDevice(
          InstalledDevices.all().getFirst(),
          new DeviceHandle(handle.platform(), handle.device(), limits, buildOptions),
          DeviceOptions.defaults(),
          new CacheDirectory(cache),
          probe,
          block,
          pace.orElse(Pace.of(limits)));
    }
    throw new IllegalStateException("the devices went away");
  }

  private DeviceLimits limits(DeviceLimits l) {
    return new DeviceLimits(
        l.name(),
        l.vendor(),
        l.version(),
        l.driver(),
        !gpu && l.vectors(),
        l.computeUnits(),
        l.megahertz(),
        l.workGroup(),
        l.localBytes(),
        l.memoryBytes(),
        Math.min(most, l.allocationBytes()),
        l.roundsDivision(),
        subGroups.orElse(l.subGroups()),
        matrixUnits.orElse(l.matrixUnits()));
  }
}
