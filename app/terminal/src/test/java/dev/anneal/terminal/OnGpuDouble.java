package dev.anneal.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.terminal.AnnealProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * A GPU from the command line, on the test double of its driver and compiler that the tests of the
 * backends build before these.
 */
@Execution(ExecutionMode.CONCURRENT)
abstract class OnGpuDouble {
  private static final Path BACKENDS =
      Path.of("../../backends/target").toAbsolutePath().normalize();
  private static final Path DOUBLE = BACKENDS.resolve("test-classes/cuda-double");

  /** What the tests of the backends have compiled is not compiled again. */
  private static final Path CACHE = Path.of("../../target/home/cache").toAbsolutePath().normalize();

  static final String SHAPE = " --layers 1 --channels 32 --heads 2 --context 16 --seq 16 --batch 2";

  private final String backend;
  private final List<String> libraries;
  @TempDir Path temp;
  String data = "";

  OnGpuDouble(String backend, String... libraries) {
    this.backend = backend;
    this.libraries = List.of(libraries);
  }

  @BeforeEach
  void needsTheDouble() throws IOException {
    for (String library : libraries) {
      assumeTrue(
          Files.exists(DOUBLE.resolve(library)),
          "no " + DOUBLE.resolve(library) + ": run the tests of backends first");
    }
    Path text = temp.resolve("text.txt");
    Files.writeString(text, "the quick brown fox jumps over the lazy dog\n".repeat(300));
    data = " --data " + text;
  }

  /** The command that holds two steps of the tiny model against PyTorch. */
  String verify(String more) throws Exception {
    return verify(more, 2);
  }

  String verify(String more, int steps) throws Exception {
    Path model = Path.of(OnGpuDouble.class.getResource("/gpt2-tiny/model.bin").toURI());
    return "verify --backend "
        + backend
        + " --steps "
        + steps
        + " --checkpoint "
        + model
        + " --state "
        + model.resolveSibling("debug_state.bin")
        + more;
  }

  Result anneal(String arguments) throws Exception {
    return anneal(arguments, Map.of());
  }

  /** In an environment that has {@code more}. */
  Result anneal(String arguments, Map<String, String> more) throws Exception {
    Map<String, String> environment = new HashMap<>(more);
    environment.put("LD_LIBRARY_PATH", DOUBLE.toString());
    environment.put("XDG_CACHE_HOME", CACHE.toString());
    return AnnealProcess.shell(temp, environment, "", "anneal " + arguments);
  }

  /** Runs the lines one after the other in one process; what they printed, as JSON. */
  List<JsonNode> run(String... lines) throws Exception {
    Result result = anneal("--json -c " + AnnealProcess.quote(String.join("; ", lines)));
    assertEquals(0, result.code(), result.out() + result.err());
    List<JsonNode> events = new ArrayList<>();
    for (String line : result.out().lines().toList()) {
      events.add(new ObjectMapper().readTree(line));
    }
    return events;
  }

  static Stream<JsonNode> events(List<JsonNode> all, String kind) {
    return all.stream().filter(event -> event.path("event").asText().equals(kind));
  }
}
