package dev.anneal.opencl;

import dev.anneal.failure.Failure;
import dev.anneal.launch.Argument;
import dev.anneal.launch.Grid;
import dev.anneal.launch.Launch;
import dev.anneal.launch.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_context;
import org.jocl.cl_kernel;
import org.jocl.cl_mem;

/**
 * Runs each kernel once, in one work-group, on sizes of 1 and buffers that nobody needs: a driver
 * whose compiler wanted more registers or local memory than there are says so then, and not in the
 * middle of a step. CL_KERNEL_WORK_GROUP_SIZE alone does not tell: it is 32 in Mesa's rusticl,
 * which launches 1024.
 */
final class TrialLaunch implements KernelProbe, AutoCloseable {
  /** More than any kernel reaches in a tensor, an arena or a table when all sizes are 1. */
  private static final int BYTES = 1 << 19;

  private record Key(Source source, String kernel, int columns, int rows) {}

  private final OpenClDevice device;
  private final cl_context context;
  private final Map<Key, Optional<String>> known = new HashMap<>();

  /** One for each argument that is memory, of the kernel that has the most. */
  private final List<cl_mem> buffers = new ArrayList<>();

  TrialLaunch(OpenClDevice device, cl_context context) {
    this.device = device;
    this.context = context;
  }

  @Override
  public Optional<String> refusal(Launch launch) {
    Grid grid = launch.grid();
    return known.computeIfAbsent(
        new Key(Source.of(launch, device.limits()), launch.kernel(), grid.width(), grid.height()),
        key -> tried(launch));
  }

  private Optional<String> tried(Launch launch) {
    cl_kernel kernel;
    try {
      kernel = device.compiler().kernel(launch);
    } catch (Failure e) {
      return Optional.of(e.getMessage());
    }
    try {
      arguments(kernel, launch);
      long[] group = {launch.grid().width(), launch.grid().height()};
      CL.clEnqueueNDRangeKernel(device.queue(), kernel, 2, null, group, group, 0, null, null);
      CL.clFinish(device.queue());
      return Optional.empty();
    } catch (CLException e) {
      device.requireAlive("trying " + launch.kernel(), e);
      return Optional.of(String.valueOf(e.getMessage()));
    } finally {
      CL.clReleaseKernel(kernel);
    }
  }

  private void arguments(cl_kernel kernel, Launch launch) {
    int memories = 0;
    int index = 0;
    for (Argument argument : launch.arguments()) {
      switch (argument) {
        case Place.Data ignored -> index = place(kernel, index, memories++);
        case Place.Activations ignored -> index = place(kernel, index, memories++);
        case Place.Scratch ignored -> index = place(kernel, index, memories++);
        case Place.ArenaOf ignored -> index = memory(kernel, index, memories++);
        case Place.Tiles ignored -> index = memory(kernel, index, memories++);
        case Place.Table ignored -> throw new IllegalArgumentException(launch.kernel());
        case Place.At ignored -> throw new IllegalArgumentException(launch.kernel());
        case Argument.I32 ignored ->
            CL.clSetKernelArg(kernel, index++, Sizeof.cl_int, Pointer.to(new int[] {1}));
        case Argument.I64 ignored ->
            CL.clSetKernelArg(kernel, index++, Sizeof.cl_ulong, Pointer.to(new long[] {1}));
        case Argument.F32(float value) ->
            CL.clSetKernelArg(kernel, index++, Sizeof.cl_float, Pointer.to(new float[] {value}));
      }
    }
  }

  private int place(cl_kernel kernel, int index, int which) {
    int next = memory(kernel, index, which);
    CL.clSetKernelArg(kernel, next, Sizeof.cl_ulong, Pointer.to(new long[] {0}));
    return next + 1;
  }

  /** Zeros, also for token ids and tables, which another trial may have written over. */
  private int memory(cl_kernel kernel, int index, int which) {
    while (buffers.size() <= which) {
      buffers.add(CL.clCreateBuffer(context, CL.CL_MEM_READ_WRITE, BYTES, null, null));
    }
    cl_mem buffer = buffers.get(which);
    CL.clEnqueueFillBuffer(
        device.queue(), buffer, Pointer.to(new int[] {0}), Integer.BYTES, 0, BYTES, 0, null, null);
    CL.clSetKernelArg(kernel, index, Sizeof.cl_mem, Pointer.to(buffer));
    return index + 1;
  }

  @Override
  public void close() {
    buffers.forEach(CL::clReleaseMemObject);
    buffers.clear();
  }
}
