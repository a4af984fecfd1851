package dev.anneal.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** A plot's SVG is small, well-formed, and has its text as text. */
class PlotSvgTest {
  private static final int STEPS = 10_000;
  private static final int MOST_BYTES = 100_000;

  @TempDir private Path folder;

  /** The log of a long run, as it would have been written. */
  private Path run(String name, IntToDoubleFunction loss) throws IOException {
    StringBuilder log =
        new StringBuilder(
            """
            {"event":"started","run":"r","model":"m","parameters":1,"data":"d","backend":"cpu",\
            "device":"d","step":0,"steps":10000,"tokens_per_step":128,"time":1000}
            """);
    for (int step = 1; step <= STEPS; step++) {
      log.append(
          String.format(
              Locale.ROOT,
              "{\"event\":\"step\",\"step\":%d,\"loss\":%s,\"lr\":0.001,\"grad_norm\":1.0,"
                  + "\"ms\":10.0,\"tokens_per_s\":100.0,\"backend\":\"cpu\",\"time\":%d}%n",
              step,
              loss.applyAsDouble(step),
              1000 + 10L * step));
    }
    Path run = Files.createDirectory(folder.resolve(name));
    Files.writeString(run.resolve("log.jsonl"), log);
    return run;
  }

  private static double noisy(int step) {
    return 1.5 + 4 * Math.exp(-step / 1500.0) + 0.3 * Math.sin(step * 12.9898) * Math.sin(step);
  }

  private Document plotted(Path run, String... more) throws IOException {
    Path file = folder.resolve("plot.svg");
    List<String> words = new ArrayList<>(List.of("plot", file.toString(), "--run", run.toString()));
    words.addAll(List.of(more));
    Outcome.ok(words.toArray(String[]::new));
    byte[] bytes = Files.readAllBytes(file);
    assertTrue(bytes.length < MOST_BYTES, bytes.length + " bytes");
    try {
      return DocumentBuilderFactory.newInstance()
          .newDocumentBuilder()
          .parse(new ByteArrayInputStream(bytes));
    } catch (SAXException | ParserConfigurationException e) {
      throw new AssertionError(new String(bytes, StandardCharsets.UTF_8), e);
    }
  }

  private static List<String> texts(Document svg) {
    List<String> texts = new ArrayList<>();
    NodeList nodes = svg.getElementsByTagName("text");
    for (int i = 0; i < nodes.getLength(); i++) {
      texts.add(nodes.item(i).getTextContent());
    }
    return texts;
  }

  /** The ordinates of the path with the most points. */
  private static List<Double> curve(Document svg) {
    List<Double> longest = List.of();
    NodeList nodes = svg.getElementsByTagName("path");
    for (int i = 0; i < nodes.getLength(); i++) {
      String[] numbers = ((Element) nodes.item(i)).getAttribute("d").substring(1).split(" ");
      List<Double> ys = new ArrayList<>();
      for (int n = 1; n < numbers.length; n += 2) {
        ys.add(Double.valueOf(numbers[n]));
      }
      longest = ys.size() > longest.size() ? ys : longest;
    }
    return longest;
  }

  @Test
  void tenThousandNoisyStepsStaySmallAndTheTextIsText() throws IOException {
    Document svg = plotted(run("noisy", PlotSvgTest::noisy), "--metric", "loss", "--ema", "0");
    List<String> texts = texts(svg);
    assertTrue(texts.containsAll(List.of("loss", "step", "2000", "10000")), texts.toString());
    assertTrue(texts.stream().anyMatch(text -> text.endsWith("noisy")), texts.toString());
  }

  @Test
  void noSpikeIsLost() throws IOException {
    Document svg =
        plotted(
            run("spike", step -> step == 4321 ? 50 : noisy(step)),
            "--metric",
            "loss",
            "--ema",
            "0");
    List<Double> ys = curve(svg).stream().sorted().toList();
    assertTrue(ys.get(1) - ys.getFirst() > 300, "one point is far above all others");
  }

  @Test
  void aLogarithmicAxisHasDecades() throws IOException {
    Path run = run("log", step -> 1000.0 / step);
    List<String> texts =
        texts(plotted(run, "--metric", "loss", "--ema", "0", "--log-y", "--x", "time"));
    assertTrue(texts.containsAll(List.of("0.1", "1", "10", "100")), texts.toString());
  }

  @Test
  void namesAreEscaped() throws IOException {
    Path run = run("a<b>&\"c\" \u001b[2J \u65e5\u672c", PlotSvgTest::noisy);
    String title =
        texts(plotted(run)).stream().filter(t -> t.contains("c\"")).findFirst().orElse("");
    assertTrue(title.contains("a<b>&\"c\""), title);
    assertTrue(title.endsWith("\u65e5\u672c"), title);
    assertFalse(title.contains("\u001b"), title);
  }

  @Test
  void aPngIsThePictureOfTheSameSize() throws IOException {
    Path file = folder.resolve("plot.png");
    Path run = run("png", PlotSvgTest::noisy);
    Outcome.ok("plot", file.toString(), "--run", run.toString());
    var image = ImageIO.read(file.toFile());
    assertEquals(2000, image.getWidth());
    assertEquals(1200, image.getHeight());
  }
}
