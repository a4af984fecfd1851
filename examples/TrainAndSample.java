// Trains a small GPT-2 on a text, says what it writes, and keeps it.
//
//   examples/run TrainAndSample [FILE [RUN]]
//
// FILE is any text, the sources of this JDK by default; RUN a new directory, in which the model is
// kept: ./anneal sample --checkpoint RUN continues prompts with it.

import dev.anneal.Anneal;
import dev.anneal.Training;
import java.nio.file.Path;

final class TrainAndSample {
  private TrainAndSample() {}

  public static void main(String[] args) {
    Training training =
        (args.length > 0 ? Training.of(args[0]) : Training.ofJdkSources())
            .withSizes(2, 2, 64, 64)
            .withBatch(4, 64)
            .withSteps(100);
    try (Anneal run = Anneal.begin(training, "cpu")) {
      run.train(
          step -> {
            if (step.step() % 20 == 0) {
              IO.println("step %d: loss %.3f".formatted(step.step(), step.loss()));
            }
          });
      IO.println("on text it has not seen: %.3f".formatted(run.evaluate()));
      run.sample("", 100).forEach(IO::print);
      IO.println();
      if (args.length > 1) {
        IO.println("saved " + run.save(Path.of(args[1])));
      }
    }
  }
}
