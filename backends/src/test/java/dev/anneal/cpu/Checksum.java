package dev.anneal.cpu;

import dev.anneal.device.Device;
import dev.anneal.device.DeviceOptions;
import dev.anneal.ops.OpCases;
import dev.anneal.plan.Tensor;
import java.util.zip.CRC32C;

/** Of the bits of all ops' results on the CPU, for a test to take at another vector width. */
final class Checksum {
  private Checksum() {}

  public static void main(String[] args) {
    System.out.println(ofAllOps());
  }

  static String ofAllOps() {
    CRC32C crc = new CRC32C();
    try (Device device = new CpuDevice(HostCpu.describe(), DeviceOptions.threads(2))) {
      OpCases.all()
          .forEach(
              run -> {
                var results = run.on(device);
                for (Tensor tensor : run.results()) {
                  for (float value : results.get(tensor)) {
                    int bits = Float.floatToRawIntBits(value);
                    for (int shift = 0; shift < 32; shift += 8) {
                      crc.update(bits >>> shift);
                    }
                  }
                }
              });
    }
    return Long.toHexString(crc.getValue());
  }
}
