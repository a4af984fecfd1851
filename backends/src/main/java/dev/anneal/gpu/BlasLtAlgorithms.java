package dev.anneal.gpu;

import dev.anneal.device.ProductAlgorithm;
import dev.anneal.device.ProductAlgorithm.Source;
import dev.anneal.gpu.BlasLtProduct.Algorithm;
import dev.anneal.gpu.BlasLtProduct.Offer;
import dev.anneal.launch.Product;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The algorithm that each product is done with: what the run had that goes on, else what a trial
 * found before, else what a trial finds now, else the library's first.
 */
final class BlasLtAlgorithms {
  /** Algorithms that the library is asked for. */
  private static final int MOST = 24;

  private final String library;
  private final BlasLtCalls calls;
  private final Optional<ProductTrials> trials;
  private final Map<String, Choice> chosen = new TreeMap<>();
  private Map<String, String> recorded = Map.of();
  private final List<String> remarks = new ArrayList<>();

  private record Choice(Algorithm algorithm, ProductAlgorithm how) {}

  /** Whether a product can be done. */
  sealed interface Answer {}

  record Done() implements Answer {}

  /**
   * @param why as it ends a line
   */
  record Refused(String why) implements Answer {}

  /**
   * @param library with all of its version
   */
  BlasLtAlgorithms(String library, BlasLtCalls calls, Optional<ProductTrials> trials) {
    this.library = library;
    this.calls = calls;
    this.trials = trials;
  }

  List<ProductAlgorithm> chosen() {
    return chosen.values().stream().map(Choice::how).toList();
  }

  List<String> remarks() {
    return List.copyOf(remarks);
  }

  /** Chooses anew, for a run that had these, or for another. */
  void use(Map<String, String> algorithms) {
    recorded = Map.copyOf(algorithms);
    chosen.clear();
    remarks.clear();
  }

  void begin() {
    trials.ifPresent(ProductTrials::begin);
  }

  Optional<Algorithm> of(Product product) {
    return Optional.ofNullable(chosen.get(ProductText.of(product))).map(Choice::algorithm);
  }

  Answer choose(Product product, BlasLtProduct described) throws Throwable {
    String text = ProductText.of(product);
    if (asTheRunHadIt(text, described)) {
      return new Done();
    }
    if (trials.isEmpty() || !trials.get().wants(product)) {
      return first(text, described);
    }
    return asTriedBefore(text, described, trials.get())
        ? new Done()
        : tried(text, product, described, trials.get());
  }

  private boolean asTheRunHadIt(String text, BlasLtProduct described) throws Throwable {
    String had = recorded.get(text);
    if (had == null) {
      return false;
    }
    String mine = library + ": ";
    Optional<Algorithm> algorithm =
        had.startsWith(mine)
            ? described.restored(had.substring(mine.length()), MOST)
            : Optional.empty();
    if (algorithm.isEmpty()) {
      String by = had.contains(": ") ? had.substring(0, had.indexOf(": ")) : had;
      remark(
          "this run had products by an algorithm of "
              + by
              + " that "
              + library
              + " does not do them with here, so from now on its bits may differ from what they"
              + " would have been");
      return false;
    }
    take(text, described, algorithm.get(), Source.RUN, new ProductTrials.Chosen(0, 0, 0, 0, 0));
    return true;
  }

  private boolean asTriedBefore(String text, BlasLtProduct described, ProductTrials to)
      throws Throwable {
    switch (to.kept().read(library, text)) {
      case KeptAlgorithms.Nothing ignored -> {
        return false;
      }
      case KeptAlgorithms.Damaged(String path) ->
          remark(path + ", an algorithm of " + library + ", is damaged: others are tried again");
      case KeptAlgorithms.Found found -> {
        Optional<Algorithm> algorithm = described.restored(found.algorithm(), MOST);
        if (algorithm.isPresent()) {
          take(
              text,
              described,
              algorithm.get(),
              Source.KEPT,
              new ProductTrials.Chosen(
                  0, found.tried(), found.dropped(), found.nanos(), found.firstNanos()));
          return true;
        }
        remark(
            library + " no longer takes the algorithm that a trial found: others are tried again");
      }
    }
    to.kept().forget(library, text);
    return false;
  }

  private Answer first(String text, BlasLtProduct described) throws Throwable {
    Offer offer = described.offered(1);
    if (offer.algorithms().isEmpty()) {
      return new Refused(offer.why());
    }
    Algorithm first = offer.algorithms().getFirst();
    take(text, described, first, Source.FIRST, new ProductTrials.Chosen(0, 0, 0, 0, 0));
    return new Done();
  }

  private Answer tried(String text, Product product, BlasLtProduct described, ProductTrials by)
      throws Throwable {
    Offer offer = described.offered(MOST);
    List<ProductTrials.Candidate> candidates =
        offer.algorithms().stream().map(algorithm -> candidate(described, algorithm)).toList();
    if (candidates.isEmpty()) {
      return new Refused(offer.why());
    }
    return switch (by.choose(product, candidates)) {
      case ProductTrials.Chosen found -> {
        Algorithm algorithm = offer.algorithms().get(found.index());
        take(text, described, algorithm, Source.TRIAL, found);
        by.kept()
            .write(
                library,
                text,
                new KeptAlgorithms.Found(
                    described.code(algorithm),
                    found.tried(),
                    found.dropped(),
                    found.nanos(),
                    found.firstNanos()));
        yield new Done();
      }
      case ProductTrials.NoneRuns(String why) -> new Refused(" that can be used (" + why + ")");
      case ProductTrials.NotTried(String why) -> {
        remark(library + " multiplies with its first algorithms where " + why);
        yield first(text, described);
      }
    };
  }

  private ProductTrials.Candidate candidate(BlasLtProduct described, Algorithm algorithm) {
    if (!described.fits(algorithm)) {
      return () -> Optional.of("it needs more workspace than there is");
    }
    BlasLtProduct.Call call = described.call(algorithm);
    return () -> {
      int code = call.status();
      return code == 0 ? Optional.empty() : Optional.of(calls.says(code));
    };
  }

  private void take(
      String text,
      BlasLtProduct described,
      Algorithm algorithm,
      Source source,
      ProductTrials.Chosen numbers) {
    chosen.put(
        text,
        new Choice(
            algorithm,
            new ProductAlgorithm(
                text,
                library,
                described.code(algorithm),
                source,
                numbers.tried(),
                numbers.dropped(),
                numbers.nanos(),
                numbers.firstNanos())));
  }

  /** Once each. */
  private void remark(String line) {
    if (!remarks.contains(line)) {
      remarks.add(line);
    }
  }
}
