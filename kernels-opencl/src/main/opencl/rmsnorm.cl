// RMS normalisation of M rows of C channels.
//   forward   out = in * rstd * weight, rstd = 1 / sqrt(mean(in^2) + epsilon)
//   backward  with n = in * rstd and g = dOut * weight: dIn = residual + rstd * (g - n * mean(g * n)),
//             dWeight (+)= sum over rows of dOut * n
// dIn may be residual. Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
//
// Memory: forward reads in and writes out, 8 M C bytes, if a row stays in a cache between its two
// passes. Backward reads in and dOut twice, once for each of its kernels, and writes dIn: 20 M C.
//
// v1  one work-item per row, element after element; the weight's gradient one work-item per channel,
//     row after row. Neighbours read elements a whole row apart, so a GPU wastes most of each line.
// v2  for GPUs: one work-group of 256 per row, neighbours reading neighbouring elements, sums as a
//     tree in local memory; the weight's gradient one work-item per channel and tile of 32 rows,
//     whose partial sums sum.cl adds in order.
// v4  for GPUs with sub-groups: the same text with subgroups.cl's sums. The weight's gradient is v2's.
// v3  for CPUs: one work-item per row, in sixteen lanes: element i is added into lane i mod 16, and
//     the lanes as a tree; no barriers, which cost a CPU more than the sums. The weight's gradient takes
//     16 channels at a time.

#define TILE 32

#if HAS(1)

__kernel void rmsnorm_forward_v1(ACTIVATIONS_OUT(out), OUT(rstd), ACTIVATIONS(in), IN(weight),
                                 const int m, const int c, const float epsilon) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const activation *x = in + in_at + row * c;
  float squares = 0.0f;
  for (int i = 0; i < c; i++) {
    squares = fma(LOAD(i, x), LOAD(i, x), squares);
  }
  float scale = 1.0f / sqrt(squares / c + epsilon);
  for (int i = 0; i < c; i++) {
    STORE(LOAD(i, x) * scale * weight[weight_at + i], row * c + i, out + out_at);
  }
  rstd[rstd_at + row] = scale;
}

__kernel void rmsnorm_backward_v1(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in),
                                  IN(weight), IN(rstd), ACTIVATIONS(residual),
                                  const int hasResidual, const int m, const int c) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const activation *x = in + in_at + row * c;
  __global const activation *d = dOut + dOut_at + row * c;
  float scale = rstd[rstd_at + row];
  float sumGn = 0.0f;
  for (int i = 0; i < c; i++) {
    sumGn = fma(LOAD(i, d) * weight[weight_at + i], LOAD(i, x) * scale, sumGn);
  }
  float meanGn = sumGn / c;
  for (int i = 0; i < c; i++) {
    float n = LOAD(i, x) * scale;
    float part = fma(n, -meanGn, LOAD(i, d) * weight[weight_at + i]) * scale;
    float other = hasResidual ? LOAD(row * c + i, residual + residual_at) : 0.0f;
    STORE(part + other, row * c + i, dIn + dIn_at);
  }
}

__kernel void rmsnorm_backward_weight_v1(OUT(dWeight), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(rstd),
                                         const int m, const int c, const int accumulate) {
  size_t i = get_global_id(0);
  if (i >= c) {
    return;
  }
  float sum = accumulate ? dWeight[dWeight_at + i] : 0.0f;
  for (int row = 0; row < m; row++) {
    float n = LOAD((size_t)row * c + i, in + in_at) * rstd[rstd_at + row];
    sum = fma(LOAD((size_t)row * c + i, dOut + dOut_at), n, sum);
  }
  dWeight[dWeight_at + i] = sum;
}

#endif

// ---- v2 and v4 ----

#if HAS(2)
#define OF_GROUP(NAME) NAME##_v2
#elif HAS(4)
#define OF_GROUP(NAME) NAME##_v4
#endif

#if HAS(2) || HAS(4)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void OF_GROUP(rmsnorm_forward)(
    ACTIVATIONS_OUT(out), OUT(rstd), ACTIVATIONS(in), IN(weight), const int m, const int c,
    const float epsilon) {
  __local float room[ROOM];
  size_t row = GROUP_ID(0);
  int item = ITEM;
  __global const activation *x = in + in_at + row * c;
  float squares = 0.0f;
  for (int i = item; i < c; i += GROUP) {
    squares = fma(LOAD(i, x), LOAD(i, x), squares);
  }
  float scale = 1.0f / sqrt(group_sum(room, squares) / c + epsilon);
  for (int i = item; i < c; i += GROUP) {
    STORE(LOAD(i, x) * scale * weight[weight_at + i], row * c + i, out + out_at);
  }
  if (item == 0) {
    rstd[rstd_at + row] = scale;
  }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void OF_GROUP(rmsnorm_backward)(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(weight), IN(rstd),
    ACTIVATIONS(residual), const int hasResidual, const int m, const int c) {
  __local float room[ROOM];
  size_t row = GROUP_ID(0);
  int item = ITEM;
  __global const activation *x = in + in_at + row * c;
  __global const activation *d = dOut + dOut_at + row * c;
  float scale = rstd[rstd_at + row];
  float sumGn = 0.0f;
  for (int i = item; i < c; i += GROUP) {
    sumGn = fma(LOAD(i, d) * weight[weight_at + i], LOAD(i, x) * scale, sumGn);
  }
  float meanGn = group_sum(room, sumGn) / c;
  for (int i = item; i < c; i += GROUP) {
    float n = LOAD(i, x) * scale;
    float part = fma(n, -meanGn, LOAD(i, d) * weight[weight_at + i]) * scale;
    float other = hasResidual ? LOAD(row * c + i, residual + residual_at) : 0.0f;
    STORE(part + other, row * c + i, dIn + dIn_at);
  }
}

#endif

#if HAS(2)

__kernel void rmsnorm_backward_weight_v2(OUT(partial), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(rstd),
                                         const int m, const int c) {
  size_t i = get_global_id(0);
  size_t tile = get_global_id(1);
  if (i >= c) {
    return;
  }
  int end = min(m, (int)(tile + 1) * TILE);
  float sum = 0.0f;
  for (int row = tile * TILE; row < end; row++) {
    float n = LOAD((size_t)row * c + i, in + in_at) * rstd[rstd_at + row];
    sum = fma(LOAD((size_t)row * c + i, dOut + dOut_at), n, sum);
  }
  partial[partial_at + tile * c + i] = sum;
}

#endif

// ---- v3 ----

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void rmsnorm_forward_v3(
    ACTIVATIONS_OUT(out), OUT(rstd), ACTIVATIONS(in), IN(weight), const int m, const int c,
    const float epsilon) {
  size_t row = get_global_id(0);
  __global const activation *x = in + in_at + row * c;
  __global const float *w = weight + weight_at;
  __global activation *y = out + out_at + row * c;
  int whole = c / 16 * 16;
  float16 rest = load_part_16(x + whole, c - whole);
  float16 squares = rest * rest;
  for (int i = 0; i < whole; i += 16) {
    squares = fma(LOAD16(0, x + i), LOAD16(0, x + i), squares);
  }
  float scale = 1.0f / sqrt(sum_16(squares) / c + epsilon);
  for (int i = 0; i < whole; i += 16) {
    STORE16(LOAD16(0, x + i) * scale * vload16(0, w + i), 0, y + i);
  }
  for (int i = whole; i < c; i++) {
    STORE(LOAD(i, x) * scale * w[i], i, y);
  }
  rstd[rstd_at + row] = scale;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void rmsnorm_backward_v3(
    ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(weight), IN(rstd),
    ACTIVATIONS(residual), const int hasResidual, const int m, const int c) {
  size_t row = get_global_id(0);
  __global const activation *x = in + in_at + row * c;
  __global const activation *d = dOut + dOut_at + row * c;
  __global const float *w = weight + weight_at;
  __global const activation *other = residual + residual_at + row * c;
  __global activation *y = dIn + dIn_at + row * c;
  float scale = rstd[rstd_at + row];
  int whole = c / 16 * 16;
  float16 sumGn = load_part_16(d + whole, c - whole) * part_16(w + whole, c - whole) *
                  (load_part_16(x + whole, c - whole) * scale);
  for (int i = 0; i < whole; i += 16) {
    sumGn = fma(LOAD16(0, d + i) * vload16(0, w + i), LOAD16(0, x + i) * scale, sumGn);
  }
  float meanGn = sum_16(sumGn) / c;
  for (int i = 0; i < whole; i += 16) {
    float16 n = LOAD16(0, x + i) * scale;
    float16 g = LOAD16(0, d + i) * vload16(0, w + i);
    float16 part = fma(n, (float16)(-meanGn), g) * scale;
    STORE16(hasResidual ? part + LOAD16(0, other + i) : part, 0, y + i);
  }
  for (int i = whole; i < c; i++) {
    float part = fma(LOAD(i, x) * scale, -meanGn, LOAD(i, d) * w[i]) * scale;
    STORE(hasResidual ? part + LOAD(i, other) : part, i, y);
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void rmsnorm_backward_weight_v3(
    OUT(partial), ACTIVATIONS(dOut), ACTIVATIONS(in), IN(rstd), const int m, const int c) {
  int from = 16 * get_global_id(0);
  size_t tile = get_global_id(1);
  int end = min(m, (int)(tile + 1) * TILE);
  __global float *to = partial + partial_at + tile * c + from;
  float16 sum = (float16)(0.0f);
  int count = min(16, c - from);
  for (int row = tile * TILE; row < end; row++) {
    __global const activation *x = in + in_at + (size_t)row * c + from;
    __global const activation *y = dOut + dOut_at + (size_t)row * c + from;
    float16 d = count == 16 ? LOAD16(0, y) : load_part_16(y, count);
    float16 n = count == 16 ? LOAD16(0, x) : load_part_16(x, count);
    sum = fma(d, n * rstd[rstd_at + row], sum);
  }
  if (count == 16) {
    vstore16(sum, 0, to);
  } else {
    float lanes[16];
    vstore16(sum, 0, lanes);
    for (int i = 0; i < count; i++) {
      to[i] = lanes[i];
    }
  }
}

#endif
