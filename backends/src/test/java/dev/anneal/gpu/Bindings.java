package dev.anneal.gpu;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/** All numbers and functions of headers that the classes of a package pass to a library. */
public final class Bindings {
  private final List<HeaderConstant> numbers = new ArrayList<>();
  private final List<CFunction> functions = new ArrayList<>();
  private final TreeSet<String> integers = new TreeSet<>();

  /** Of {@code dev.anneal.<name>}, from the class files. */
  public static Bindings of(String name) throws Exception {
    Bindings found = new Bindings();
    Path folder =
        Path.of(HeaderConstant.class.getResource("HeaderConstant.class").toURI())
            .getParent()
            .resolveSibling(name);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
        String type = file.getFileName().toString().replace(".class", "");
        found.look(Class.forName("dev.anneal." + name + "." + type));
      }
    }
    return found;
  }

  public List<HeaderConstant> numbers() {
    return numbers;
  }

  public List<CFunction> functions() {
    return functions;
  }

  /** Static numbers that are of no header, by class and name: nobody may pass them to a library. */
  public TreeSet<String> integers() {
    return integers;
  }

  private void look(Class<?> type) throws ReflectiveOperationException {
    for (Field field : type.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
        if (field.getType() == int.class || field.getType() == long.class) {
          integers.add(type.getSimpleName() + "." + field.getName());
        } else if (!field.getType().isPrimitive()) {
          field.setAccessible(true);
          add(field.get(null));
        }
      }
    }
  }

  private void add(Object value) throws ReflectiveOperationException {
    switch (value) {
      case null -> {}
      case HeaderConstant number -> numbers.add(number);
      case CFunction function -> functions.add(function);
      case Optional<?> some -> add(some.orElse(null));
      case Collection<?> many -> {
        for (Object each : many) {
          add(each);
        }
      }
      case Map<?, ?> map -> add(map.values());
      case Record some when ours(some) -> {
        for (RecordComponent component : some.getClass().getRecordComponents()) {
          component.getAccessor().setAccessible(true);
          add(component.getAccessor().invoke(some));
        }
      }
      case Enum<?> constant when ours(constant) -> {
        for (Field field : constant.getDeclaringClass().getDeclaredFields()) {
          if (!Modifier.isStatic(field.getModifiers())
              && (field.getType() == HeaderConstant.class || field.getType() == CFunction.class)) {
            field.setAccessible(true);
            add(field.get(constant));
          }
        }
      }
      default -> {}
    }
  }

  private static boolean ours(Object value) {
    return value.getClass().getPackageName().startsWith("dev.anneal.");
  }
}
