package dev.anneal.style;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/** Files and methods are short enough to be read at once. */
class SizesTest {
  private static final int MOST_LINES = 500;
  private static final int MOST_OF_METHOD = 60;

  /** Kernels that are unrolled by hand, whose accumulators have to be local variables. */
  private static final Set<String> UNROLLED = Set.of("Tile.tile8");

  private record Method(Path file, String name, long lines) {}

  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve(".mvn"))) {
      folder = requireNonNull(folder.getParent());
    }
    return folder;
  }

  /** The sources of all modules, but for tests. */
  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(root())) {
      return files
          .filter(file -> file.toString().contains("/src/main/java/"))
          .filter(file -> file.toString().endsWith(".java"))
          .sorted()
          .toList();
    }
  }

  private static List<Method> methods(List<Path> sources) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<Method> methods = new ArrayList<>();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null,
                  files,
                  null,
                  List.of("-proc:none"),
                  null,
                  files.getJavaFileObjectsFromPaths(sources));
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        Path file = Path.of(unit.getSourceFile().toUri());
        LineMap lines = unit.getLineMap();
        new TreePathScanner<Void, Void>() {
          @Override
          public Void visitMethod(MethodTree method, Void none) {
            long begin = lines.getLineNumber(positions.getStartPosition(unit, method));
            long end = lines.getLineNumber(positions.getEndPosition(unit, method));
            methods.add(new Method(file, method.getName().toString(), end - begin + 1));
            return super.visitMethod(method, none);
          }
        }.scan(unit, null);
      }
    }
    return methods;
  }

  private static String simpleName(Path file) {
    return file.getFileName().toString().replace(".java", "");
  }

  @Test
  void noFileIsLongerThan500Lines() throws IOException {
    List<String> longer = new ArrayList<>();
    for (Path file : sources()) {
      long lines = Files.readAllLines(file).size();
      if (lines > MOST_LINES) {
        longer.add(simpleName(file) + ": " + lines);
      }
    }
    assertEquals(List.of(), longer);
  }

  @Test
  void noMethodIsLongerThan60LinesButUnrolledKernels() throws IOException {
    List<Method> methods = methods(sources());
    Set<String> found = new HashSet<>();
    List<String> longer = new ArrayList<>();
    for (Method method : methods) {
      String name = simpleName(method.file()) + "." + method.name();
      if (method.lines() > MOST_OF_METHOD) {
        if (UNROLLED.contains(name)) {
          found.add(name);
        } else {
          longer.add(name + ": " + method.lines());
        }
      }
    }
    assertEquals(List.of(), longer);
    assertEquals(UNROLLED, found, "those that are shorter by now need no exception");
  }
}
