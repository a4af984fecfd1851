package dev.anneal.terminal.dashboard;

import dev.anneal.checkpoint.PathName;
import dev.anneal.failure.Failure;
import dev.anneal.run.log.Metric;
import dev.anneal.run.log.Series;
import dev.anneal.setting.Nearest;
import dev.anneal.terminal.dashboard.View.Input;
import dev.anneal.terminal.dashboard.View.Panel;
import dev.anneal.terminal.plot.Chart;
import dev.anneal.terminal.plot.ChartFile;
import dev.anneal.terminal.plot.Curve;
import dev.anneal.terminal.plot.Picture;
import dev.anneal.terminal.text.Cells;
import dev.anneal.terminal.text.Dashes;
import dev.anneal.terminal.text.Look.Glyphs;
import dev.anneal.terminal.text.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Reads keys and draws frames until the user leaves. */
public final class DashboardLoop implements AutoCloseable {
  private static final long FRAME_MILLIS = 100;
  private static final long TWICE_NANOS = 2_000_000_000L;
  private static final long NOTICE_NANOS = 8_000_000_000L;
  private static final int IDLE_FRAMES = 10;
  private static final int PAGE = 10;
  private static final String FORCE = " --force";

  /** Whatever is open. */
  private static final Key SUSPEND = new Key(Key.Kind.CHARACTER, 'z', true);

  private final Controls controls;
  private final View view;
  private final List<String> recalled = new ArrayList<>();
  private final ConcurrentLinkedQueue<List<String>> results = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean leaving = new AtomicBoolean();
  private volatile long interruptedAt = Long.MIN_VALUE / 2;
  private String lastPrompt = "";
  private int recall;
  private Scene scene;
  private ScreenPort.Size size = new ScreenPort.Size(80, 24);
  private long saidAt;

  public DashboardLoop(Controls controls, Glyphs glyphs) {
    this.controls = controls;
    this.view = new View(glyphs);
    this.scene = controls.scene(List.of());
  }

  /** Returns when the user leaves. */
  public void run(ScreenPort screen) {
    screen.onInterrupt(this::interrupt);
    long drawn = -1;
    int idle = 0;
    size = screen.size();
    boolean changed = true;
    while (!leaving.get()) {
      if (changed || controls.revision() != drawn || isWaiting() || ++idle >= IDLE_FRAMES) {
        drawn = controls.revision();
        idle = 0;
        scene = controls.scene(List.copyOf(view.overlays));
        size = screen.size();
        screen.draw(Dashboard.draw(scene, view, size.columns(), size.rows()));
      }
      Optional<Key> key = screen.read(FRAME_MILLIS);
      changed = key.isPresent() || !screen.size().equals(size);
      // What was typed meanwhile is one frame's work.
      while (key.isPresent() && !leaving.get()) {
        press(key.get(), screen);
        key = leaving.get() ? Optional.empty() : screen.read(0);
      }
      // After the keys: they were not meant for what was not shown yet.
      changed |= hearNews();
    }
  }

  /** Something turns on the screen, or begins to. */
  private boolean isWaiting() {
    return scene.waiting().isPresent();
  }

  /** What commands printed, and what became of what was asked for. */
  private boolean hearNews() {
    Optional<List<String>> result = Optional.ofNullable(results.poll());
    result.ifPresent(this::show);
    Optional<String> news = Optional.ofNullable(heard.poll()).or(controls::news);
    news.ifPresent(this::say);
    if (!view.notice.isEmpty() && System.nanoTime() - saidAt > NOTICE_NANOS) {
      view.notice = "";
      return true;
    }
    return result.isPresent() || news.isPresent();
  }

  /** What was begun here ends here. */
  @Override
  public void close() {
    controls.close();
  }

  /** Ctrl-C: the first pauses at once, on the signal's own thread; a second soon after leaves. */
  private void interrupt() {
    long now = System.nanoTime();
    if (now - interruptedAt < TWICE_NANOS) {
      leaving.set(true);
    } else {
      try {
        controls.pause();
      } catch (Failure e) {
        heard.add(Dashes.in(e) + "; ^C again leaves");
      }
    }
    interruptedAt = now;
  }

  /** What cannot be done is said, and the dashboard goes on. */
  private void press(Key key, ScreenPort screen) {
    if (!key.control()) {
      // An interrupt after a key is the first again.
      interruptedAt = Long.MIN_VALUE / 2;
    }
    view.notice = "";
    try {
      obey(key, screen);
    } catch (Failure e) {
      say(Dashes.in(e));
    }
  }

  private void obey(Key key, ScreenPort screen) {
    if (key.kind() == Key.Kind.GONE) {
      leaving.set(true);
    } else if (key.kind() == Key.Kind.NONE) {
      // It is drawn anew.
      return;
    } else if (key.equals(SUSPEND)) {
      suspend(screen);
    } else if (view.input != Input.NONE) {
      type(key);
    } else if (view.help || !view.message.isEmpty()) {
      read(key);
    } else if (view.overlayList) {
      choose(key);
    } else if (key.kind() == Key.Kind.ESCAPE) {
      view.full = false;
      view.crosshair = false;
    } else {
      Action.of(key).ifPresentOrElse(action -> tryTo(action, key, screen), () -> nothing(key));
    }
  }

  /** Does what a key is for, or says why that would change nothing. */
  private void tryTo(Action action, Key key, ScreenPort screen) {
    new WhyNot(scene, view, size)
        .of(action, key)
        .ifPresentOrElse(this::say, () -> act(action, key, screen));
  }

  private void nothing(Key key) {
    String name = key.kind() == Key.Kind.CHARACTER ? name(key) : "this key";
    say(name + " does nothing here; ? lists the keys");
  }

  private static String name(Key key) {
    return (key.control() ? "^" + Character.toUpperCase(key.character()) : "" + key.character());
  }

  /** One line at the bottom; what does not fit there has a window. */
  private void say(String line) {
    if (Cells.width(line) + 2 > size.columns()) {
      show(List.of(line));
    } else {
      view.notice = line;
      saidAt = System.nanoTime();
    }
  }

  private void show(List<String> lines) {
    view.message = lines;
    view.top = 0;
  }

  /** A window is open: arrows show more of it, other keys close it and do nothing else. */
  private void read(Key key) {
    int by =
        switch (key.kind()) {
          case UP -> -1;
          case DOWN -> 1;
          case PAGE_UP -> -PAGE;
          case PAGE_DOWN -> PAGE;
          default -> 0;
        };
    if (by != 0) {
      int most = Math.max(Action.values().length, view.message.size());
      view.top = Math.clamp(view.top + by, 0, most);
      return;
    }
    view.help = false;
    view.message = List.of();
    view.top = 0;
  }

  private Chart.Window everything() {
    return Chart.everything(ChartPanel.curves(scene, view, view.metric), view.xAxis);
  }

  private void act(Action action, Key key, ScreenPort screen) {
    switch (action) {
      case HELP -> view.help = true;
      case LEAVE -> leaving.set(true);
      case PAUSE -> controls.togglePause();
      case STEP -> controls.step();
      case PROMPT -> open(Input.PROMPT);
      case AGAIN -> controls.sample(lastPrompt);
      case COOLER -> controls.warm(-0.1);
      case HOTTER -> controls.warm(0.1);
      case COMMAND -> open(Input.COMMAND);
      case FOCUS -> view.focusNext(key.kind() == Key.Kind.BACK_TAB ? -1 : 1);
      case FULL -> view.full = !view.full;
      case LEFT -> move(-1);
      case RIGHT -> move(1);
      case UP -> scroll(key.kind() == Key.Kind.PAGE_UP ? -PAGE : -1);
      case DOWN -> scroll(key.kind() == Key.Kind.PAGE_DOWN ? PAGE : 1);
      case ZOOM_IN -> view.zoom(0.5, everything());
      case ZOOM_OUT -> view.zoom(2, everything());
      case FIT -> view.window = Optional.empty();
      case FOLLOW -> view.follow = true;
      case LOG_Y -> view.logY = !view.logY;
      case X_AXIS -> {
        view.xAxis = view.xAxis.next();
        view.window = Optional.empty();
      }
      case FIT_Y -> view.fitY = !view.fitY;
      case LESS_SMOOTH -> view.smooth(-1);
      case MORE_SMOOTH -> view.smooth(1);
      case CURVES -> view.curves = view.curves.next();
      case OVERLAY -> {
        view.overlayList = true;
        view.selected = 0;
      }
      case NEXT_METRIC -> view.nextMetric(1);
      case PREVIOUS_METRIC -> view.nextMetric(-1);
      case FIND_METRIC -> open(Input.METRIC);
      case CROSSHAIR -> view.crosshair = !view.crosshair;
      case SIDE -> view.hidden.clear();
      case NO_SIDE -> {
        for (Panel panel : Panel.values()) {
          if (panel != Panel.CHART) {
            view.hidden.add(panel);
          }
        }
        view.focus = Panel.CHART;
      }
      case PANEL -> view.toggle(Panel.values()[key.character() - '1']);
      case BACKENDS -> controls.compareBackends();
      case CHECKPOINT -> controls.checkpoint();
      case WRITE -> open(Input.FILE);
      case RECORD -> controls.toggleRecord();
      case GUIDES -> view.guides = !view.guides;
      case GLYPHS -> view.glyphs = view.glyphs.next();
      case LEVEL -> view.importantOnly = !view.importantOnly;
      case REDRAW -> screen.redraw();
      case SUSPEND -> suspend(screen);
      case INTERRUPT -> interrupt();
    }
  }

  private void suspend(ScreenPort screen) {
    if (!screen.suspend()) {
      say("there is no shell to go to; SPC pauses the run");
    }
  }

  private void move(int by) {
    if (view.crosshair) {
      view.crosshairAt = Math.clamp(view.crosshairAt + by * 0.02, 0, 1);
    } else {
      view.pan(by * 0.25, everything());
    }
  }

  private void scroll(int by) {
    view.scroll = Math.max(0, view.scroll + by);
  }

  private void choose(Key key) {
    List<String> names =
        scene.runs().stream().filter(r -> !r.current()).map(Scene.RunRow::name).toList();
    switch (key.kind()) {
      case UP -> view.selected = Math.max(0, view.selected - 1);
      case DOWN -> view.selected = Math.max(0, Math.min(names.size() - 1, view.selected + 1));
      case ENTER -> toggleOverlay(names);
      case CHARACTER -> {
        switch (key.character()) {
          case 'k' -> view.selected = Math.max(0, view.selected - 1);
          case 'j' -> view.selected = Math.max(0, Math.min(names.size() - 1, view.selected + 1));
          case ' ' -> toggleOverlay(names);
          case 'o', 'q' -> view.overlayList = false;
          default -> {}
        }
      }
      case ESCAPE -> view.overlayList = false;
      default -> {}
    }
  }

  private void toggleOverlay(List<String> names) {
    if (view.selected < names.size()) {
      String name = names.get(view.selected);
      if (!view.overlays.remove(name)) {
        view.overlays.add(name);
      }
    }
  }

  private void open(Input input) {
    view.input = input;
    view.text = "";
    recall = recalled.size();
  }

  private void type(Key key) {
    switch (key.kind()) {
      case CHARACTER -> {
        if (key.control()) {
          if (key.character() == 'u') {
            view.text = "";
          } else if (key.character() == 'c') {
            view.input = Input.NONE;
          }
        } else {
          view.text += key.character();
        }
      }
      case BACKSPACE -> {
        if (view.text.isEmpty()) {
          view.input = Input.NONE;
        } else {
          view.text = Cells.withoutLast(view.text);
        }
      }
      case ESCAPE -> view.input = Input.NONE;
      case ENTER -> enter();
      case TAB -> complete();
      case UP -> recall(-1);
      case DOWN -> recall(1);
      default -> {}
    }
  }

  private void recall(int by) {
    if (view.input == Input.COMMAND && !recalled.isEmpty()) {
      recall = Math.clamp(recall + by, 0, recalled.size());
      view.text = recall == recalled.size() ? "" : recalled.get(recall);
    }
  }

  /** Completes as far as all candidates agree; says them when there are several. */
  private void complete() {
    if (view.input == Input.METRIC) {
      Metric.keys().stream()
          .filter(key -> key.startsWith(view.text))
          .findFirst()
          .ifPresent(key -> view.text = key);
      return;
    }
    if (view.input != Input.COMMAND) {
      return;
    }
    List<String> candidates = controls.complete(view.text);
    if (candidates.isEmpty()) {
      return;
    }
    String common = candidates.getFirst();
    for (String candidate : candidates) {
      int n = 0;
      while (n < Math.min(common.length(), candidate.length())
          && common.charAt(n) == candidate.charAt(n)) {
        n++;
      }
      common = common.substring(0, n);
    }
    int word = Words.tail(view.text).start();
    view.text = view.text.substring(0, word) + common + (candidates.size() == 1 ? " " : "");
  }

  private void enter() {
    Input input = view.input;
    String text = view.text;
    view.input = Input.NONE;
    switch (input) {
      case PROMPT -> {
        lastPrompt = text;
        controls.sample(text);
        view.hidden.remove(Panel.SAMPLES);
      }
      case COMMAND -> {
        if (!text.isBlank()) {
          recalled.add(text);
          if (text.strip().equals("q") || text.strip().equals("quit")) {
            leaving.set(true);
          } else {
            controls.execute(text, results::add);
          }
        }
      }
      case METRIC -> metric(text);
      case FILE -> write(text);
      case NONE -> {}
    }
  }

  private void metric(String text) {
    Optional<String> found =
        Metric.keys().stream()
            .filter(key -> key.startsWith(text))
            .findFirst()
            .or(() -> Nearest.of(text, Metric.keys()));
    if (found.isPresent()) {
      view.metric = Metric.of(found.get());
    } else {
      show(List.of("no metric " + text, "there are " + String.join(", ", Metric.keys())));
    }
  }

  private void write(String name) {
    if (name.isBlank()) {
      return;
    }
    List<Curve> curves = ChartPanel.curves(scene, view, view.metric);
    String frame = Dashboard.draw(scene, view, 120, 40).text();
    Series series = scene.run().series(view.metric);
    Metric metric = view.metric;
    ChartFile.Labels labels =
        new ChartFile.Labels(scene.name(), metric.key(), view.xAxis, view.logY);
    Controls.Export export =
        new Controls.Export() {
          @Override
          public byte[] chart(Picture.Format format) {
            return ChartFile.draw(format, labels, curves);
          }

          @Override
          public String csv() {
            return csvOf(series, metric);
          }

          @Override
          public String text() {
            return frame;
          }
        };
    String file = name.strip();
    boolean force = file.endsWith(FORCE);
    if (force) {
      file = file.substring(0, file.length() - FORCE.length()).strip();
    }
    controls.write(PathName.of(file), force, export);
  }

  private static String csvOf(Series series, Metric metric) {
    StringBuilder csv = new StringBuilder("step,seconds," + metric.key() + "\n");
    for (int i = 0; i < series.size(); i++) {
      csv.append(series.steps()[i]).append(',');
      csv.append(series.seconds()[i]).append(',').append(series.values()[i]).append('\n');
    }
    return csv.toString();
  }
}
