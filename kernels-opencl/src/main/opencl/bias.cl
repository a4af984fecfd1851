// The bias gradient: dBias(j) (+)= sum over rows of dOut(i,j). dOut (M,N), dBias (N).
//
// Memory: 4 M N bytes read, each once; the sums are nothing beside it.
//
// v1  one work-item per column, down the rows in order. Neighbours read neighbouring columns. N
//     work-items are few for a GPU.
// v2  one work-item per column and tile of 64 rows, whose partial sums sum.cl adds in order: M/64
//     times the work-items, for 8 N M / 64 more bytes.
// v3  for CPUs: one work-item per 64 columns and tile, in four vectors. Same bits as v2.

#define TILE 64

#if HAS(1)

__kernel void bias_backward_v1(OUT(dBias), ACTIVATIONS(dOut), const int m, const int n,
                               const int accumulate) {
  size_t j = get_global_id(0);
  if (j < n) {
    float sum = accumulate ? dBias[dBias_at + j] : 0.0f;
    for (int i = 0; i < m; i++) {
      sum += LOAD((size_t)i * n + j, dOut + dOut_at);
    }
    dBias[dBias_at + j] = sum;
  }
}

#endif

#if HAS(2)

__kernel void bias_backward_v2(OUT(partial), ACTIVATIONS(dOut), const int m, const int n) {
  size_t j = get_global_id(0);
  size_t tile = get_global_id(1);
  if (j < n) {
    int end = min(m, (int)(tile + 1) * TILE);
    float sum = 0.0f;
    for (int i = tile * TILE; i < end; i++) {
      sum += LOAD((size_t)i * n + j, dOut + dOut_at);
    }
    partial[partial_at + tile * n + j] = sum;
  }
}

#endif

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void bias_backward_v3(OUT(partial),
                                                                              ACTIVATIONS(dOut),
                                                                              const int m,
                                                                              const int n) {
  int from = 64 * get_global_id(0);
  size_t tile = get_global_id(1);
  int end = min(m, (int)(tile + 1) * TILE);
  __global float *to = partial + partial_at + tile * n;
  if (from + 64 <= n) {
    float16 a = (float16)(0.0f);
    float16 b = a;
    float16 c = a;
    float16 d = a;
    for (int i = tile * TILE; i < end; i++) {
      __global const activation *row = dOut + dOut_at + (size_t)i * n + from;
      a += LOAD16(0, row);
      b += LOAD16(1, row);
      c += LOAD16(2, row);
      d += LOAD16(3, row);
    }
    vstore16(a, 0, to + from);
    vstore16(b, 1, to + from);
    vstore16(c, 2, to + from);
    vstore16(d, 3, to + from);
    return;
  }
  for (int j = from; j < n; j++) {
    float sum = 0.0f;
    for (int i = tile * TILE; i < end; i++) {
      sum += LOAD((size_t)i * n + j, dOut + dOut_at);
    }
    to[j] = sum;
  }
}

#endif
