package dev.anneal.opencl;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import dev.anneal.device.KernelFamily;
import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.launch.KernelVersions;
import dev.anneal.launch.Language;
import java.util.ArrayList;
import java.util.List;

/** All devices of all OpenCL platforms: GPUs of every vendor, and CPUs through PoCL. */
public final class OpenClBackend implements Backend {

  @Override
  public String name() {
    return "opencl";
  }

  @Override
  public Availability probe() {
    return switch (Platforms.search()) {
      case Platforms.Nothing(String reason) -> new Availability.Missing(reason);
      case Platforms.Found(List<DeviceHandle> handles) -> {
        List<DeviceInfo> devices = new ArrayList<>();
        for (DeviceHandle handle : handles) {
          devices.add(handle.describe(devices.size()));
        }
        yield new Availability.Available(devices);
      }
    };
  }

  @Override
  public List<LibraryInfo> libraries() {
    return OpenClLibraries.look();
  }

  @Override
  public List<KernelFamily> kernels() {
    return KernelVersions.everywhere(Language.OPENCL);
  }

  @Override
  public Device open(DeviceInfo device, DeviceOptions options) {
    if (Platforms.search() instanceof Platforms.Found(List<DeviceHandle> handles)
        && device.index() < handles.size()
        && handles.get(device.index()).describe(device.index()).name().equals(device.name())) {
      return new OpenClDevice(device, handles.get(device.index()), options);
    }
    throw new Failure(
        ExitCode.BACKEND,
        "opencl device "
            + device.index()
            + " ("
            + device.name()
            + ") is no longer there; `anneal backends` lists what is");
  }
}
