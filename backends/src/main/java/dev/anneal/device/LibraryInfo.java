package dev.anneal.device;

import java.util.List;
import java.util.Optional;

/** A library that a backend looks for, as {@code anneal backends -v} lists it. */
public sealed interface LibraryInfo {

  /** E.g. {@code libnvrtc}. */
  String name();

  /**
   * It is here.
   *
   * @param path of its file; empty when only another library knows it
   * @param version as it says itself; empty when it says none
   */
  record Found(String name, Optional<String> path, Optional<String> version)
      implements LibraryInfo {}

  /**
   * It is not, or not to be used.
   *
   * @param reason in one line
   * @param searched all places where it could have been
   */
  record Missing(String name, String reason, List<String> searched) implements LibraryInfo {
    public Missing {
      searched = List.copyOf(searched);
    }
  }
}
