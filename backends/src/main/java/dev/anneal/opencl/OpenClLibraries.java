package dev.anneal.opencl;

import dev.anneal.device.LibraryInfo;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.SharedLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jocl.CL;
import org.jocl.CLException;
import org.jocl.Pointer;
import org.jocl.cl_platform_id;

/**
 * What OpenCL is made of here: the loader, the vendors' drivers that {@code .icd} files name, and
 * the platforms that these turned out to be.
 */
final class OpenClLibraries {
  private static final List<String> LOADER = List.of("libOpenCL.so.1");
  private static final String VENDORS = "/etc/OpenCL/vendors";

  private OpenClLibraries() {}

  static List<LibraryInfo> look() {
    // Has the loader open the drivers.
    Platforms.search();
    LibraryLocator locator = new LibraryLocator(List.of(), "the loader's path");
    Optional<SharedLibrary> loader = locator.find(LOADER, "");
    List<LibraryInfo> all = new ArrayList<>();
    all.add(new LibrarySearch(locator).describe(LOADER, loader, found -> Optional.empty()));
    if (loader.isPresent()) {
      all.addAll(drivers());
      all.addAll(platforms());
    }
    return all;
  }

  /** Where the loader's drivers are listed: both loaders in use have a variable for it. */
  private static Path vendors() {
    for (String variable : List.of("OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH")) {
      Optional<String> path = LibraryLocator.value(System.getenv(), variable);
      if (path.isPresent()) {
        return Path.of(path.get());
      }
    }
    return Path.of(VENDORS);
  }

  private static List<LibraryInfo> drivers() {
    Path vendors = vendors();
    List<Path> files =
        Files.isRegularFile(vendors) ? List.of(vendors) : LibraryLocator.children(vendors, "*.icd");
    return files.isEmpty()
        ? List.of(
            new LibraryInfo.Missing(
                "drivers", "no .icd file names one", List.of(vendors.toString())))
        : files.stream().map(OpenClLibraries::driver).toList();
  }

  private static LibraryInfo driver(Path icd) {
    String library;
    try {
      library = Files.readString(icd).strip();
    } catch (IOException e) {
      return new LibraryInfo.Missing(icd.toString(), "it cannot be read", List.of());
    }
    return LibraryLocator.loaded(library)
        .<LibraryInfo>map(
            path -> new LibraryInfo.Found(library, Optional.of(path), Optional.empty()))
        .orElseGet(
            () ->
                new LibraryInfo.Missing(
                    library,
                    LibrarySearch.refusal(library).orElse("it loads, but offers no platform"),
                    List.of(icd.toString())));
  }

  private static List<LibraryInfo> platforms() {
    try {
      JoclLibrary.load();
      int[] count = {0};
      CL.clGetPlatformIDs(0, null, count);
      cl_platform_id[] platforms = new cl_platform_id[count[0]];
      CL.clGetPlatformIDs(platforms.length, platforms, null);
      List<LibraryInfo> all = new ArrayList<>();
      for (cl_platform_id platform : platforms) {
        all.add(
            new LibraryInfo.Found(
                "platform " + text(platform, CL.CL_PLATFORM_NAME),
                Optional.empty(),
                Optional.of(text(platform, CL.CL_PLATFORM_VERSION))));
      }
      return all;
    } catch (CLException | UnsatisfiedLinkError | UnsupportedOperationException e) {
      return List.of(
          new LibraryInfo.Missing("platforms", String.valueOf(e.getMessage()), List.of()));
    }
  }

  private static String text(cl_platform_id platform, int what) {
    long[] size = {0};
    CL.clGetPlatformInfo(platform, what, 0, null, size);
    byte[] bytes = new byte[(int) size[0]];
    CL.clGetPlatformInfo(platform, what, bytes.length, Pointer.to(bytes), null);
    return new String(bytes, 0, Math.max(0, bytes.length - 1), StandardCharsets.UTF_8).strip();
  }
}
