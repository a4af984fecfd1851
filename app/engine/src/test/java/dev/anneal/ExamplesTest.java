package dev.anneal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

/** The programs in examples, compiled and run as their heads say, on small texts. */
@ResourceLock(Resources.SYSTEM_OUT)
class ExamplesTest {
  private static final Path FOLDER = Path.of("../../examples");

  @TempDir private static Path temp;
  private static List<String> names = List.of();
  private static String english = "";
  private static String german = "";

  @BeforeAll
  static void compile() throws Exception {
    english = text("english.txt", "the cat sat on the mat. ");
    german = text("german.txt", "der Hund lief um das Haus. ");
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--release",
                "25",
                "-proc:none",
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                temp.toString()));
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> sources =
          files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
      sources.forEach(file -> arguments.add(file.toString()));
      names =
          sources.stream().map(file -> file.getFileName().toString().replace(".java", "")).toList();
    }
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(null, said, said, arguments.toArray(String[]::new));
    assertEquals(0, code, said.toString());
  }

  private static String text(String name, String line) throws Exception {
    return Files.writeString(temp.resolve(name), line.repeat(400)).toString();
  }

  /** What an example prints. */
  private static String run(String name, String... arguments) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {temp.toUri().toURL()}, ExamplesTest.class.getClassLoader())) {
      System.setOut(new PrintStream(printed, true));
      Class<?> type = loader.loadClass(name);
      Method main = type.getDeclaredMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) arguments);
    } finally {
      System.setOut(before);
    }
    return printed.toString();
  }

  @Test
  void allExamplesAreTriedHereAndExplainedThere() throws Exception {
    assertEquals(
        List.of("CompareDevices", "OtherData", "OwnModel", "OwnSchedule", "TrainAndSample"), names);
    String readme = Files.readString(FOLDER.resolve("README.md"));
    for (String name : names) {
      assertTrue(readme.contains(name + ".java"), name);
      String head = Files.readString(FOLDER.resolve(name + ".java"));
      assertTrue(head.contains("//   examples/run " + name), name);
    }
  }

  @Test
  void trainAndSample() throws Exception {
    Path kept = temp.resolve("run");
    String printed = run("TrainAndSample", english, kept.toString());
    assertTrue(printed.contains("step 100: loss "), printed);
    assertTrue(printed.contains("saved " + kept.resolve("step_100")), printed);
  }

  @Test
  void ownModel() throws Exception {
    String printed = run("OwnModel", english, temp.resolve("own").toString());
    List<String> lines = printed.lines().toList();
    double untrained = Double.parseDouble(lines.get(0).replace("untrained: ", ""));
    double trained = Double.parseDouble(lines.get(1).replace("trained: ", ""));
    assertEquals(Math.log(256), untrained, 0.2);
    assertTrue(trained < 0.8 * untrained, lines.toString());
    assertEquals(lines.get(1).replace("trained", "loaded"), lines.getLast());
  }

  @Test
  void ownSchedule() throws Exception {
    List<String> lines = run("OwnSchedule", english).lines().toList();
    assertEquals(8, lines.size());
    // The tops of both triangles: the peak, and half of it.
    assertTrue(lines.get(1).endsWith("  " + "#".repeat(40)), lines.get(1));
    assertTrue(lines.get(5).endsWith("  " + "#".repeat(20)), lines.get(5));
  }

  @Test
  void compareDevices() throws Exception {
    String printed = run("CompareDevices", "cpu", "cpu", english);
    assertEquals(2, printed.lines().filter(line -> line.startsWith("cpu, ")).count(), printed);
    assertTrue(printed.contains("losses up to 0"), printed);
    assertTrue(printed.contains("  AdamW: "), printed);
  }

  @Test
  void otherData() throws Exception {
    String printed = run("OtherData", english, german, temp.resolve("first").toString());
    List<Double> losses =
        printed
            .lines()
            .filter(line -> line.startsWith("on "))
            .map(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
            .toList();
    assertEquals(3, losses.size(), printed);
    assertTrue(losses.get(1) > losses.get(2), printed);
  }
}
