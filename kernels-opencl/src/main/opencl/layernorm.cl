// Layer normalisation of M rows of C channels.
//   forward   out = (in - mean) * rstd * weight + bias, rstd = 1 / sqrt(variance + epsilon)
//   backward  with n = (in - mean) * rstd and g = dOut * weight:
//             dIn = residual + rstd * (g - mean(g) - n * mean(g * n))
//             dWeight (+)= sum over rows of dOut * n, dBias (+)= sum over rows of dOut
// dIn may be residual. Source: Ba, Kiros, Hinton, 2016.
//
// Memory: forward reads in and writes out, 8 M C bytes, if a row stays in a cache between its three
// passes. Backward reads in and dOut twice, once for each of its kernels, and writes dIn: 20 M C.
//
// v1  one work-item per row, element after element; the weights' gradients one work-item per channel,
//     row after row. Neighbours read elements a whole row apart, so a GPU wastes most of each line.
// v2  for GPUs: one work-group of 256 per row, neighbours reading neighbouring elements, sums as a
//     tree in local memory; the weights' gradients one work-item per channel and tile of 32 rows,
//     whose partial sums sum.cl adds in order.
// v4  for GPUs with sub-groups: the same text with subgroups.cl's sums. The weights' gradients are v2's.
// v3  for CPUs: one work-item per row, in sixteen lanes: element i is added into lane i mod 16, and
//     the lanes as a tree, as the CPU backend does; no barriers, which cost a CPU more than the sums.
//     The weights' gradients take 16 channels at a time.

#define TILE 32

#if HAS(1)

__kernel void layernorm_forward_v1(ACTIVATIONS_OUT(out), OUT(mean), OUT(rstd), ACTIVATIONS(in),
                                   IN(weight), IN(bias), const int m, const int c,
                                   const float epsilon) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const activation *x = in + in_at + row * c;
  float sum = 0.0f;
  for (int i = 0; i < c; i++) {
    sum += LOAD(i, x);
  }
  float center = sum / c;
  float squares = 0.0f;
  for (int i = 0; i < c; i++) {
    squares = fma(LOAD(i, x) - center, LOAD(i, x) - center, squares);
  }
  float scale = 1.0f / sqrt(squares / c + epsilon);
  for (int i = 0; i < c; i++) {
    float result = fma((LOAD(i, x) - center) * scale, weight[weight_at + i], bias[bias_at + i]);
    STORE(result, row * c + i, out + out_at);
  }
  mean[mean_at + row] = center;
  rstd[rstd_at + row] = scale;
}

__kernel void layernorm_backward_v1(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in),
                                    IN(weight), IN(mean), IN(rstd), ACTIVATIONS(residual),
                                    const int hasResidual, const int m, const int c) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const activation *x = in + in_at + row * c;
  __global const activation *d = dOut + dOut_at + row * c;
  float center = mean[mean_at + row];
  float scale = rstd[rstd_at + row];
  float sumG = 0.0f;
  float sumGn = 0.0f;
  for (int i = 0; i < c; i++) {
    float g = LOAD(i, d) * weight[weight_at + i];
    sumG += g;
    sumGn = fma(g, (LOAD(i, x) - center) * scale, sumGn);
  }
  float meanG = sumG / c;
  float meanGn = sumGn / c;
  for (int i = 0; i < c; i++) {
    float n = (LOAD(i, x) - center) * scale;
    float part = fma(n, -meanGn, LOAD(i, d) * weight[weight_at + i] - meanG) * scale;
    float other = hasResidual ? LOAD(row * c + i, residual + residual_at) : 0.0f;
    STORE(part + other, row * c + i, dIn + dIn_at);
  }
}

__kernel void layernorm_backward_weight_v1(OUT(dWeight), OUT(dBias), ACTIVATIONS(dOut),
                                           ACTIVATIONS(in), IN(mean), IN(rstd), const int m,
                                           const int c, const int accumulate) {
  size_t i = get_global_id(0);
  if (i >= c) {
    return;
  }
  float sumWeight = accumulate ? dWeight[dWeight_at + i] : 0.0f;
  float sumBias = accumulate ? dBias[dBias_at + i] : 0.0f;
  for (int row = 0; row < m; row++) {
    float d = LOAD((size_t)row * c + i, dOut + dOut_at);
    float n = (LOAD((size_t)row * c + i, in + in_at) - mean[mean_at + row]) * rstd[rstd_at + row];
    sumWeight = fma(d, n, sumWeight);
    sumBias += d;
  }
  dWeight[dWeight_at + i] = sumWeight;
  dBias[dBias_at + i] = sumBias;
}

#endif

// ---- v2 and v4 ----

#if HAS(2)
#define OF_GROUP(NAME) NAME##_v2
#elif HAS(4)
#define OF_GROUP(NAME) NAME##_v4
#endif

#if HAS(2) || HAS(4)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void OF_GROUP(layernorm_forward)(
    ACTIVATIONS_OUT(out), OUT(mean), OUT(rstd), ACTIVATIONS(in), IN(weight), IN(bias), const int m,
    const int c, const float epsilon) {
  __local float room[ROOM];
  size_t row = GROUP_ID(0);
  int item = ITEM;
  __global const activation *x = in + in_at + row * c;
  float sum = 0.0f;
  for (int i = item; i < c; i += GROUP) {
    sum += LOAD(i, x);
  }
  float center = group_sum(room, sum) / c;
  float squares = 0.0f;
  for (int i = item; i < c; i += GROUP) {
    squares = fma(LOAD(i, x) - center, LOAD(i, x) - center, squares);
  }
  float scale = 1.0f / sqrt(group_sum(room, squares) / c + epsilon);
  for (int i = item; i < c; i += GROUP) {
    float result = fma((LOAD(i, x) - center) * scale, weight[weight_at + i], bias[bias_at + i]);
    STORE(result, row * c + i, out + out_at);
  }
  if (item == 0) {
    mean[mean_at + row] = center;
    rstd[rstd_at + row] = scale;
  }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void OF_GROUP(layernorm_backward)(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(weight), IN(mean), IN(rstd),
    ACTIVATIONS(residual), const int hasResidual, const int m, const int c) {
  __local float room[ROOM];
  size_t row = GROUP_ID(0);
  int item = ITEM;
  __global const activation *x = in + in_at + row * c;
  __global const activation *d = dOut + dOut_at + row * c;
  float center = mean[mean_at + row];
  float scale = rstd[rstd_at + row];
  float sumG = 0.0f;
  float sumGn = 0.0f;
  for (int i = item; i < c; i += GROUP) {
    float g = LOAD(i, d) * weight[weight_at + i];
    sumG += g;
    sumGn = fma(g, (LOAD(i, x) - center) * scale, sumGn);
  }
  float meanG = group_sum(room, sumG) / c;
  float meanGn = group_sum(room, sumGn) / c;
  for (int i = item; i < c; i += GROUP) {
    float n = (LOAD(i, x) - center) * scale;
    float part = fma(n, -meanGn, LOAD(i, d) * weight[weight_at + i] - meanG) * scale;
    float other = hasResidual ? LOAD(row * c + i, residual + residual_at) : 0.0f;
    STORE(part + other, row * c + i, dIn + dIn_at);
  }
}

#endif

#if HAS(2)

__kernel void layernorm_backward_weight_v2(OUT(partialWeight), OUT(partialBias), ACTIVATIONS(dOut),
                                           ACTIVATIONS(in), IN(mean), IN(rstd), const int m,
                                           const int c) {
  size_t i = get_global_id(0);
  size_t tile = get_global_id(1);
  if (i >= c) {
    return;
  }
  int end = min(m, (int)(tile + 1) * TILE);
  float sumWeight = 0.0f;
  float sumBias = 0.0f;
  for (int row = tile * TILE; row < end; row++) {
    float d = LOAD((size_t)row * c + i, dOut + dOut_at);
    float n = (LOAD((size_t)row * c + i, in + in_at) - mean[mean_at + row]) * rstd[rstd_at + row];
    sumWeight = fma(d, n, sumWeight);
    sumBias += d;
  }
  partialWeight[partialWeight_at + tile * c + i] = sumWeight;
  partialBias[partialBias_at + tile * c + i] = sumBias;
}

#endif

// ---- v3 ----

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void layernorm_forward_v3(
    ACTIVATIONS_OUT(out), OUT(mean), OUT(rstd), ACTIVATIONS(in), IN(weight), IN(bias), const int m,
    const int c, const float epsilon) {
  size_t row = get_global_id(0);
  __global const activation *x = in + in_at + row * c;
  __global const float *w = weight + weight_at;
  __global const float *b = bias + bias_at;
  __global activation *y = out + out_at + row * c;
  int whole = c / 16 * 16;
  float16 sum = load_part_16(x + whole, c - whole);
  for (int i = 0; i < whole; i += 16) {
    sum += LOAD16(0, x + i);
  }
  float center = sum_16(sum) / c;
  float16 squares = (float16)(0.0f);
  if (whole < c) {
    float lanes[16];
    for (int i = 0; i < 16; i++) {
      float d = whole + i < c ? LOAD(whole + i, x) - center : 0.0f;
      lanes[i] = d * d;
    }
    squares = vload16(0, lanes);
  }
  for (int i = 0; i < whole; i += 16) {
    float16 d = LOAD16(0, x + i) - center;
    squares = fma(d, d, squares);
  }
  float scale = 1.0f / sqrt(sum_16(squares) / c + epsilon);
  for (int i = 0; i < whole; i += 16) {
    float16 n = (LOAD16(0, x + i) - center) * scale;
    STORE16(fma(n, vload16(0, w + i), vload16(0, b + i)), 0, y + i);
  }
  for (int i = whole; i < c; i++) {
    STORE(fma((LOAD(i, x) - center) * scale, w[i], b[i]), i, y);
  }
  mean[mean_at + row] = center;
  rstd[rstd_at + row] = scale;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void layernorm_backward_v3(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(weight), IN(mean), IN(rstd),
    ACTIVATIONS(residual), const int hasResidual, const int m, const int c) {
  size_t row = get_global_id(0);
  __global const activation *x = in + in_at + row * c;
  __global const activation *d = dOut + dOut_at + row * c;
  __global const float *w = weight + weight_at;
  __global const activation *other = residual + residual_at + row * c;
  __global activation *y = dIn + dIn_at + row * c;
  float center = mean[mean_at + row];
  float scale = rstd[rstd_at + row];
  int whole = c / 16 * 16;
  float16 sumG = (float16)(0.0f);
  float16 sumGn = (float16)(0.0f);
  if (whole < c) {
    sumG = load_part_16(d + whole, c - whole) * part_16(w + whole, c - whole);
    sumGn = sumG * ((load_part_16(x + whole, c - whole) - center) * scale);
  }
  for (int i = 0; i < whole; i += 16) {
    float16 g = LOAD16(0, d + i) * vload16(0, w + i);
    sumG += g;
    sumGn = fma(g, (LOAD16(0, x + i) - center) * scale, sumGn);
  }
  float meanG = sum_16(sumG) / c;
  float meanGn = sum_16(sumGn) / c;
  for (int i = 0; i < whole; i += 16) {
    float16 n = (LOAD16(0, x + i) - center) * scale;
    float16 g = LOAD16(0, d + i) * vload16(0, w + i);
    float16 part = fma(n, (float16)(-meanGn), g - meanG) * scale;
    STORE16(hasResidual ? part + LOAD16(0, other + i) : part, 0, y + i);
  }
  for (int i = whole; i < c; i++) {
    float n = (LOAD(i, x) - center) * scale;
    float part = fma(n, -meanGn, LOAD(i, d) * w[i] - meanG) * scale;
    STORE(hasResidual ? part + LOAD(i, other) : part, i, y);
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void layernorm_backward_weight_v3(
    OUT(partialWeight), OUT(partialBias), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(mean), IN(rstd),
    const int m, const int c) {
  int from = 16 * get_global_id(0);
  size_t tile = get_global_id(1);
  int end = min(m, (int)(tile + 1) * TILE);
  __global float *toWeight = partialWeight + partialWeight_at + tile * c + from;
  __global float *toBias = partialBias + partialBias_at + tile * c + from;
  float16 sumWeight = (float16)(0.0f);
  float16 sumBias = (float16)(0.0f);
  int count = min(16, c - from);
  for (int row = tile * TILE; row < end; row++) {
    __global const activation *x = in + in_at + (size_t)row * c + from;
    __global const activation *y = dOut + dOut_at + (size_t)row * c + from;
    float16 d = count == 16 ? LOAD16(0, y) : load_part_16(y, count);
    float16 n = count == 16 ? LOAD16(0, x) : load_part_16(x, count);
    n = (n - mean[mean_at + row]) * rstd[rstd_at + row];
    sumWeight = fma(d, n, sumWeight);
    sumBias += d;
  }
  if (count == 16) {
    vstore16(sumWeight, 0, toWeight);
    vstore16(sumBias, 0, toBias);
  } else {
    float lanes[2][16];
    vstore16(sumWeight, 0, lanes[0]);
    vstore16(sumBias, 0, lanes[1]);
    for (int i = 0; i < count; i++) {
      toWeight[i] = lanes[0][i];
      toBias[i] = lanes[1][i];
    }
  }
}

#endif
