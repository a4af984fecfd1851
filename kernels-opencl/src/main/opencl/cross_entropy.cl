// Softmax cross-entropy over M rows of V of Vp logits.
//   forward   logSumExp(i) = ln(sum over v < V of exp(logits(i,v)))
//             losses(i) = logSumExp(i) - logits(i, targets(i)), in nats
//   backward  dLogits(i,v) = dLosses(i) * (exp(logits(i,v) - logSumExp(i)) - [v = targets(i)]),
//             and 0 for the padded columns from V on; dLogits may be logits. Where a target's logit is
//             so small that the loss is not finite, neither is its gradient: no update comes of it.
//
// Memory: forward reads a row twice (largest, then sum of exponentials), 4 M V bytes if the second
// pass finds it in a cache; backward reads and writes it once, 8 M Vp. Probabilities are never
// stored: logSumExp is enough to have them again.
//
// v1  forward one work-item per row, backward one per element.
// v2  forward, for GPUs: one work-group of 256 per row, neighbours reading neighbouring logits, both
//     reductions as a tree in local memory.
//     Backward, for CPUs: sixteen logits per work-item, as one vector. Same bits as v1.
// v4  forward, for GPUs with sub-groups: the text of v2 with subgroups.cl's sums.
// v3  forward, for CPUs: one work-item per row, in sixteen lanes, without barriers.

// What is subtracted at the target, whose logit is e from logSumExp: d, or NaN for an infinite e.
#define HIT(d, e) ((d) + ((e) - (e)))

#if HAS(1)

__kernel void cross_entropy_forward_v1(OUT(losses), OUT(logSumExp), ACTIVATIONS(logits),
                                       INTEGERS(targets), const int m, const int columns,
                                       const int vocabulary) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const activation *x = logits + logits_at + row * columns;
  float largest = -INFINITY;
  for (int v = 0; v < vocabulary; v++) {
    largest = fmax(largest, LOAD(v, x));
  }
  float sum = 0.0f;
  for (int v = 0; v < vocabulary; v++) {
    sum += exp_1(LOAD(v, x) - largest);
  }
  float result = largest + log_1(sum);
  logSumExp[logSumExp_at + row] = result;
  losses[losses_at + row] = result - LOAD(targets[targets_at + row], x);
}

__kernel void cross_entropy_backward_v1(ACTIVATIONS_OUT(dLogits), IN(dLosses), ACTIVATIONS(logits),
                                        IN(logSumExp), INTEGERS(targets), const int columns,
                                        const int vocabulary) {
  size_t v = get_global_id(0);
  size_t row = get_global_id(1);
  if (v >= columns) {
    return;
  }
  float d = dLosses[dLosses_at + row];
  float result = 0.0f;
  if (v < vocabulary) {
    float e = LOAD(row * columns + v, logits + logits_at) - logSumExp[logSumExp_at + row];
    result = exp_1(e) * d;
    if (v == targets[targets_at + row]) {
      result -= HIT(d, e);
    }
  }
  STORE(result, row * columns + v, dLogits + dLogits_at);
}

#endif

#if HAS(2)
#define OF_GROUP(NAME) NAME##_v2
#elif HAS(4)
#define OF_GROUP(NAME) NAME##_v4
#endif

#if HAS(2) || HAS(4)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void OF_GROUP(cross_entropy_forward)(
    OUT(losses), OUT(logSumExp), ACTIVATIONS(logits), INTEGERS(targets), const int m,
    const int columns, const int vocabulary) {
  __local float room[ROOM];
  size_t row = GROUP_ID(0);
  int item = ITEM;
  __global const activation *x = logits + logits_at + row * columns;
  float largest = -INFINITY;
  for (int v = item; v < vocabulary; v += GROUP) {
    largest = fmax(largest, LOAD(v, x));
  }
  largest = group_max(room, largest);
  float sum = 0.0f;
  for (int v = item; v < vocabulary; v += GROUP) {
    sum += exp_1(LOAD(v, x) - largest);
  }
  sum = group_sum(room, sum);
  if (item == 0) {
    float result = largest + log_1(sum);
    logSumExp[logSumExp_at + row] = result;
    losses[losses_at + row] = result - LOAD(targets[targets_at + row], x);
  }
}

#endif

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void cross_entropy_forward_v3(
    OUT(losses), OUT(logSumExp), ACTIVATIONS(logits), INTEGERS(targets), const int m,
    const int columns, const int vocabulary) {
  size_t row = get_global_id(0);
  __global const activation *x = logits + logits_at + row * columns;
  int whole = vocabulary / 16 * 16;
  float16 maxima = (float16)(-INFINITY);
  for (int v = 0; v < whole; v += 16) {
    maxima = fmax(maxima, LOAD16(0, x + v));
  }
  float largest = max_16(maxima);
  for (int v = whole; v < vocabulary; v++) {
    largest = fmax(largest, LOAD(v, x));
  }
  float rest = 0.0f;
  for (int v = whole; v < vocabulary; v++) {
    rest += exp_1(LOAD(v, x) - largest);
  }
  float16 sums = (float16)(0.0f);
  for (int v = 0; v < whole; v += 16) {
    sums += exp_16(LOAD16(0, x + v) - largest);
  }
  float result = largest + log_1(sum_16(sums) + rest);
  logSumExp[logSumExp_at + row] = result;
  losses[losses_at + row] = result - LOAD(targets[targets_at + row], x);
}

#endif

#if HAS(2)

__kernel void cross_entropy_backward_v2(ACTIVATIONS_OUT(dLogits), IN(dLosses), ACTIVATIONS(logits),
                                        IN(logSumExp), INTEGERS(targets), const int columns,
                                        const int vocabulary) {
  int from = 16 * get_global_id(0);
  size_t row = get_global_id(1);
  if (from >= columns) {
    return;
  }
  __global const activation *x = logits + logits_at + row * columns;
  __global activation *y = dLogits + dLogits_at + row * columns;
  float d = dLosses[dLosses_at + row];
  float lse = logSumExp[logSumExp_at + row];
  int target = targets[targets_at + row];
  if (from + 16 <= vocabulary) {
    // Before y is written, which may be x.
    bool hit = target >= from && target < from + 16;
    float e = hit ? LOAD(target, x) - lse : 0.0f;
    float atTarget = exp_1(e) * d - HIT(d, e);
    STORE16(exp_16(LOAD16(0, x + from) - lse) * d, 0, y + from);
    if (hit) {
      STORE(atTarget, target, y);
    }
    return;
  }
  int end = min(columns, from + 16);
  for (int v = from; v < end; v++) {
    float e = LOAD(v, x) - lse;
    float hit = v == target ? HIT(d, e) : 0.0f;
    STORE(v < vocabulary ? exp_1(e) * d - hit : 0.0f, v, y);
  }
}

#endif
