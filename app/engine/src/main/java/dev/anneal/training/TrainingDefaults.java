package dev.anneal.training;

/**
 * Defaults of training: llm.c's for OpenAI's models, and for the small model those with which it
 * learns the most in three minutes on two cores. They are constants of text or whole numbers, so
 * that help says what is used.
 */
public record TrainingDefaults(
    int steps,
    int batch,
    int sequence,
    double lr,
    int warmup,
    double finalFraction,
    double weightDecay,
    int evaluateEvery,
    int sampleTokens,
    int checkpointEvery) {

  /** llm.c's. */
  public static final class LlmC {
    private LlmC() {}

    public static final int STEPS = 100;
    public static final int BATCH = 4;
    public static final int SEQUENCE = 1024;
    public static final String LR = "3e-4";
    public static final int WARMUP = 0;
    public static final String FINAL_FRACTION = "1";
    public static final String WEIGHT_DECAY = "0";
    public static final int EVALUATE_EVERY = 20;
    public static final int SAMPLE_TOKENS = 64;
    public static final int CHECKPOINT_EVERY = 0;
  }

  /** Those of the small model. */
  public static final class Small {
    private Small() {}

    public static final int STEPS = 5000;
    public static final int BATCH = 8;
    public static final int SEQUENCE = 128;
    public static final String LR = "4e-3";
    public static final int WARMUP = 100;
    public static final String FINAL_FRACTION = "0.05";
    public static final String WEIGHT_DECAY = "0.1";
    public static final int EVALUATE_EVERY = 500;
    public static final int SAMPLE_TOKENS = 600;
    public static final int CHECKPOINT_EVERY = 1000;
  }

  public static final TrainingDefaults LLM_C =
      new TrainingDefaults(
          LlmC.STEPS,
          LlmC.BATCH,
          LlmC.SEQUENCE,
          Double.parseDouble(LlmC.LR),
          LlmC.WARMUP,
          Double.parseDouble(LlmC.FINAL_FRACTION),
          Double.parseDouble(LlmC.WEIGHT_DECAY),
          LlmC.EVALUATE_EVERY,
          LlmC.SAMPLE_TOKENS,
          LlmC.CHECKPOINT_EVERY);
  public static final TrainingDefaults SMALL =
      new TrainingDefaults(
          Small.STEPS,
          Small.BATCH,
          Small.SEQUENCE,
          Double.parseDouble(Small.LR),
          Small.WARMUP,
          Double.parseDouble(Small.FINAL_FRACTION),
          Double.parseDouble(Small.WEIGHT_DECAY),
          Small.EVALUATE_EVERY,
          Small.SAMPLE_TOKENS,
          Small.CHECKPOINT_EVERY);
}
