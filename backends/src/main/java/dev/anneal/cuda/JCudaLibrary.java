package dev.anneal.cuda;

import static java.util.Objects.requireNonNull;

import dev.anneal.cache.TemporaryFolder;
import dev.anneal.failure.ExitCode;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;

/**
 * Loads JCuda's own library. JCuda unpacks it to a fixed name in {@code java.io.tmpdir} without a
 * lock, and processes that start together, as under mpirun, can map a half-written file and die. So
 * it is unpacked here, beside and then renamed, into our cache, and JCuda is pointed there.
 */
final class JCudaLibrary {
  private static final String VERSION = "12.6.0";
  private static boolean loaded;

  private JCudaLibrary() {}

  static synchronized void load(Path cache) {
    if (loaded) {
      return;
    }
    String file = LibUtils.createLibraryFileName("JCudaDriver-" + VERSION + "-linux-x86_64");
    try {
      TemporaryFolder.during(unpack(file, cache), () -> JCudaDriver.setExceptionsEnabled(false));
      loaded = true;
    } catch (IOException e) {
      throw new Failure(
          ExitCode.BACKEND,
          "cannot unpack " + file + ": " + e.getMessage() + "; is there room?",
          e);
    } catch (LinkageError e) {
      throw new Failure(
          ExitCode.BACKEND, file + " cannot be loaded: " + firstLine(String.valueOf(e)), e);
    }
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse(text);
  }

  private static Path unpack(String file, Path cache) throws IOException {
    try (InputStream in =
        requireNonNull(LibUtils.class.getResourceAsStream("/lib/" + file), file)) {
      byte[] bytes = in.readAllBytes();
      Path folder = writable(cache.resolve("jcuda-" + VERSION));
      Path target = folder.resolve(file);
      if (!Files.exists(target) || Files.size(target) != bytes.length) {
        Path beside = Files.createTempFile(folder, file, ".part");
        Files.write(beside, bytes);
        Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
      }
      return folder;
    }
  }

  private static Path writable(Path folder) throws IOException {
    try {
      Path created = Files.createDirectories(folder);
      if (Files.isWritable(created)) {
        return created;
      }
    } catch (IOException e) {
      return Files.createTempDirectory("anneal-jcuda");
    }
    return Files.createTempDirectory("anneal-jcuda");
  }
}
