package dev.anneal.run.store;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.anneal.checkpoint.FileWriter;
import dev.anneal.run.config.RunConfig;
import java.util.Map;

/** What a run's directory keeps of the run, as it is now. */
public interface Kept {
  RunConfig config();

  /** Updates so far. */
  int step();

  String corpusFingerprint();

  /** The files of a checkpoint by name, which read the weights as they are written. */
  Map<String, FileWriter> files();

  /** What a checkpoint's manifest says. */
  ObjectNode meta();
}
