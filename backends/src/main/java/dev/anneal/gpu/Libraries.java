package dev.anneal.gpu;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a vendor's libraries do on a device; all else, own kernels do.
 *
 * @param missing why one that a user would want is not among them, a line each
 */
public record Libraries(
    Optional<? extends MatrixLibrary> matrices,
    Optional<? extends AttentionLibrary> attention,
    List<String> missing) {
  public static final Libraries NONE = new Libraries(Optional.empty(), Optional.empty(), List.of());

  public Libraries {
    missing = List.copyOf(missing);
  }

  /** What they are not there for, or could not do so far and had been expected to, a line each. */
  List<String> refusals() {
    return Stream.of(
            missing.stream(),
            matrices.flatMap(MatrixLibrary::refusal).stream(),
            matrices.stream().flatMap(library -> library.remarks().stream()),
            attention.flatMap(AttentionLibrary::refusal).stream())
        .flatMap(lines -> lines)
        .toList();
  }

  /** Releases all of them. */
  void close() {
    matrices.ifPresent(MatrixLibrary::close);
    attention.ifPresent(AttentionLibrary::close);
  }
}
