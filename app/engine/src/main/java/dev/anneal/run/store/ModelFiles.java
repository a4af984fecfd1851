package dev.anneal.run.store;

import dev.anneal.checkpoint.FileFailures;
import dev.anneal.checkpoint.LlmcCheckpoint;
import dev.anneal.checkpoint.LlmcDebugState;
import dev.anneal.checkpoint.ModelFile;
import dev.anneal.checkpoint.PathKind;
import dev.anneal.checkpoint.ReferenceState;
import dev.anneal.failure.Failure;
import dev.anneal.huggingface.HubFolder;
import dev.anneal.huggingface.HubReference;
import java.nio.file.Path;

/**
 * Models of other programs, by what their files are: a folder of Hugging Face's, or llm.c's file.
 */
public final class ModelFiles {
  private ModelFiles() {}

  /**
   * Opens a model.
   *
   * @throws Failure when it is neither, or damaged
   */
  public static ModelFile open(Path path) {
    if (PathKind.of(path) != PathKind.FOLDER) {
      return LlmcCheckpoint.open(path).requireUsualPadding();
    }
    if (!HubFolder.is(path)) {
      throw Failure.failed(
          FileFailures.shown(path)
              + " has no "
              + HubFolder.CONFIG
              + "; expected a folder of Hugging Face's, or llm.c's checkpoint");
    }
    return HubFolder.open(path);
  }

  /**
   * Opens what another program computed for {@code model}, in the form that goes with it.
   *
   * @throws Failure when it is of another model, or damaged
   */
  public static ReferenceState openState(Path path, ModelFile model) {
    return switch (model) {
      case HubFolder folder -> HubReference.open(path, folder);
      case LlmcCheckpoint checkpoint -> LlmcDebugState.open(path, checkpoint);
      default -> throw new IllegalArgumentException("no state goes with " + model.path());
    };
  }
}
