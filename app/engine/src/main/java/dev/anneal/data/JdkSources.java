package dev.anneal.data;

import static dev.anneal.failure.Spelling.setting;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.failure.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A corpus that every JDK has on disk: the sources of its class library, from {@code lib/src.zip},
 * or where that is missing, the licence texts in {@code legal}.
 *
 * @param description which of the two, and how much of it
 * @param documents one per file, in the order of their names
 */
public record JdkSources(String description, List<String> documents) {
  /** Bytes that are enough: more than a small model sees in three minutes. */
  public static final long ENOUGH = 12_000_000;

  private static final String PREFIX = "java.base/java/";

  public JdkSources {
    documents = List.copyOf(documents);
  }

  /** From the JDK that runs this program; at most {@code maximumBytes} of it. */
  public static JdkSources ofThisJdk(long maximumBytes) {
    return of(Path.of(System.getProperty("java.home")), maximumBytes);
  }

  /**
   * From the JDK at {@code home}: files in the order of their names until the next would exceed
   * {@code maximumBytes}.
   *
   * @throws Failure when it has neither sources nor licences
   */
  public static JdkSources of(Path home, long maximumBytes) {
    Path zip = home.resolve("lib").resolve("src.zip");
    try {
      if (Files.isRegularFile(zip)) {
        return fromZip(zip, maximumBytes);
      }
      Path legal = home.resolve("legal");
      if (Files.isDirectory(legal)) {
        return fromDirectory(
            legal, "licence texts of " + legal + " (there is no " + zip + ")", maximumBytes);
      }
    } catch (ZipException e) {
      throw Failure.failed(
          zip + " is damaged; install the JDK again, or give " + setting("data") + " FILE");
    } catch (IOException e) {
      throw FileFailures.cannotRead(zip, e);
    }
    throw Failure.failed(
        home
            + " has neither lib/src.zip nor legal, so it is no JDK; give "
            + setting("data")
            + " FILE");
  }

  /** Gives the text of one file; files beyond the cap are never read. */
  @FunctionalInterface
  private interface Document {
    String read() throws IOException;
  }

  private static JdkSources capped(String name, List<Document> documents, long maximumBytes)
      throws IOException {
    List<String> kept = new ArrayList<>();
    long bytes = 0;
    for (Document document : documents) {
      String text = document.read();
      bytes += text.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > maximumBytes) {
        break;
      }
      kept.add(text);
    }
    if (kept.isEmpty()) {
      throw Failure.failed("no file of the " + name + " fits in " + maximumBytes + " bytes");
    }
    return new JdkSources(
        "%d of %d files of the %s".formatted(kept.size(), documents.size(), name), kept);
  }

  private static JdkSources fromZip(Path zip, long maximumBytes) throws IOException {
    try (ZipFile file = new ZipFile(zip.toFile())) {
      List<Document> documents =
          file.stream()
              .filter(e -> e.getName().startsWith(PREFIX) && e.getName().endsWith(".java"))
              .sorted(Comparator.comparing(ZipEntry::getName))
              .map(entry -> (Document) () -> withoutLicence(utf8(file, entry)))
              .toList();
      return capped("Java sources of " + zip, documents, maximumBytes);
    }
  }

  private static String utf8(ZipFile file, ZipEntry entry) throws IOException {
    try (InputStream in = file.getInputStream(entry)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Without the comment that opens almost every file, which is the same in all of them. */
  static String withoutLicence(String source) {
    String text = source.replace("\r\n", "\n").stripLeading();
    int end = text.indexOf("*/");
    if (!text.startsWith("/*") || end < 0 || !text.substring(0, end).contains("Copyright")) {
      return text;
    }
    return text.substring(end + 2).stripLeading();
  }

  private static JdkSources fromDirectory(Path legal, String name, long maximumBytes)
      throws IOException {
    List<Document> documents = new ArrayList<>();
    // A module without licences of its own has a copy of, or a link to, java.base's.
    Set<String> seen = new HashSet<>();
    for (Path file : files(legal)) {
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      if (!text.isBlank() && seen.add(text)) {
        documents.add(() -> text);
      }
    }
    return capped(name, documents, maximumBytes);
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      return paths
          .filter(path -> Files.isRegularFile(path))
          .sorted(Comparator.comparing(path -> directory.relativize(path).toString()))
          .toList();
    }
  }
}
