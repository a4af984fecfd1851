// Softmax cross-entropy over M rows of V of Vp logits.
//   forward   logSumExp(i) = ln(sum over v < V of exp(logits(i,v)))
//             losses(i) = logSumExp(i) - logits(i, targets(i)), in nats
//   backward  dLogits(i,v) = dLosses(i) * (exp(logits(i,v) - logSumExp(i)) - [v = targets(i)]),
//             and 0 for the padded columns from V on; dLogits may be logits
//
// Memory: forward reads a row twice (largest, then sum of exponentials), 4 M V bytes if the second
// pass finds it in a cache; backward reads and writes it once, 8 M Vp. Probabilities are never
// stored: logSumExp is enough to have them again.
//
// v1  forward one work-item per row, backward one per element.

__kernel void cross_entropy_forward_v1(OUT(losses), OUT(logSumExp), IN(logits), INTEGERS(targets),
                                       const int m, const int columns, const int vocabulary) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const float *x = logits + logits_at + row * columns;
  float largest = -INFINITY;
  for (int v = 0; v < vocabulary; v++) {
    largest = fmax(largest, x[v]);
  }
  float sum = 0.0f;
  for (int v = 0; v < vocabulary; v++) {
    sum += exp_1(x[v] - largest);
  }
  float result = largest + log_1(sum);
  logSumExp[logSumExp_at + row] = result;
  losses[losses_at + row] = result - x[targets[targets_at + row]];
}

__kernel void cross_entropy_backward_v1(OUT(dLogits), IN(dLosses), IN(logits), IN(logSumExp),
                                        INTEGERS(targets), const int columns, const int vocabulary) {
  size_t v = get_global_id(0);
  size_t row = get_global_id(1);
  if (v >= columns) {
    return;
  }
  float d = dLosses[dLosses_at + row];
  float result = 0.0f;
  if (v < vocabulary) {
    result = exp_1(logits[logits_at + row * columns + v] - logSumExp[logSumExp_at + row]) * d;
    if (v == targets[targets_at + row]) {
      result -= d;
    }
  }
  dLogits[dLogits_at + row * columns + v] = result;
}
