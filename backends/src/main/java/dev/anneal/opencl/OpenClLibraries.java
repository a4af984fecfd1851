package dev.anneal.opencl;

import dev.anneal.device.LibraryInfo;
import dev.anneal.gpu.LibraryLocator;
import dev.anneal.gpu.LibrarySearch;
import dev.anneal.gpu.SharedLibrary;
import java.nio.charset.StandardCharsets;
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
  private OpenClLibraries() {}

  static List<LibraryInfo> look() {
    // Has the loader open the drivers.
    Platforms.search();
    LibraryLocator locator = new LibraryLocator(List.of(), "the loader's path");
    // Its first name on this system.
    List<String> names = OpenClLoader.names().subList(0, 1);
    Optional<SharedLibrary> loader = locator.find(names, "");
    List<LibraryInfo> all = new ArrayList<>();
    all.add(new LibrarySearch(locator).describe(names, loader, found -> Optional.empty()));
    if (loader.isPresent()) {
      all.addAll(drivers());
      // Counting platforms would have the loader open the driver that it falls over.
      if (Platforms.danger().isEmpty()) {
        all.addAll(platforms());
      }
    }
    return all;
  }

  private static List<LibraryInfo> drivers() {
    Path vendors = IcdFile.vendors();
    List<IcdFile> files = IcdFile.in(vendors);
    return files.isEmpty()
        ? List.of(
            new LibraryInfo.Missing(
                "drivers", "no .icd file names one", List.of(vendors.toString())))
        : files.stream().map(OpenClLibraries::driver).toList();
  }

  private static LibraryInfo driver(IcdFile icd) {
    String name = icd.library().orElse(icd.path().toString());
    return icd.library()
        .flatMap(LibraryLocator::loaded)
        .<LibraryInfo>map(path -> new LibraryInfo.Found(name, Optional.of(path), Optional.empty()))
        .orElseGet(
            () ->
                new LibraryInfo.Missing(
                    name,
                    icd.problem().orElse("it loads, but offers no platform"),
                    List.of(icd.path().toString())));
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

  static String name(cl_platform_id platform) {
    return text(platform, CL.CL_PLATFORM_NAME);
  }

  private static String text(cl_platform_id platform, int what) {
    long[] size = {0};
    CL.clGetPlatformInfo(platform, what, 0, null, size);
    byte[] bytes = new byte[(int) size[0]];
    CL.clGetPlatformInfo(platform, what, bytes.length, Pointer.to(bytes), null);
    return new String(bytes, 0, Math.max(0, bytes.length - 1), StandardCharsets.UTF_8).strip();
  }
}
