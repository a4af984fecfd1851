package dev.anneal.opencl;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.cache.TemporaryFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jocl.CL;
import org.jocl.LibUtils;

/**
 * Loads JOCL's native library. JOCL unpacks it to a fixed name in java.io.tmpdir without a lock or
 * a rename, and processes that start together crash on each other's half-written file. So we unpack
 * it first, whole, into a directory of this user, where JOCL finds it and leaves it alone.
 */
final class JoclLibrary {
  private static final String VERSION = "JOCL_2_0_6";

  private static boolean loaded;

  private JoclLibrary() {}

  /**
   * Loads the library, once.
   *
   * @throws UnsatisfiedLinkError when it or OpenCL's loader cannot be loaded
   */
  static synchronized void load() {
    if (loaded) {
      return;
    }
    // When JOCL finds none, it says so on standard output.
    if (OpenClLoader.refusal().isPresent()) {
      throw new UnsatisfiedLinkError("none of " + OpenClLoader.names() + " loads");
    }
    try {
      TemporaryFolder.during(unpack(), () -> CL.setExceptionsEnabled(true));
    } catch (ExceptionInInitializerError | NoClassDefFoundError e) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError("JOCL: " + e.getMessage());
      error.initCause(e);
      throw error;
    }
    loaded = true;
  }

  /** The directory that holds the unpacked library. */
  private static Path unpack() {
    String file = LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName(VERSION));
    byte[] library;
    try (InputStream in = CL.class.getResourceAsStream("/lib/" + file)) {
      if (in == null) {
        throw new UnsatisfiedLinkError("JOCL has no library " + file);
      }
      library = in.readAllBytes();
    } catch (IOException e) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError(file);
      error.initCause(e);
      throw error;
    }
    CacheDirectory cache = CacheDirectory.ofUser("opencl");
    boolean there = cache.read(file).filter(old -> Arrays.equals(old, library)).isPresent();
    return there || cache.write(file, library) ? cache.directory() : privately(file, library);
  }

  /** For a user without a cache: a directory of this process alone. */
  private static Path privately(String file, byte[] library) {
    try {
      Path directory = Files.createTempDirectory("anneal-jocl");
      Path path = Files.write(directory.resolve(file), library);
      directory.toFile().deleteOnExit();
      path.toFile().deleteOnExit();
      return directory;
    } catch (IOException e) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError(file);
      error.initCause(e);
      throw error;
    }
  }
}
