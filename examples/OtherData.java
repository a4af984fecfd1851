// Trains on one text, and goes on from that checkpoint with another one.
//
//   examples/run OtherData FILE OTHER [RUN]
//
// RUN is a new directory for the first run; without it, a temporary one.

import dev.anneal.Anneal;
import dev.anneal.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class OtherData {
  private OtherData() {}

  public static void main(String[] args) throws IOException {
    if (args.length < 2) {
      IO.println("expected two texts, and a directory for the first run if it is to be kept");
      return;
    }
    Path first = args.length > 2 ? Path.of(args[2]) : Files.createTempDirectory("anneal");
    Training training = Training.of(args[0]).withSizes(2, 2, 64, 64).withBatch(4, 64).withSteps(60);
    try (Anneal run = Anneal.begin(training, "cpu")) {
      run.train();
      IO.println("on %s: %.3f".formatted(args[0], run.evaluate()));
      IO.println("saved " + run.save(first));
    }
    // The weights go on; the first update is 1 again, and the optimizer's moments are 0.
    Training onOther = Training.of(first).withData(args[1]).withLearningRate(1e-3).withSteps(30);
    try (Anneal run = Anneal.beginWith(first, onOther, "cpu")) {
      IO.println("on %s before: %.3f".formatted(args[1], run.evaluate()));
      run.train();
      IO.println("on %s after: %.3f".formatted(args[1], run.evaluate()));
    }
  }
}
