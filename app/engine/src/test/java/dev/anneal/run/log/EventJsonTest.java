package dev.anneal.run.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.anneal.plan.Precision;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Events, written and read. */
class EventJsonTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Arbitrary<Double> numbers() {
    return Arbitraries.oneOf(
        Arbitraries.doubles(),
        Arbitraries.of(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -0.0));
  }

  private static Arbitrary<String> texts() {
    return Arbitraries.oneOf(
        Arbitraries.strings().ofMaxLength(20),
        Arbitraries.of("", "\033[2J", "a\nb", "\"quoted\"", "漢字 😀", "NaN"));
  }

  private static Arbitrary<Path> paths() {
    return Arbitraries.strings().alpha().numeric().withChars(" -_.").ofMinLength(1).map(Path::of);
  }

  private static <T> Arbitrary<Map<String, T>> maps(Arbitrary<T> values) {
    return Arbitraries.maps(Arbitraries.strings().alpha().ofMinLength(1), values)
        .ofMaxSize(4)
        .map(TreeMap::new);
  }

  @Provide
  Arbitrary<Event> events() {
    Arbitrary<Integer> steps = Arbitraries.integers().greaterOrEqual(0);
    Arbitrary<Long> longs = Arbitraries.longs().greaterOrEqual(0);
    Arbitrary<Double> numbers = numbers();
    Arbitrary<String> texts = texts();
    Arbitrary<Event> started =
        Combinators.combine(
                texts, texts, longs, steps, steps, maps(longs), maps(steps), paths().optional())
            .as(
                (run, model, parameters, step, tokens, bytes, kernels, directory) ->
                    new Event.Started(
                        run,
                        model,
                        parameters,
                        model,
                        "cpu",
                        model,
                        Precision.BF16,
                        step,
                        step,
                        tokens,
                        tokens * 0.5,
                        bytes,
                        kernels,
                        step % 2 == 0,
                        directory));
    Arbitrary<Event> step =
        Combinators.combine(steps, numbers, numbers, numbers, numbers, numbers, maps(numbers))
            .as(
                (n, loss, lr, norm, ms, rate, kinds) ->
                    new Event.Step(n, loss, lr, norm, ms, rate, "cpu", kinds));
    Arbitrary<Event> ended =
        Combinators.combine(
                Arbitraries.of(Event.Outcome.class),
                steps,
                numbers.optional(),
                numbers.optional(),
                numbers,
                texts.optional())
            .as(Event.Ended::new);
    return Arbitraries.oneOf(
        started,
        step,
        ended,
        Combinators.combine(steps, numbers, numbers).as(Event.Evaluation::new),
        Combinators.combine(steps, texts).as(Event.SampleStarted::new),
        texts.map(Event.SampleText::new),
        Combinators.combine(steps, steps, numbers, texts).as(Event.SampleEnded::new),
        Combinators.combine(steps, paths(), longs, numbers).as(Event.Saved::new),
        Combinators.combine(steps, texts, texts, texts).as(Event.Changed::new),
        Combinators.combine(steps, steps).as(Event.Rewound::new),
        Combinators.combine(Arbitraries.of(Event.State.class), steps).as(Event.StateChanged::new),
        texts.map(Event.Warning::new));
  }

  @Property(tries = 1500)
  void whatIsWrittenIsReadAgain(@ForAll("events") Event event) throws JsonProcessingException {
    String line = EventJson.writeAll(event).toString();
    assertTrue(line.chars().noneMatch(c -> c < ' '), line);
    assertEquals(Optional.of(event), EventJson.read(JSON.readTree(line)));
  }

  @Property(tries = 300)
  void theShortFormLacksOnlyTheTimesOfOps(@ForAll("events") Event event)
      throws JsonProcessingException {
    JsonNode shorter = EventJson.write(event);
    Event read = EventJson.read(JSON.readTree(shorter.toString())).orElseThrow();
    Event expected =
        event instanceof Event.Step s
            ? new Event.Step(
                s.step(),
                s.loss(),
                s.learningRate(),
                s.gradientNorm(),
                s.milliseconds(),
                s.tokensPerSecond(),
                s.backend(),
                Map.of())
            : event;
    assertEquals(expected, read);
  }
}
