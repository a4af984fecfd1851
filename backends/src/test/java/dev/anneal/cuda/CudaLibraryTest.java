package dev.anneal.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.LibraryInfo;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Where NVIDIA's libraries are looked for. */
@ResourceLock("double of CUDA")
class CudaLibraryTest {
  @TempDir private Path root;

  @BeforeEach
  void resolve() throws IOException {
    root = root.toRealPath();
  }

  /** An environment with a python3 in it, as venv and conda make one. */
  private Path environment(String name) throws IOException {
    Path home = root.resolve(name);
    Path bin = Files.createDirectories(home.resolve("bin"));
    Files.writeString(bin.resolve("python3"), "#!/bin/sh\n");
    assertTrue(bin.resolve("python3").toFile().setExecutable(true));
    return home;
  }

  private static Path wheel(Path home, String component) throws IOException {
    return Files.createDirectories(
        home.resolve("lib/python3.12/site-packages/nvidia/" + component + "/lib"));
  }

  private static List<Path> folders(Map<String, String> environment) {
    return CudaLibrary.locator(environment).folders();
  }

  @Test
  void theFirstPythonOnThePathIsLookedInto() throws IOException {
    Path first = environment("opt/env");
    Path second = environment("usr");
    List<Path> wheels = List.of(wheel(first, "cu13"), wheel(first, "cudnn"), wheel(first, "nccl"));
    Path other = wheel(second, "cudnn");
    Path none = Files.createDirectories(root.resolve("none"));
    List<Path> found =
        folders(Map.of("PATH", none + "::" + first.resolve("bin") + ":" + second.resolve("bin")));
    assertTrue(found.containsAll(wheels), found::toString);
    assertTrue(!found.contains(other), found::toString);
    assertTrue(found.contains(first.resolve("lib")), found::toString);
    assertTrue(found.contains(first.resolve("targets/x86_64-linux/lib")), found::toString);
  }

  /** A link to an environment's python3 leads to the environment. */
  @Test
  void aLinkIsFollowed() throws IOException {
    Path real = environment("conda");
    Path wheel = wheel(real, "cublas");
    Path bin = Files.createDirectories(root.resolve("home/bin"));
    Files.createSymbolicLink(bin.resolve("python3"), real.resolve("bin/python3"));
    assertTrue(folders(Map.of("PATH", bin.toString())).contains(wheel));
  }

  @Test
  void aShimOfPyenvsLeadsToItsVersions() throws IOException {
    Path pyenv = environment("pyenv");
    Files.move(pyenv.resolve("bin"), pyenv.resolve("shims"));
    Path older = wheel(pyenv.resolve("versions/3.9.18"), "cudnn");
    Path newer = wheel(pyenv.resolve("versions/3.12.1"), "cudnn");
    List<Path> found = folders(Map.of("PATH", pyenv.resolve("shims").toString()));
    assertTrue(
        found.indexOf(newer) >= 0 && found.indexOf(newer) < found.indexOf(older), found + "");
  }

  @Test
  void theActiveEnvironmentComesBeforeThePath() throws IOException {
    Path active = environment("active");
    Path onPath = environment("path");
    Path expected = wheel(active, "cudnn");
    Path later = wheel(onPath, "cudnn");
    for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      List<Path> found =
          folders(Map.of(variable, active.toString(), "PATH", onPath.resolve("bin").toString()));
      assertTrue(found.indexOf(expected) >= 0, found::toString);
      assertTrue(found.indexOf(expected) < found.indexOf(later), found::toString);
    }
  }

  @Test
  void whatTheUserNamesComesBeforeTheLoadersPath() throws IOException {
    Path own = Files.createDirectories(root.resolve("own/lib"));
    Path libc = Path.of(LibraryLocator.loaded("libc.so.6").orElseThrow());
    Files.copy(libc, own.resolve("libm.so.6"));
    LibraryLocator locator =
        CudaLibrary.locator(Map.of("ANNEAL_CUDA_PATH", root.resolve("own").toString()));
    assertEquals(
        own.resolve("libm.so.6").toString(),
        locator.find(List.of("libm.so.6"), "").orElseThrow().path());
    assertTrue(locator.searched().startsWith("ANNEAL_CUDA_PATH, "));
  }

  @Test
  void theNewestByNumberComesFirst() throws IOException {
    for (String name : List.of("cuda-9.2", "cuda-13.1", "cuda-12", "cuda-13.0")) {
      Files.createDirectories(root.resolve(name));
    }
    assertEquals(
        List.of("cuda-13.1", "cuda-13.0", "cuda-12", "cuda-9.2"),
        LibraryLocator.newest(root, "cuda-*").stream()
            .map(path -> path.getFileName().toString())
            .toList());
  }

  @Test
  void whatWasTriedIsListed() throws IOException {
    Path python = environment("env");
    Files.createDirectories(python.resolve("lib/python3.12/site-packages"));
    Map<String, String> environment =
        Map.of(
            "PATH", python.resolve("bin").toString(),
            "ANNEAL_CUDA_PATH", root.resolve("nowhere").toString());
    LibraryInfo.Missing missing =
        (LibraryInfo.Missing)
            new LibrarySearch(CudaLibrary.locator(environment))
                .describe(List.of("libannealnone.so.1"), Optional.empty(), found -> null);
    List<String> tried = missing.searched();
    assertTrue(tried.contains(root.resolve("nowhere/lib64") + " (no such folder)"), tried + "");
    assertTrue(
        tried.contains(python.resolve("lib/python3.12/site-packages/nvidia") + " (no such folder)"),
        tried + "");
  }
}
