package dev.anneal.terminal.dashboard;

import dev.anneal.run.log.History;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Controls over a history that nobody adds to; what was asked for is written down. */
public class SceneControls implements Controls {
  public final List<String> asked = new ArrayList<>();
  final Deque<String> news = new ArrayDeque<>();
  private final History.Snapshot run;
  private final boolean rich;

  public SceneControls(Histories which) {
    this.run = which.history();
    this.rich = which == Histories.LONG;
  }

  @Override
  public long revision() {
    return 1;
  }

  @Override
  public Scene scene(List<String> overlays) {
    return Scenes.of(run, rich, overlays);
  }

  @Override
  public void togglePause() {
    asked.add("togglePause");
  }

  @Override
  public void pause() {
    asked.add("pause");
  }

  @Override
  public void step() {
    asked.add("step");
  }

  @Override
  public void checkpoint() {
    asked.add("checkpoint");
  }

  @Override
  public void sample(String prompt) {
    asked.add("sample " + prompt);
  }

  @Override
  public void warm(double by) {
    asked.add("warm " + by);
  }

  @Override
  public void toggleRecord() {
    asked.add("toggleRecord");
  }

  @Override
  public void compareBackends() {
    asked.add("compareBackends");
  }

  @Override
  public void execute(String line, Consumer<List<String>> done) {
    asked.add("execute " + line);
    done.accept(List.of("first line of " + line, "second line"));
  }

  @Override
  public void close() {
    asked.add("close");
  }

  @Override
  public List<String> complete(String line) {
    return line.endsWith("st") ? List.of("status", "step", "stop") : List.of("status");
  }

  @Override
  public void write(Path file, boolean force, Export export) {
    news.add("wrote " + file + ", " + export.text().lines().count() + " lines");
  }

  @Override
  public Optional<String> news() {
    return Optional.ofNullable(news.poll());
  }
}
