package dev.anneal.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;

/** The functions that cuBLASLt and hipBLASLt have alike but for what their names begin with. */
public enum BlasLtFunction {
  CREATE("Create", ADDRESS),
  DESTROY("Destroy", ADDRESS),
  MATMUL_DESC_CREATE("MatmulDescCreate", ADDRESS, JAVA_INT, JAVA_INT),
  MATMUL_DESC_DESTROY("MatmulDescDestroy", ADDRESS),
  MATMUL_DESC_SET_ATTRIBUTE("MatmulDescSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG),
  MATRIX_LAYOUT_CREATE("MatrixLayoutCreate", ADDRESS, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG),
  MATRIX_LAYOUT_DESTROY("MatrixLayoutDestroy", ADDRESS),
  PREFERENCE_CREATE("MatmulPreferenceCreate", ADDRESS),
  PREFERENCE_DESTROY("MatmulPreferenceDestroy", ADDRESS),
  PREFERENCE_SET_ATTRIBUTE("MatmulPreferenceSetAttribute", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG),
  HEURISTIC(
      "MatmulAlgoGetHeuristic",
      ADDRESS,
      ADDRESS,
      ADDRESS,
      ADDRESS,
      ADDRESS,
      ADDRESS,
      ADDRESS,
      JAVA_INT,
      ADDRESS,
      ADDRESS),
  MATMUL(
      "Matmul", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS,
      JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);

  private final String name;
  private final MemoryLayout[] parameters;

  BlasLtFunction(String name, MemoryLayout... parameters) {
    this.name = name;
    this.parameters = parameters;
  }

  /** As the library has it whose functions' names begin with {@code prefix}. */
  public CFunction of(String prefix) {
    return CFunction.status(prefix + name, parameters);
  }
}
