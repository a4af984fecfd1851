// Sums of partial sums. 4 bytes read per number.
//
// Many to one: a single work-item, in order.
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
