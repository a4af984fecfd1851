package dev.anneal.run.log;

import dev.anneal.failure.Failure;
import dev.anneal.setting.Nearest;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a run logs at every step or evaluation. */
public enum Metric {
  LOSS("nats per token, of each batch"),
  VAL_LOSS("nats per token, of the held-out split"),
  LR("learning rate"),
  GRAD_NORM("global gradient norm before clipping"),
  MS("milliseconds per step"),
  TOKENS_PER_S("tokens per second");

  private final String description;

  Metric(String description) {
    this.description = description;
  }

  public String description() {
    return description;
  }

  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  public static List<String> keys() {
    return Arrays.stream(values()).map(Metric::key).toList();
  }

  /**
   * The metric that a user typed.
   *
   * @throws Failure when there is none of that name
   */
  public static Metric of(String key) {
    return Arrays.stream(values())
        .filter(metric -> metric.key().equalsIgnoreCase(key))
        .findFirst()
        .orElseThrow(() -> Failure.usage("there is no metric " + key + Nearest.among(key, keys())));
  }
}
