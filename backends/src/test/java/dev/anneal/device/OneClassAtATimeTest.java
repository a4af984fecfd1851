package dev.anneal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** A test class that runs beside others of its device would meet what they do to the driver. */
class OneClassAtATimeTest {
  private static final Path CLASSES = Path.of("target/test-classes/dev/anneal");

  @Test
  void theTestsOfEachDriverHoldItsLock() throws IOException {
    for (String folder : List.of("cuda", "hip", "opencl")) {
      try (Stream<Path> files = Files.list(CLASSES.resolve(folder))) {
        List<? extends Class<?>> tests =
            files
                .map(file -> file.getFileName().toString())
                .filter(name -> name.endsWith("Test.class"))
                .map(name -> load("dev.anneal." + folder + "." + name.replace(".class", "")))
                .toList();
        assertFalse(tests.isEmpty(), folder);
        assertEquals(
            List.of(),
            tests.stream().filter(test -> !test.isAnnotationPresent(ResourceLock.class)).toList());
      }
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, OneClassAtATimeTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }
}
