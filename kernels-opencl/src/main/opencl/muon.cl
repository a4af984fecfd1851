// What Muon does to a matrix besides products; source: Jordan and others, 2024. With g = gradient *
// min(1, maxNorm / norm):
// muon_momentum  m = beta m + (1-beta) g, direction = beta m + (1-beta) g; where norm is not finite,
//                m stays and direction is zero
// normalize      out = in / (length + epsilon), in transposed where asked for
// weighted_sum   out = alpha a + beta b
// muon_update    p = (1 - lr decay) p - lr scale direction, direction transposed where asked for, lr =
//                rate * schedule[0]; nothing where norm is not finite
//
// Limited by memory: in fp32, 8 bytes read and 8 written per element for the momentum, 4 and 4 to
// normalize, 8 and 4 for the others.
//
// v1  one work-item per element

__kernel void muon_momentum_v1(OUT(direction), OUT(momentum), IN(gradient), IN(norm),
                               const float beta, const float maxNorm, const ulong n) {
  size_t i = get_global_id(0);
  if (i >= n) {
    return;
  }
  float length = norm[norm_at];
  if (!isfinite(length)) {
    direction[direction_at + i] = 0.0f;
    return;
  }
  float scale = length > maxNorm ? maxNorm / length : 1.0f;
  float g = gradient[gradient_at + i] * scale * (1 - beta);
  float m = fma(momentum[momentum_at + i], beta, g);
  momentum[momentum_at + i] = m;
  direction[direction_at + i] = fma(m, beta, g);
}

__kernel void normalize_v1(ACTIVATIONS_OUT(out), IN(in), IN(length), const float epsilon,
                           const ulong rows, const ulong columns, const int transposed) {
  size_t i = get_global_id(0);
  if (i < rows * columns) {
    size_t from = transposed ? i % columns * rows + i / columns : i;
    STORE(in[in_at + from] * (1 / (length[length_at] + epsilon)), i, out + out_at);
  }
}

__kernel void weighted_sum_v1(ACTIVATIONS_OUT(out), ACTIVATIONS(a), const float alpha,
                              ACTIVATIONS(b), const float beta, const ulong n) {
  size_t i = get_global_id(0);
  if (i < n) {
    STORE(fma(LOAD(i, a + a_at), alpha, LOAD(i, b + b_at) * beta), i, out + out_at);
  }
}

__kernel void muon_update_v1(OUT(parameter), ACTIVATIONS(direction), IN(norm), IN(schedule),
                             const float rate, const float factor, const float weightDecay,
                             const ulong rows, const ulong columns, const int transposed) {
  size_t i = get_global_id(0);
  if (i < rows * columns && isfinite(norm[norm_at])) {
    size_t from = transposed ? i % columns * rows + i / columns : i;
    float lr = schedule[schedule_at] * rate;
    float p = parameter[parameter_at + i] * (1 - lr * weightDecay);
    parameter[parameter_at + i] = fma(LOAD(from, direction + direction_at), -lr * factor, p);
  }
}
