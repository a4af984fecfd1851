package dev.anneal.setting;

/** The values that a number may have. */
public sealed interface Range {

  /** Why a value is out of range begins with the value; this is what follows. */
  String expected();

  boolean contains(double value);

  /** Whole numbers from {@code least} to {@code most}. */
  record Whole(long least, long most) implements Range {
    @Override
    public boolean contains(double value) {
      return value >= least && value <= most && value == Math.rint(value);
    }

    @Override
    public String expected() {
      return most == Integer.MAX_VALUE || most == Long.MAX_VALUE
          ? "at least " + least
          : least + " to " + most;
    }
  }

  /**
   * Numbers from {@code least} to {@code most}.
   *
   * @param open whether {@code least} itself is out of range
   * @param below whether {@code most} itself is out of range
   */
  record Real(double least, boolean open, double most, boolean below) implements Range {
    static Real from(double least) {
      return new Real(least, false, Float.MAX_VALUE, false);
    }

    static Real above(double least, double most) {
      return new Real(least, true, most, false);
    }

    static Real within(double least, double most) {
      return new Real(least, false, most, false);
    }

    static Real below(double least, double most) {
      return new Real(least, false, most, true);
    }

    @Override
    public boolean contains(double value) {
      return (open ? value > least : value >= least) && (below ? value < most : value <= most);
    }

    @Override
    public String expected() {
      String from = (open ? "more than " : "at least ") + shown(least);
      return most == Float.MAX_VALUE
          ? from
          : from + (below ? " and less than " : " and at most ") + shown(most);
    }

    private static String shown(double value) {
      return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
    }
  }
}
