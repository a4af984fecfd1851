package dev.anneal.opencl;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A kernel file and what it is compiled with.
 *
 * @param file its name, without .cl
 * @param definitions e.g. {@code -DHEAD_SIZE=64}; empty for most
 */
record Source(String file, String definitions) {

  static Source of(String file) {
    return new Source(file, "");
  }

  /** The prelude, and the file with its own line numbers. */
  List<String> text() {
    return List.of(
        "#line 1 \"prelude.cl\"\n" + read("prelude"), "#line 1 \"" + file + ".cl\"\n" + read(file));
  }

  private static String read(String name) {
    String path = "/kernels/opencl/" + name + ".cl";
    try (InputStream in = Source.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + path);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return definitions.isEmpty() ? file + ".cl" : file + ".cl (" + definitions + ")";
  }
}
