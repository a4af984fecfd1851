package dev.anneal.cpu;

import dev.anneal.device.Availability;
import dev.anneal.device.Backend;
import dev.anneal.device.Device;
import dev.anneal.device.DeviceInfo;
import dev.anneal.device.DeviceOptions;
import java.util.List;

/** The CPU that this process runs on: always there, and the reference for every other backend. */
public final class CpuBackend implements Backend {

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public Availability probe() {
    return new Availability.Available(List.of(HostCpu.describe()));
  }

  @Override
  public Device open(DeviceInfo device, DeviceOptions options) {
    return new CpuDevice(device, options);
  }
}
