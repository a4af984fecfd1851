package dev.anneal.terminal.dashboard;

import dev.anneal.plan.Precision;
import dev.anneal.run.log.Event;
import dev.anneal.run.log.Event.Outcome;
import dev.anneal.run.log.Event.State;
import dev.anneal.run.log.History;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/** What runs have said, the same on every machine and at every time. */
public enum Histories {
  EMPTY {
    @Override
    void tell(Teller run) {}
  },
  ONE_POINT {
    @Override
    void tell(Teller run) {
      run.started("gpt2 small: 1 layer", 100);
      run.evaluation(0, 5.5452);
      run.step(1, 5.5401);
    }
  },
  CONSTANT {
    @Override
    void tell(Teller run) {
      run.started("gpt2 small: 1 layer", 400);
      for (int i = 1; i <= 400; i++) {
        run.step(i, 2.5);
      }
      run.evaluation(400, 2.5);
      run.say(new Event.StateChanged(State.PAUSED, 400));
    }
  },
  NOT_FINITE {
    @Override
    void tell(Teller run) {
      run.started("gpt2 small: 1 layer", 400);
      for (int i = 1; i <= 300; i++) {
        double loss = 5 - i / 100.0;
        run.step(
            i,
            i % 50 == 20
                ? Double.NaN
                : i == 200
                    ? Double.POSITIVE_INFINITY
                    : i == 201 ? Double.NEGATIVE_INFINITY : i == 300 ? Double.NaN : loss);
      }
      run.say(
          new Event.Ended(
              Outcome.NOT_FINITE,
              299,
              Optional.of(2.01),
              Optional.empty(),
              8.2,
              Optional.of(
                  "the loss of step 300 is NaN and the gradient norm Infinity; the weights are as"
                      + " before that step; try a lower --lr")));
    }
  },
  /** 100,000 steps, with everything that a run can say. */
  LONG {
    @Override
    void tell(Teller run) {
      run.started("GPT-2, 12 layers of 12 heads, 768 channels, context 1024", 120_000);
      run.say(new Event.Changed(0, "temperature", "1", "0.8"));
      run.learn(100_000, i -> 1.5 + 9.3 / (1 + i / 1500.0));
      run.say(new Event.Saved(100_000, Path.of("runs/run-7/step-100000"), 497_759_232, 912));
      run.say(new Event.SampleStarted(98_000, "Once upon a time"));
      String text =
          " there was a small house by the sea, and the man who lived in it\nwas a writer.";
      run.say(new Event.SampleText(text));
      run.say(new Event.SampleEnded(98_000, 64, 840, text));
      run.say(new Event.Warning("step 98102 took 22.7 ms\033[2J\007 and a bell"));
      run.say(new Event.Changed(99_000, "lr", "3e-4", "1e-4"));
      run.say(new Event.SampleStarted(100_000, "He said \033]0;owned\007"));
      run.say(new Event.SampleText(" \033[31mred\033[0m café — naïve\ttab 漢字 e\u0301 \u202e"));
    }
  },
  DONE {
    @Override
    void tell(Teller run) {
      run.started("gpt2 small: 1 layer", 800);
      run.learn(800, i -> 2.1 + 3 * Math.exp(-i / 120.0));
      run.say(
          new Event.Ended(
              Outcome.COMPLETED,
              800,
              Optional.of(2.1234),
              Optional.of(2.2001),
              125,
              Optional.empty()));
    }
  },
  FAILED {
    @Override
    void tell(Teller run) {
      run.started("gpt2 small: 1 layer", 800);
      run.learn(300, i -> 2.1 + 3 * Math.exp(-i / 120.0));
      run.say(
          new Event.Ended(
              Outcome.FAILED,
              300,
              Optional.of(2.3),
              Optional.empty(),
              30,
              Optional.of("runs/run-7 cannot be written to: no space left on the device")));
    }
  };

  private static final Instant BEGIN = Instant.parse("2026-01-02T12:29:00Z");

  private Optional<History.Snapshot> told = Optional.empty();

  abstract void tell(Teller run);

  /** All that the run has said; told once. */
  synchronized History.Snapshot history() {
    if (told.isEmpty()) {
      Teller teller = new Teller();
      tell(teller);
      told = Optional.of(teller.history.snapshot());
    }
    return told.get();
  }

  /** Says events, one every second. */
  static final class Teller {
    private final History history = new History();
    private int said;

    void say(Event event) {
      history.on(event, BEGIN.plusSeconds(said++));
    }

    void started(String model, int steps) {
      say(
          new Event.Started(
              "run-7",
              model,
              124_439_808,
              "shakespeare.txt, 1,115,394 tokens",
              "cpu",
              "Reference CPU, 2 threads",
              Precision.FP32,
              0,
              steps,
              1024,
              9e6,
              Map.of("parameters", 497_759_232L, "activations", 210_000_000L, "workspace", 4096L),
              Map.of(),
              true,
              Optional.of(Path.of("runs/run-7"))));
      say(new Event.StateChanged(State.RUNNING, 0));
    }

    void step(int step, double loss) {
      double ms = 18.4 + noise(step) * 0.8 + (step % 97 == 0 ? 4.3 : 0);
      history.on(
          new Event.Step(
              step,
              loss,
              4e-3 * Math.min(1, step / 100.0),
              Double.isFinite(loss) ? 0.8 + noise(step + 7) / 4 : Double.NaN,
              ms,
              1024 / ms * 1000,
              "cpu",
              Map.of(
                  "MatmulForward", 6.1,
                  "MatmulBackward", 8.2,
                  "Attention", 1.5,
                  "AttentionBackward", 1.9,
                  "Gelu", 0.4,
                  "AdamW", 0.2)),
          BEGIN.plusSeconds(said));
    }

    void evaluation(int step, double loss) {
      say(new Event.Evaluation(step, loss, 120));
    }

    /** Steps whose loss follows a curve with noise and, every now and then, a spike. */
    void learn(int steps, IntToDoubleFunction curve) {
      for (int i = 1; i <= steps; i++) {
        double spike = i % (steps * 3 / 8) == 0 ? 1.2 : 0;
        step(i, curve.applyAsDouble(i) + 0.25 * noise(i) + spike);
        if (i % (steps / 20) == 0) {
          evaluation(i, curve.applyAsDouble(i) + 0.3);
        }
      }
    }

    /** Between -1 and 1. */
    private static double noise(int i) {
      long x = i * 0x9E3779B97F4A7C15L;
      x ^= x >>> 32;
      x *= 0xD6E8FEB86659FD93L;
      x ^= x >>> 32;
      return (x >>> 11) * 0x1p-52 - 1;
    }
  }
}
