// Trains with a learning rate of one's own: two triangles, each lower than the one before it.
//
//   examples/run OwnSchedule [FILE]
//
// A saved run keeps such a schedule's name, "triangles", and not its code. Whoever goes on with it
// gives the code again: Anneal.load(run, "cpu", schedule.shape()).

import dev.anneal.Anneal;
import dev.anneal.Training;
import dev.anneal.training.Schedule;

final class OwnSchedule {
  private OwnSchedule() {}

  /** A fraction of the peak for update {@code step} of {@code steps}. */
  private static double triangles(int step, int steps) {
    int half = Math.ceilDiv(steps, 2);
    int triangle = (step - 1) / half;
    double at = (double) ((step - 1) % half + 1) / half;
    return (1 - Math.abs(2 * at - 1)) / (1 + triangle);
  }

  public static void main(String[] args) {
    Schedule schedule = Schedule.own("triangles", OwnSchedule::triangles, 3e-3, 40);
    Training training =
        (args.length > 0 ? Training.of(args[0]) : Training.ofJdkSources())
            .withSizes(2, 2, 64, 64)
            .withBatch(4, 64)
            .withSchedule(schedule);
    try (Anneal run = Anneal.begin(training, "cpu")) {
      run.train(
          step -> {
            if (step.step() % 5 == 0) {
              String rate = "#".repeat((int) Math.round(step.learningRate() / 3e-3 * 40));
              IO.println("%3d  loss %.3f  %s".formatted(step.step(), step.loss(), rate));
            }
          });
    }
  }
}
