package dev.anneal.trust;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.anneal.terminal.Anneal;
import dev.anneal.terminal.shell.TinyShell;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Command lines within this process, on tiny runs in a folder. */
record Cli(Path folder) {

  /** How a command line went. */
  record Result(int code, String out, String err) {
    /** What it said, for those who do not care where. */
    String all() {
      return out + err;
    }
  }

  /** A command line, as a shell would split it. */
  Result run(String line) {
    return run(dev.anneal.terminal.text.Words.complete(line).getFirst());
  }

  /** Commands of a script. */
  Result script(String commands) {
    return run(List.of("-c", commands));
  }

  private static Result run(List<String> words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Anneal.run(words.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
    return new Result(code, out.toString(), err.toString());
  }

  /** A command line that must go well. */
  Result ok(String line) {
    Result result = run(line);
    if (result.code() != 0) {
      throw new AssertionError(line + " ends with " + result.code() + "\n" + result.all());
    }
    return result;
  }

  /** The words that train a tiny run. */
  String train(String name, String more) {
    return TinyShell.train(folder, name, more);
  }

  Path path(String name) {
    return folder.resolve(name);
  }

  /** The events of a run's log of one kind. */
  List<String> events(String run, String kind) throws IOException {
    String log = new String(Files.readAllBytes(path(run).resolve("log.jsonl")), UTF_8);
    return log.lines().filter(line -> line.contains("\"event\":\"" + kind + "\"")).toList();
  }

  /** Every file below a folder with its bytes' hash and its time. */
  Map<String, String> files(String name) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(path(name))) {
      for (Path file : all.toList()) {
        String content =
            Files.isRegularFile(file)
                ? "" + java.util.Arrays.hashCode(Files.readAllBytes(file))
                : "folder";
        files.put(file.toString(), content + " " + Files.getLastModifiedTime(file));
      }
    }
    return files;
  }

  /** Changes one byte of a file. */
  void flip(String file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(path(file));
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    Files.write(path(file), bytes);
  }

  /** Cuts a file in half. */
  void cut(String file) throws IOException {
    byte[] bytes = Files.readAllBytes(path(file));
    Files.write(path(file), java.util.Arrays.copyOf(bytes, bytes.length / 2));
  }
}
