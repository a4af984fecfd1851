package dev.anneal.cuda;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import dev.anneal.gpu.PreparedCommand;
import dev.anneal.gpu.TrialMemory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Whether an engine gives the same bits every time, decided by running it on random numbers: what
 * the library notes of an engine says less than that, and sometimes more. What was found is kept on
 * disk.
 *
 * @param cache where it is kept
 * @param where the device and its driver, on which it depends
 */
record CudnnTrial(CudaDriver driver, CacheDirectory cache, String where) {
  private static final String YES = "same bits";
  private static final String NO = "other bits";

  /** An engine, and how it is run on some numbers. */
  interface Run {
    /** Everything that one run is, in order. */
    List<PreparedCommand> on(TrialMemory memory);
  }

  /**
   * Whether {@code run} gives equal bits {@code times} times; nothing when there is no memory to
   * try.
   *
   * @param engine which one this is, of which version, for which graph
   */
  Optional<Boolean> repeats(String engine, int times, Run run) {
    String key = "engine-" + CacheDirectory.key(where, engine, times + "");
    Optional<String> known =
        cache.read(key).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    if (known.isPresent()) {
      return known.map(YES::equals);
    }
    try (TrialMemory memory = new TrialMemory(driver)) {
      boolean same = same(memory, times, run.on(memory));
      cache.write(key, (same ? YES : NO).getBytes(StandardCharsets.UTF_8));
      return Optional.of(same);
    } catch (Failure e) {
      if (e.exitCode() == ExitCode.BACKEND) {
        throw e;
      }
      return Optional.empty();
    }
  }

  /** What was kept of something else that was tried. */
  Optional<String> known(String about) {
    return cache.read(key(about)).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  void keep(String about, String found) {
    cache.write(key(about), found.getBytes(StandardCharsets.UTF_8));
  }

  private String key(String about) {
    return "fastest-" + CacheDirectory.key(where, about);
  }

  private boolean same(TrialMemory memory, int times, List<PreparedCommand> commands) {
    List<Long> first = List.of();
    for (int i = 0; i < times; i++) {
      commands.forEach(PreparedCommand::enqueue);
      driver.synchronize("trying an engine of cuDNN");
      List<Long> bits = memory.bits();
      if (i == 0) {
        first = bits;
      } else if (!first.equals(bits)) {
        return false;
      }
    }
    return true;
  }
}
