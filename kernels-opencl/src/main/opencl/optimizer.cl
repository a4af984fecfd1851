// The global norm of all gradients, and AdamW. Both are limited by memory: 4 bytes read per
// parameter for the norm; 16 read and 12 written for AdamW.
//
// global_norm: the squares of tiles of 4096 elements are summed side by side; sum.cl adds the tiles.
// v1  one launch per gradient, one work-item per tile, element after element.
//
// adamw: with g = gradient * min(1, maxNorm / norm), m = beta1 m + (1-beta1) g,
// v = beta2 v + (1-beta2) g^2, parameter -= lr * ((m / c1) / (sqrt(v / c2) + epsilon) + decay *
// parameter); schedule holds lr, c1, c2. Changes nothing when norm is not finite, so that a bad
// batch never reaches the weights. Source: Loshchilov, Hutter, 2019.
// v1  one work-item per element.

#define TILE 4096

__kernel void squares_v1(OUT(partial), IN(gradient), const ulong n) {
  size_t tile = get_global_id(0);
  ulong from = (ulong)tile * TILE;
  if (from < n) {
    ulong end = min(from + TILE, n);
    float sum = 0.0f;
    for (ulong i = from; i < end; i++) {
      float g = gradient[gradient_at + i];
      sum = fma(g, g, sum);
    }
    partial[partial_at + tile] = sum;
  }
}

#define DEFINE_ADAMW(NAME, FLOAT)                                                          \
  static FLOAT NAME(FLOAT *m, FLOAT *v, FLOAT p, FLOAT gradient, float scale, float lr,    \
                    float c1, float c2, float beta1, float beta2, float epsilon, float keep) { \
    FLOAT g = gradient * scale;                                                            \
    *m = fma(*m, (FLOAT)(beta1), g * (1 - beta1));                                         \
    *v = fma(*v, (FLOAT)(beta2), g * g * (1 - beta2));                                     \
    FLOAT step = (*m * c1) / (sqrt(*v * c2) + epsilon);                                    \
    return fma(step, (FLOAT)(-lr), p * keep);                                              \
  }

DEFINE_ADAMW(adamw_1, float)

__kernel void adamw_v1(OUT(parameter), OUT(m), OUT(v), IN(gradient), IN(norm), IN(schedule),
                       const float beta1, const float beta2, const float epsilon,
                       const float weightDecay, const float maxNorm, const ulong n) {
  size_t i = get_global_id(0);
  float length = norm[norm_at];
  if (i >= n || !isfinite(length)) {
    return;
  }
  float scale = length > maxNorm ? maxNorm / length : 1.0f;
  float lr = schedule[schedule_at];
  float newM = m[m_at + i];
  float newV = v[v_at + i];
  parameter[parameter_at + i] =
      adamw_1(&newM, &newV, parameter[parameter_at + i], gradient[gradient_at + i], scale, lr,
              1 / schedule[schedule_at + 1], 1 / schedule[schedule_at + 2], beta1, beta2, epsilon,
              1 - lr * weightDecay);
  m[m_at + i] = newM;
  v[v_at + i] = newV;
}
