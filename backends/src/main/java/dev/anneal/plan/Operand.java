package dev.anneal.plan;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A tensor of an op, and what the op's record says of it: whether it is read or written, and in
 * which format. The marks below say so on the record's components, once; all that needs to know
 * (reads and writes, copies with other tensors, checks of shapes, formats) follows from them.
 *
 * <p>A component with tensors is a {@link Tensor}, an {@link java.util.Optional} or a {@link
 * java.util.List} of such, or a record that has such components itself.
 *
 * @param name of the component
 * @param overwritable whether the main result may take over its memory
 */
public record Operand(
    String name, Tensor tensor, Access access, Format format, boolean overwritable) {

  /** What an op does with a tensor. */
  public enum Access {
    READ,
    WRITTEN,
    /** Read and written: state that is changed in place. */
    UPDATED
  }

  /** In which format an op has a tensor. */
  public enum Format {
    /** As activations and weights are; all such tensors of an op have the same one. */
    STORED,
    /** Always fp32: what few numbers say of many, gradients of parameters, state of optimizers. */
    FP32,
    /** 32 bits, no fraction. */
    INTEGERS,
    /** 8 bits, or in fp32 what was rounded to 8 bits, to compare with. */
    EIGHT_BITS,
    /** A parameter: fp32, or as {@link #STORED}. */
    MASTER
  }

  /**
   * Read, of this {@link ShapePattern shape}. An op has no effect on it, but where it is {@link
   * Overwritable}.
   */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Reads {
    String value();
  }

  /** Given a value, of this {@link ShapePattern shape}; the first such is an op's main result. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Writes {
    String value();
  }

  /** Read and given a new value in place, of this {@link ShapePattern shape}. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Updates {
    String value();
  }

  /** The main result may lie where this one does, when nobody reads this one any more. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Overwritable {}

  /** In {@link Format#FP32}. Without a mark, a tensor is {@link Format#STORED}. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Fp32 {}

  /** In {@link Format#INTEGERS}. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Integers {}

  /** In {@link Format#EIGHT_BITS}. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface EightBits {}

  /** In {@link Format#MASTER}. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Master {}
}
