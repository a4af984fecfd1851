package dev.anneal.launch;

import dev.anneal.device.Suits;
import java.util.Optional;

/** A device as one chooses among versions of kernels for it. */
public interface Machine {

  /** The name of its backend, for messages. */
  String backend();

  boolean has(Suits.Feature feature);

  /** Whether it is of the kind that a version is for. */
  boolean isMeant(Suits suits);

  /**
   * Why a version of {@code suits} cannot run on it, as what follows "it"; nothing where it can.
   * Whether it is meant for such a device is another matter.
   */
  Optional<String> lacks(Suits suits);

  /** The name of the library that a version of {@code suits} needs; empty where it needs none. */
  String library(Suits suits);

  /** Says that its driver does not run a kernel. */
  String refusing(String kernel, String why);

  /** Whether a version can run on it, and is for devices of its kind. */
  default boolean suits(Suits suits) {
    return isMeant(suits) && lacks(suits).isEmpty();
  }
}
