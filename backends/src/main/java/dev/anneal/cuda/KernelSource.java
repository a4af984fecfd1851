package dev.anneal.cuda;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * A kernel file of the module {@code kernels-cuda}, with what it includes put in its place, since
 * NVRTC has no files.
 *
 * @param name e.g. {@code layernorm.cu}
 */
record KernelSource(String name, String text) {
  private static final String FOLDER = "/dev/anneal/cuda/kernels/";

  static KernelSource of(String name) {
    return new KernelSource(name, expanded(name, new HashSet<>()));
  }

  private static String expanded(String name, Set<String> seen) {
    if (!seen.add(name)) {
      return "";
    }
    StringBuilder text = new StringBuilder("#line 1 \"" + name + "\"\n");
    int number = 0;
    for (String line : read(name).lines().toList()) {
      number++;
      if (line.startsWith("#include \"")) {
        text.append(expanded(line.substring(line.indexOf('"') + 1, line.lastIndexOf('"')), seen));
        text.append("#line ").append(number + 1).append(" \"").append(name).append("\"\n");
      } else {
        text.append(line).append('\n');
      }
    }
    return text.toString();
  }

  private static String read(String name) {
    try (InputStream in =
        requireNonNull(KernelSource.class.getResourceAsStream(FOLDER + name), name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
