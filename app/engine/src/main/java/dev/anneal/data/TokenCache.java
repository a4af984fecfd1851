package dev.anneal.data;

import dev.anneal.cache.CacheDirectory;
import dev.anneal.checkpoint.FileFailures;
import dev.anneal.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What was found out about large texts, in {@code ${XDG_CACHE_HOME:-~/.cache}/anneal/tokens}: their
 * tokens, or, where the text itself will do, its fingerprint. A name says of which files, with
 * their sizes and times, and how they were read. What was not used the longest is deleted beyond
 * {@link #LIMIT}; all of it may be deleted at any time.
 */
record TokenCache(CacheDirectory directory) {
  /** Bytes that are kept, beside the newest file. */
  static final long LIMIT = 32L << 30;

  private static final String TOKENS = ".tokens";
  private static final String PART = ".part";
  private static final Duration ABANDONED = Duration.ofHours(12);

  static TokenCache ofUser() {
    return new TokenCache(CacheDirectory.ofUser("tokens"));
  }

  private Path tokens(String key) {
    return directory.directory().resolve(key + TOKENS);
  }

  Optional<TextCorpus> find(String key, String name, Tokenizer tokenizer) {
    Path path = tokens(key);
    if (!Files.isRegularFile(path) || !Files.isReadable(path)) {
      return Optional.empty();
    }
    touch(path);
    return TokenFile.open(path, name, tokenizer);
  }

  private static void touch(Path path) {
    try {
      Files.setLastModifiedTime(path, FileTime.from(Instant.now()));
    } catch (IOException e) {
      // Then it is deleted earlier than others.
    }
  }

  /** A name for a new file of this cache; empty when it cannot be written to. */
  Optional<Path> beside(String key) {
    try {
      Files.createDirectories(directory.directory());
      deleteAbandoned();
      Path path = Files.createTempFile(directory.directory(), key, PART);
      Files.delete(path);
      // Also when its writer is interrupted.
      path.toFile().deleteOnExit();
      return Optional.of(path);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Makes a file from {@link #beside} the one that is found by its key. */
  Path keep(Path beside, String key) {
    Path path = tokens(key);
    try {
      Files.move(beside, path, StandardCopyOption.ATOMIC_MOVE);
      deleteOldest(path);
      return path;
    } catch (IOException e) {
      throw FileFailures.cannotWrite(path, e);
    }
  }

  private List<Path> files(String ending) throws IOException {
    try (Stream<Path> all = Files.list(directory.directory())) {
      return all.filter(path -> path.toString().endsWith(ending)).toList();
    }
  }

  /** Who was killed while writing left these. */
  private void deleteAbandoned() throws IOException {
    Instant before = Instant.now().minus(ABANDONED);
    for (Path part : files(PART)) {
      if (Files.getLastModifiedTime(part).toInstant().isBefore(before)) {
        Files.deleteIfExists(part);
      }
    }
  }

  private record Used(Path path, long bytes, FileTime time) {}

  private void deleteOldest(Path newest) throws IOException {
    List<Used> used = new ArrayList<>();
    for (Path path : files(TOKENS)) {
      used.add(new Used(path, Files.size(path), Files.getLastModifiedTime(path)));
    }
    used.sort(Comparator.comparing(Used::time).reversed());
    long kept = 0;
    for (Used file : used) {
      kept += file.bytes();
      if (kept > LIMIT && !file.path().equals(newest)) {
        // Who reads it now goes on reading it.
        Files.deleteIfExists(file.path());
      }
    }
  }

  /** The fingerprint that was noted of a text; empty when there is none. */
  Optional<String> noted(String key) {
    return directory
        .read(key)
        .map(bytes -> new String(bytes, java.nio.charset.StandardCharsets.US_ASCII))
        .filter(text -> text.matches("[0-9a-f]{32}"));
  }

  void note(String key, String fingerprint) {
    directory.write(key, fingerprint.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }
}
