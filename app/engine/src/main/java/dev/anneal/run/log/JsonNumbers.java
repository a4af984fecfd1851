package dev.anneal.run.log;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import java.util.Map;

/**
 * Numbers in JSON, which has no NaN and no infinity: such a number is {@code null}, and its object
 * says in {@value #NOT_FINITE} what it was, {@code {"loss":null,"not_finite":{"loss":"NaN"}}}. So a
 * field has one type, and nothing is lost.
 */
public final class JsonNumbers {
  /** The field that says what the nulls beside it are. */
  public static final String NOT_FINITE = "not_finite";

  private JsonNumbers() {}

  /** Replaces, in {@code node} and all that is in it, what is no number in JSON. */
  public static <N extends JsonNode> N finite(N node) {
    if (node instanceof ObjectNode object) {
      ObjectNode odd = JsonNodeFactory.instance.objectNode();
      for (Map.Entry<String, JsonNode> entry : List.copyOf(object.properties())) {
        if (isOdd(entry.getValue())) {
          odd.put(entry.getKey(), entry.getValue().asText());
          object.putNull(entry.getKey());
        } else if (entry.getValue() instanceof ArrayNode array) {
          finite(array, entry.getKey(), odd);
        } else {
          finite(entry.getValue());
        }
      }
      if (!odd.isEmpty()) {
        object.withObject("/" + NOT_FINITE).setAll(odd);
      }
    }
    return node;
  }

  /** Elements are named {@code values[3]}. */
  private static void finite(ArrayNode array, String name, ObjectNode odd) {
    for (int i = 0; i < array.size(); i++) {
      if (isOdd(array.get(i))) {
        odd.put(name + "[" + i + "]", array.get(i).asText());
        array.setNull(i);
      } else if (array.get(i) instanceof ArrayNode inner) {
        finite(inner, name + "[" + i + "]", odd);
      } else {
        finite(array.get(i));
      }
    }
  }

  private static boolean isOdd(JsonNode node) {
    return node.isFloatingPointNumber() && !Double.isFinite(node.asDouble());
  }

  /** The number that {@code object} has under {@code name}; NaN without one. */
  static double read(JsonNode object, String name) {
    JsonNode value = object.path(name);
    // Logs of earlier versions have the text in place of the number.
    String odd = value.isNull() ? object.path(NOT_FINITE).path(name).asText() : value.asText();
    return switch (odd) {
      case "Infinity" -> Double.POSITIVE_INFINITY;
      case "-Infinity" -> Double.NEGATIVE_INFINITY;
      case "NaN" -> Double.NaN;
      default -> value.isNumber() ? value.asDouble() : Double.NaN;
    };
  }

  /** A setting's value: a number where it is written as one, else its text. */
  public static JsonNode of(String text) {
    try {
      long whole = Long.parseLong(text);
      if (Long.toString(whole).equals(text)) {
        return LongNode.valueOf(whole);
      }
    } catch (NumberFormatException e) {
      // Not a whole number.
    }
    try {
      double value = Double.parseDouble(text);
      if (Double.isFinite(value) && number(value).equals(text)) {
        return DoubleNode.valueOf(value);
      }
    } catch (NumberFormatException e) {
      // A word.
    }
    return TextNode.valueOf(text);
  }

  /** A setting's value as it was written, from what {@link #of} made of it. */
  static String text(JsonNode value) {
    return value.isFloatingPointNumber() ? number(value.asDouble()) : value.asText();
  }

  /** A number as a user would type it: {@code 200}, {@code 0.1}, {@code 3e-4}. */
  public static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9
        ? String.valueOf((long) value)
        : String.valueOf(value).replace(".0E", "e").replace('E', 'e');
  }
}
