package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;

/**
 * A C function as a vendor's header declares it; tests hold it against the header by its name.
 * Handles and device addresses may be longs where the header has pointers.
 */
public record CFunction(String name, FunctionDescriptor type) {

  /** One that returns a result code. */
  public static CFunction status(String name, MemoryLayout... parameters) {
    return new CFunction(name, FunctionDescriptor.of(JAVA_INT, parameters));
  }
}
