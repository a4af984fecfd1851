// The bias gradient: dBias(j) (+)= sum over rows of dOut(i,j). dOut (M,N), dBias (N).
//
// Memory: 4 M N bytes read, each once; the sums are nothing beside it.
//
// v1  one work-item per column, down the rows in order. Neighbours read neighbouring columns. N
//     work-items are few for a GPU.

__kernel void bias_backward_v1(OUT(dBias), IN(dOut), const int m, const int n, const int accumulate) {
  size_t j = get_global_id(0);
  if (j < n) {
    float sum = accumulate ? dBias[dBias_at + j] : 0.0f;
    for (int i = 0; i < m; i++) {
      sum += dOut[dOut_at + (size_t)i * n + j];
    }
    dBias[dBias_at + j] = sum;
  }
}
