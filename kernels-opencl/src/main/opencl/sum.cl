// Sums of partial sums. 4 bytes read per number.
//
// Many to one: a single work-item, in order; for GPUs (mean_forward_v2, root_of_sum_v4; mean_forward_v3, root_of_sum_v5
// with sub-groups) one work-group,
// since a single work-item of a GPU waits for its memory once per number.
// The rounding error of each addition is kept in a second float (Knuth's two-sum), so that the
// result is as good as one summed in double precision, which not every device has.

static float compensated_sum(__global const float *x, ulong n) {
  float sum = 0.0f;
  float error = 0.0f;
  for (ulong i = 0; i < n; i++) {
    float next = sum + x[i];
    float added = next - sum;
    error += (sum - (next - added)) + (x[i] - added);
    sum = next;
  }
  return sum + error;
}

#if HAS(1)

// out = the mean of n elements.
__kernel void mean_forward_v1(OUT(out), IN(in), const ulong n) {
  out[out_at] = compensated_sum(in + in_at, n) / (float)n;
}

// out = sqrt(the sum of n partial sums).
__kernel void root_of_sum_v1(OUT(out), IN(partial), const ulong n) {
  out[out_at] = sqrt(compensated_sum(partial + partial_at, n));
}

// result(j) (+)= the sum over tiles of partial(tile, j): one work-item per column, tiles in order.
__kernel void add_tiles_v1(OUT(result), IN(partial), const int tiles, const int columns,
                           const int accumulate) {
  size_t j = get_global_id(0);
  if (j < columns) {
    float sum = accumulate ? result[result_at + j] : 0.0f;
    for (int tile = 0; tile < tiles; tile++) {
      sum += partial[partial_at + (size_t)tile * columns + j];
    }
    result[result_at + j] = sum;
  }
}

#endif

// ---- for GPUs ----

// The sum of n numbers, for each work-item of a group of 256: every 256th by one work-item, then the
// work-items' sums as a tree; errors are kept and summed in the same way.
static float group_compensated_sum(__local float *room, __global const float *x, const ulong n) {
  float sum = 0.0f;
  float error = 0.0f;
  for (ulong i = ITEM; i < n; i += GROUP) {
    float next = sum + x[i];
    float added = next - sum;
    error += (sum - (next - added)) + (x[i] - added);
    sum = next;
  }
  return group_sum(room, sum) + group_sum(room, error);
}

#ifdef SUB_GROUPS
#define mean_forward_v2 mean_forward_v3
#define root_of_sum_v4 root_of_sum_v5
#endif

#if HAS(2) || HAS(3)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void mean_forward_v2(OUT(out), IN(in),
                                                                                 const ulong n) {
  __local float room[ROOM];
  float sum = group_compensated_sum(room, in + in_at, n);
  if (ITEM == 0) {
    out[out_at] = sum / (float)n;
  }
}

#endif

#if HAS(4) || HAS(5)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void root_of_sum_v4(OUT(out),
                                                                                IN(partial),
                                                                                const ulong n) {
  __local float room[ROOM];
  float sum = group_compensated_sum(room, partial + partial_at, n);
  if (ITEM == 0) {
    out[out_at] = sqrt(sum);
  }
}

#endif
