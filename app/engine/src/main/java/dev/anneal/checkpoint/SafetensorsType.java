package dev.anneal.checkpoint;

import dev.anneal.plan.DType;
import java.util.Optional;

/** The element types of the safetensors format, version 0.8, and their sizes in bits. */
public enum SafetensorsType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private final int bits;

  SafetensorsType(int bits) {
    this.bits = bits;
  }

  public int bits() {
    return bits;
  }

  /** The type that plans compute with, where there is one. */
  public Optional<DType> dtype() {
    return switch (this) {
      case F32 -> Optional.of(DType.F32);
      case BF16 -> Optional.of(DType.BF16);
      case F16 -> Optional.of(DType.F16);
      case F8_E4M3 -> Optional.of(DType.F8E4M3);
      case F8_E5M2 -> Optional.of(DType.F8E5M2);
      case I32 -> Optional.of(DType.I32);
      default -> Optional.empty();
    };
  }

  public static SafetensorsType of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
      case F8E4M3 -> F8_E4M3;
      case F8E5M2 -> F8_E5M2;
      case F8E4M3FNUZ, F8E5M2FNUZ ->
          throw new IllegalArgumentException("safetensors have no type " + dtype);
      case I32 -> I32;
    };
  }
}
