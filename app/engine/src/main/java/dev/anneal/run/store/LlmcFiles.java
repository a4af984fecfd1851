package dev.anneal.run.store;

import static java.util.Objects.requireNonNull;

import dev.anneal.checkpoint.FileWriter;
import dev.anneal.checkpoint.LlmcCheckpoint;
import dev.anneal.checkpoint.OutputFile;
import dev.anneal.checkpoint.Safetensors;
import dev.anneal.checkpoint.SafetensorsEntry;
import dev.anneal.checkpoint.SafetensorsType;
import dev.anneal.model.ModelConfig;
import dev.anneal.plan.DType;
import dev.anneal.plan.Tensor;
import dev.anneal.training.MemoryFloor;
import java.util.LinkedHashMap;
import java.util.Map;

/** llm.c's checkpoints from runs. */
public final class LlmcFiles {
  private LlmcFiles() {}

  /**
   * Writes the weights of {@code saved} to {@code file}.
   *
   * @return its size in bytes
   */
  public static long export(Checkpoints.Saved saved, DType dtype, OutputFile file) {
    ModelConfig config = saved.config().model();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    MemoryFloor.ofWeights(config).requirePossible();
    config.model().parameters().forEach(p -> tensors.put(p.name(), p.tensor()));
    try (Safetensors weights = Checkpoints.openWeights(saved)) {
      FileWriter writer =
          LlmcCheckpoint.writer(
              config,
              config.paddedVocabulary(),
              dtype,
              (name, first, floats) -> {
                Tensor tensor = requireNonNull(tensors.get(name));
                SafetensorsEntry entry =
                    weights.require(
                        name,
                        SafetensorsType.of(tensor.dtype()),
                        tensor.shape().dims().stream().map(Integer::longValue).toList());
                weights.read(entry, 4 * first, floats);
              });
      file.write(writer);
      return writer.bytes();
    }
  }
}
