package dev.anneal.gpu;

import java.util.Optional;

/** What a vendor's libraries do on a device; all else, own kernels do. */
public record Libraries(
    Optional<? extends MatrixLibrary> matrices, Optional<? extends AttentionLibrary> attention) {
  public static final Libraries NONE = new Libraries(Optional.empty(), Optional.empty());

  /** Releases all of them. */
  void close() {
    matrices.ifPresent(MatrixLibrary::close);
    attention.ifPresent(AttentionLibrary::close);
  }
}
