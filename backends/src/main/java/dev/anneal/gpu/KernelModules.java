package dev.anneal.gpu;

import dev.anneal.plan.DType;
import java.util.HashMap;
import java.util.Map;

/** The kernels that are loaded on one device; each file when it is first needed. */
final class KernelModules implements AutoCloseable {
  private record Key(String file, DType real) {}

  private final Driver driver;
  private final KernelImages images;
  private final Map<Key, Driver.Module> modules = new HashMap<>();

  KernelModules(Driver driver, KernelImages images) {
    this.driver = driver;
    this.images = images;
  }

  PreparedCommand prepare(Command.Launch launch) {
    return modules
        .computeIfAbsent(
            new Key(launch.file(), launch.real()),
            key -> driver.load(key.file(), images.image(key.file(), key.real())))
        .prepare(launch);
  }

  @Override
  public void close() {
    modules.values().forEach(Driver.Module::close);
    modules.clear();
  }
}
