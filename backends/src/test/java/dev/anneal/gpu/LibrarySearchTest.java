package dev.anneal.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.anneal.device.LibraryInfo;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of a library that is not to be had. */
class LibrarySearchTest {
  private static final List<String> SONAMES = List.of("libannealnone.so.13", "libannealnone.so.12");
  @TempDir private Path folder;

  private LibraryInfo.Missing missing() {
    LibraryLocator locator =
        new LibraryLocator(List.of(folder, folder.resolve("nowhere")), "two folders");
    return (LibraryInfo.Missing)
        new LibrarySearch(locator)
            .describe(SONAMES, locator.find(SONAMES, ""), found -> Optional.empty());
  }

  @Test
  void thereIsNone() {
    assertEquals("libannealnone", missing().name());
    assertEquals("no libannealnone.so.13 or libannealnone.so.12", missing().reason());
    List<String> searched = missing().searched();
    assertTrue(searched.contains("the loader's path"), searched + "");
    assertTrue(searched.contains(folder.toString()), searched + "");
    assertTrue(searched.contains(folder.resolve("nowhere") + " (no such folder)"), searched + "");
  }

  @Test
  void thereIsAnotherVersion() throws IOException {
    Path old = Files.writeString(folder.resolve("libannealnone.so.8"), "");
    assertTrue(missing().reason().endsWith("; " + old + " is of another version"));
  }

  @Test
  void thereIsOneThatIsNoLibrary() throws IOException {
    Path broken = Files.writeString(folder.resolve("libannealnone.so.12"), "no library at all");
    assertTrue(missing().reason().startsWith(broken + " does not load: "), missing().reason());
  }

  @Test
  void thereIsOneThatIsOfNoUse() {
    LibraryLocator locator = new LibraryLocator(List.of(), "nothing");
    LibraryInfo c =
        new LibrarySearch(locator)
            .describe(
                List.of("libc.so.6"),
                locator.find(List.of("libc.so.6"), ""),
                found -> {
                  throw Failure.failed(found.soname() + " is too old");
                });
    assertEquals("libc.so.6 is too old", ((LibraryInfo.Missing) c).reason());
  }
}
