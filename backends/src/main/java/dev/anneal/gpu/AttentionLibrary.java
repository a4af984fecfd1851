package dev.anneal.gpu;

import dev.anneal.launch.AttentionSupport;
import dev.anneal.launch.FusedAttention;
import java.util.Optional;

/** Causal self-attention by a library, for the formats and shapes that it has a kernel for. */
public interface AttentionLibrary extends AttentionSupport, KeptFindings, AutoCloseable {

  /** What the library could not do so far and had been expected to, in a line. */
  Optional<String> refusal();

  /** Makes a command ready to run many times, for a shape that there is scratch for. */
  PreparedCommand prepare(FusedAttention command);

  @Override
  void close();
}
