package dev.anneal.terminal.dashboard;

import dev.anneal.eval.Peak;
import dev.anneal.run.log.History;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Everything that a frame shows, at one moment.
 *
 * @param name of the run
 * @param live whether it can be steered
 * @param others overlaid runs by name
 * @param system what the process uses
 * @param peak what the device can do at most
 * @param zone of the event log's times
 * @param waiting what the run or the dashboard does at the moment
 */
public record Scene(
    History.Snapshot run,
    String name,
    boolean live,
    SequencedMap<String, History.Snapshot> others,
    SystemUse system,
    List<BackendRow> backends,
    List<RunRow> runs,
    Optional<Peak> peak,
    boolean recording,
    ZoneId zone,
    Optional<Waiting> waiting) {

  /**
   * What takes its time.
   *
   * @param what such as {@code evaluating}
   * @param seconds by now
   */
  public record Waiting(String what, double seconds) {}

  /**
   * A backend beside the others.
   *
   * @param state {@code live}, {@code ready}, or why there is none
   */
  public record BackendRow(String backend, String device, Optional<Double> stepMs, String state) {}

  /** A run on disk. */
  public record RunRow(String name, int step, boolean current) {}

  /**
   * What the process uses.
   *
   * @param cpu share of all cores
   * @param residentBytes of memory, 0 where it is not known
   * @param gcShare of the time since start
   */
  public record SystemUse(
      double cpu, long residentBytes, long heapBytes, long heapMaxBytes, double gcShare) {}
}
