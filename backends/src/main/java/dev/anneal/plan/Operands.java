package dev.anneal.plan;

import java.lang.invoke.MethodType;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * The {@link Operand}s of a class of ops, as its record's components are marked: read once per
 * class, by reflection, when a plan is first made with it; nothing of this runs in a step.
 *
 * <p>A class whose marks are incomplete has no {@code Operands}, so not even one op of it can be
 * made.
 */
final class Operands {
  private static final ClassValue<Operands> OF =
      new ClassValue<>() {
        @Override
        protected Operands computeValue(Class<?> type) {
          return new Operands(type);
        }
      };

  private enum Holder {
    ONE,
    OPTIONAL,
    LIST
  }

  /** A record's component. */
  private sealed interface Part {}

  private record Constant() implements Part {}

  private record Marked(
      Holder holder,
      Operand.Access access,
      Operand.Format format,
      boolean overwritable,
      ShapePattern shape)
      implements Part {}

  /** A record with tensors of its own. */
  private record Nested(Holder holder, Operands inner) implements Part {}

  private final Class<?> type;
  private final RecordComponent[] components;
  private final List<Part> parts;
  private final List<Method> accessors;
  private final Constructor<?> constructor;

  private Operands(Class<?> type) {
    this.type = type;
    if (!type.isRecord()) {
      throw new IllegalStateException(type.getSimpleName() + " is no record");
    }
    components = type.getRecordComponents();
    parts = Arrays.stream(components).map(this::part).toList();
    accessors = Arrays.stream(components).map(RecordComponent::getAccessor).toList();
    accessors.forEach(accessor -> accessor.setAccessible(true));
    try {
      constructor =
          type.getDeclaredConstructor(
              Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
    constructor.setAccessible(true);
  }

  /**
   * Those of a class.
   *
   * @throws IllegalStateException when a component has tensors and does not say what of them
   */
  static Operands of(Class<?> type) {
    return OF.get(type);
  }

  /**
   * Checks the shapes of an op that is being made.
   *
   * @param values of all components, in order
   * @throws IllegalArgumentException with op, tensor, expected and actual shape
   */
  static void fit(Class<? extends Record> type, Object... values) {
    of(type).fit(values);
  }

  private Part part(RecordComponent component) {
    Type generic = component.getGenericType();
    Holder holder =
        component.getType() == Optional.class
            ? Holder.OPTIONAL
            : component.getType() == List.class ? Holder.LIST : Holder.ONE;
    Type held =
        holder != Holder.ONE && generic instanceof ParameterizedType p
            ? p.getActualTypeArguments()[0]
            : generic;
    if (held == Tensor.class) {
      return marked(component, holder);
    }
    if (held instanceof Class<?> record && record.isRecord() && hasTensors(record)) {
      return new Nested(holder, of(record));
    }
    if (generic.getTypeName().contains(Tensor.class.getName())) {
      throw incomplete(component, "is neither a tensor nor an Optional or a List of such");
    }
    return new Constant();
  }

  private static boolean hasTensors(Class<?> record) {
    return Arrays.stream(record.getRecordComponents())
        .anyMatch(c -> c.getGenericType().getTypeName().contains(Tensor.class.getName()));
  }

  private Marked marked(RecordComponent component, Holder holder) {
    List<Operand.Access> accesses = new ArrayList<>();
    List<String> shapes = new ArrayList<>();
    Optional.ofNullable(component.getAnnotation(Operand.Reads.class))
        .ifPresent(
            mark -> {
              accesses.add(Operand.Access.READ);
              shapes.add(mark.value());
            });
    Optional.ofNullable(component.getAnnotation(Operand.Writes.class))
        .ifPresent(
            mark -> {
              accesses.add(Operand.Access.WRITTEN);
              shapes.add(mark.value());
            });
    Optional.ofNullable(component.getAnnotation(Operand.Updates.class))
        .ifPresent(
            mark -> {
              accesses.add(Operand.Access.UPDATED);
              shapes.add(mark.value());
            });
    List<Operand.Format> formats = formats(component);
    if (accesses.size() != 1 || formats.size() > 1) {
      throw incomplete(
          component, "needs one of @Reads, @Writes and @Updates, and at most one format");
    }
    return new Marked(
        holder,
        accesses.getFirst(),
        formats.isEmpty() ? Operand.Format.STORED : formats.getFirst(),
        component.isAnnotationPresent(Operand.Overwritable.class),
        ShapePattern.of(shapes.getFirst()));
  }

  private static List<Operand.Format> formats(AnnotatedElement component) {
    return Stream.of(Operand.Format.values())
        .filter(
            format ->
                switch (format) {
                  case STORED -> false;
                  case FP32 -> component.isAnnotationPresent(Operand.Fp32.class);
                  case INTEGERS -> component.isAnnotationPresent(Operand.Integers.class);
                  case EIGHT_BITS -> component.isAnnotationPresent(Operand.EightBits.class);
                  case MASTER -> component.isAnnotationPresent(Operand.Master.class);
                })
        .toList();
  }

  private IllegalStateException incomplete(RecordComponent component, String why) {
    return new IllegalStateException(type.getSimpleName() + ": " + component.getName() + " " + why);
  }

  /** All of {@code op}, in the order of its components. */
  List<Operand> list(Object op) {
    List<Operand> all = new ArrayList<>();
    visit(values(op), (part, operand) -> all.add(operand));
    return all;
  }

  private interface Visitor {
    void visit(Marked mark, Operand operand);
  }

  private void visit(Object[] values, Visitor visitor) {
    for (int i = 0; i < values.length; i++) {
      String name = components[i].getName();
      switch (parts.get(i)) {
        case Constant none -> {}
        case Marked mark ->
            held(mark.holder(), values[i])
                .forEach(
                    tensor ->
                        visitor.visit(
                            mark,
                            new Operand(
                                name,
                                (Tensor) tensor,
                                mark.access(),
                                mark.format(),
                                mark.overwritable())));
        case Nested nested ->
            held(nested.holder(), values[i])
                .forEach(record -> nested.inner().visit(nested.inner().values(record), visitor));
      }
    }
  }

  private static Stream<?> held(Holder holder, Object value) {
    return switch (holder) {
      case ONE -> Stream.of(value);
      case OPTIONAL -> ((Optional<?>) value).stream();
      case LIST -> ((List<?>) value).stream();
    };
  }

  /** {@code op} with every tensor replaced by its image. */
  Object map(Object op, UnaryOperator<Tensor> f) {
    Object[] values = values(op);
    for (int i = 0; i < values.length; i++) {
      switch (parts.get(i)) {
        case Constant none -> {}
        case Marked mark ->
            values[i] = mapped(mark.holder(), values[i], tensor -> f.apply((Tensor) tensor));
        case Nested nested ->
            values[i] = mapped(nested.holder(), values[i], record -> nested.inner().map(record, f));
      }
    }
    return make(values);
  }

  private static Object mapped(Holder holder, Object value, UnaryOperator<Object> f) {
    return switch (holder) {
      case ONE -> f.apply(value);
      case OPTIONAL -> ((Optional<?>) value).map(f);
      case LIST -> ((List<?>) value).stream().map(f).toList();
    };
  }

  /** {@code op} with another value of a component. */
  Object with(Object op, String component, Object value) {
    Object[] values = values(op);
    values[index(component)] = value;
    return make(values);
  }

  private int index(String component) {
    for (int i = 0; i < components.length; i++) {
      if (components[i].getName().equals(component)) {
        return i;
      }
    }
    throw new IllegalArgumentException(type.getSimpleName() + " has no " + component);
  }

  private void fit(Object... values) {
    boolean all = values.length == components.length;
    for (int i = 0; all && i < values.length; i++) {
      all =
          MethodType.methodType(components[i].getType()).wrap().returnType().isInstance(values[i]);
    }
    if (!all) {
      throw new IllegalStateException(type.getSimpleName() + " checks other values than it has");
    }
    ShapePattern.Sizes sizes = new ShapePattern.Sizes();
    for (int i = 0; i < values.length; i++) {
      if (values[i] instanceof Integer size) {
        sizes.set(components[i].getName(), size);
      }
    }
    // Results come last, so that it is they that are said to be wrong.
    for (boolean results : new boolean[] {false, true}) {
      visit(
          values,
          (mark, operand) -> {
            if (results == (operand.access() == Operand.Access.WRITTEN)) {
              check(mark, operand, sizes, values);
            }
          });
    }
  }

  private void check(Marked mark, Operand operand, ShapePattern.Sizes sizes, Object[] values) {
    mark.shape()
        .mismatch(operand.tensor().shape(), sizes, name -> Boolean.TRUE.equals(values[index(name)]))
        .ifPresent(
            expected -> {
              throw new IllegalArgumentException(
                  type.getSimpleName()
                      + ": "
                      + operand.name()
                      + " is "
                      + operand.tensor()
                      + ", expected "
                      + expected);
            });
  }

  private Object[] values(Object op) {
    return accessors.stream().map(accessor -> call(() -> accessor.invoke(op))).toArray();
  }

  private Object make(Object[] values) {
    return call(() -> constructor.newInstance(values));
  }

  private interface Call {
    Object make() throws ReflectiveOperationException;
  }

  private static Object call(Call call) {
    try {
      return call.make();
    } catch (InvocationTargetException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
