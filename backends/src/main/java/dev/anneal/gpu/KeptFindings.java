package dev.anneal.gpu;

import java.util.Optional;

/** What was found out by trying on one device, with one version of its driver and a library. */
public interface KeptFindings {
  /** What was found about something, perhaps by another process. */
  Optional<String> known(String about);

  /** Keeps it as long as it is true; what cannot be kept is found again. */
  void keep(String about, String found);
}
