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

__kernel void layernorm_forward_v1(OUT(out), OUT(mean), OUT(rstd), IN(in), IN(weight), IN(bias),
                                   const int m, const int c, const float epsilon) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const float *x = in + in_at + row * c;
  float sum = 0.0f;
  for (int i = 0; i < c; i++) {
    sum += x[i];
  }
  float center = sum / c;
  float squares = 0.0f;
  for (int i = 0; i < c; i++) {
    squares = fma(x[i] - center, x[i] - center, squares);
  }
  float scale = 1.0f / sqrt(squares / c + epsilon);
  for (int i = 0; i < c; i++) {
    out[out_at + row * c + i] =
        fma((x[i] - center) * scale, weight[weight_at + i], bias[bias_at + i]);
  }
  mean[mean_at + row] = center;
  rstd[rstd_at + row] = scale;
}

__kernel void layernorm_backward_v1(OUT(dIn), IN(dOut), IN(in), IN(weight), IN(mean), IN(rstd),
                                    IN(residual), const int hasResidual, const int m, const int c) {
  size_t row = get_global_id(0);
  if (row >= m) {
    return;
  }
  __global const float *x = in + in_at + row * c;
  __global const float *d = dOut + dOut_at + row * c;
  float center = mean[mean_at + row];
  float scale = rstd[rstd_at + row];
  float sumG = 0.0f;
  float sumGn = 0.0f;
  for (int i = 0; i < c; i++) {
    float g = d[i] * weight[weight_at + i];
    sumG += g;
    sumGn = fma(g, (x[i] - center) * scale, sumGn);
  }
  float meanG = sumG / c;
  float meanGn = sumGn / c;
  for (int i = 0; i < c; i++) {
    float n = (x[i] - center) * scale;
    float part = fma(n, -meanGn, d[i] * weight[weight_at + i] - meanG) * scale;
    float other = hasResidual ? residual[residual_at + row * c + i] : 0.0f;
    dIn[dIn_at + row * c + i] = part + other;
  }
}

__kernel void layernorm_backward_weight_v1(OUT(dWeight), OUT(dBias), IN(dOut), IN(in), IN(mean),
                                           IN(rstd), const int m, const int c,
                                           const int accumulate) {
  size_t i = get_global_id(0);
  if (i >= c) {
    return;
  }
  float sumWeight = accumulate ? dWeight[dWeight_at + i] : 0.0f;
  float sumBias = accumulate ? dBias[dBias_at + i] : 0.0f;
  for (int row = 0; row < m; row++) {
    float d = dOut[dOut_at + (size_t)row * c + i];
    float n = (in[in_at + (size_t)row * c + i] - mean[mean_at + row]) * rstd[rstd_at + row];
    sumWeight = fma(d, n, sumWeight);
    sumBias += d;
  }
  dWeight[dWeight_at + i] = sumWeight;
  dBias[dBias_at + i] = sumBias;
}
