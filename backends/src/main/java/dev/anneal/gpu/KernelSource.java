package dev.anneal.gpu;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A kernel file with what it includes put in its place, since compilers as libraries have no files.
 *
 * @param name e.g. {@code layernorm.cu}
 */
public record KernelSource(String name, String text) {
  /**
   * Where the module {@code kernels-cuda} has its files, which other vendors' compilers take, too.
   */
  public static final String CUDA_FOLDER = "/dev/anneal/cuda/kernels/";

  /**
   * Reads a kernel file.
   *
   * @param folders where it and what it includes may be; the first that has a name gives it
   */
  public static KernelSource of(String name, List<String> folders) {
    return new KernelSource(name, expanded(name, folders, new HashSet<>()));
  }

  private static String expanded(String name, List<String> folders, Set<String> seen) {
    if (!seen.add(name)) {
      return "";
    }
    StringBuilder text = new StringBuilder("#line 1 \"" + name + "\"\n");
    int number = 0;
    for (String line : read(name, folders).lines().toList()) {
      number++;
      if (line.startsWith("#include \"")) {
        text.append(
            expanded(line.substring(line.indexOf('"') + 1, line.lastIndexOf('"')), folders, seen));
        text.append("#line ").append(number + 1).append(" \"").append(name).append("\"\n");
      } else {
        text.append(line).append('\n');
      }
    }
    return text.toString();
  }

  private static String read(String name, List<String> folders) {
    String path =
        folders.stream()
            .map(folder -> folder + name)
            .filter(candidate -> KernelSource.class.getResource(candidate) != null)
            .findFirst()
            .orElse(name);
    try (InputStream in = requireNonNull(KernelSource.class.getResourceAsStream(path), path)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
