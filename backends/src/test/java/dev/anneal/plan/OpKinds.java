package dev.anneal.plan;

import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** All kinds of ops that there are, as the compiler knows them. */
public final class OpKinds {
  private OpKinds() {}

  /** The records that are ops, each once. */
  public static List<Class<?>> all() {
    return under(Op.class).distinct().toList();
  }

  /** The records that {@code kind}, sealed, permits, or permits by way of others. */
  public static Stream<Class<?>> under(Class<?> kind) {
    return kind.isRecord()
        ? Stream.of(kind)
        : Stream.of(kind.getPermittedSubclasses()).flatMap(OpKinds::under);
  }

  /** The names of those of {@code kinds} that a list lacks. */
  public static List<String> missing(Collection<Class<?>> kinds, Collection<Class<?>> list) {
    return kinds.stream().filter(kind -> !list.contains(kind)).map(Class::getSimpleName).toList();
  }
}
