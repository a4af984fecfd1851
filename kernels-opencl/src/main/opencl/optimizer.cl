// The global norm of all gradients, and AdamW. Both are limited by memory: 4 bytes read per
// parameter for the norm; 16 read and 12 written for AdamW.
//
// global_norm: the squares of tiles of 4096 elements are summed side by side; sum.cl adds the tiles.
// v1  one launch per gradient, one work-item per tile, element after element.
// v2  for GPUs: one launch for all gradients, with a table of the tiles; one work-group of 256 per
//     tile, sums as a tree in local memory.
// v3  for CPUs: the same launch, one work-item per tile, in sixteen lanes.
// v4  for GPUs: v2, and the tiles' sums are added by a work-group, too.
// v5  for GPUs with sub-groups: v4 with subgroups.cl's sums.
//
// adamw: with g = gradient * min(1, maxNorm / norm), m = beta1 m + (1-beta1) g,
// v = beta2 v + (1-beta2) g^2, parameter -= lr * ((m / c1) / (sqrt(v / c2) + epsilon) + decay *
// parameter); schedule holds lr, c1, c2. Changes nothing when norm is not finite, so that a bad
// batch never reaches the weights. Source: Loshchilov, Hutter, 2019.
// v1  one work-item per element.
// v2  for CPUs: one work-item per sixteen elements, as one vector. Same bits.

#define TILE 4096

#if HAS(1)

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

#endif

// tiles: for each tile, where in the arena it begins, and how many elements it has.
static void squares(__local float *room, OUT(partial), __global const float *arena,
                    __global const long *tiles) {
  size_t tile = GROUP_ID(0);
  __global const float *x = arena + tiles[2 * tile];
  int n = tiles[2 * tile + 1];
  float sum = 0.0f;
  for (int i = ITEM; i < n; i += GROUP) {
    sum = fma(x[i], x[i], sum);
  }
  sum = group_sum(room, sum);
  if (ITEM == 0) {
    partial[partial_at + tile] = sum;
  }
}

#define DEFINE_SQUARES(NAME)                                                   \
  __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void NAME(       \
      OUT(partial), __global const float *arena, __global const long *tiles) { \
    __local float room[ROOM];                                                  \
    squares(room, partial, partial_at, arena, tiles);                          \
  }

#if HAS(2)
DEFINE_SQUARES(squares_v2)
#endif
#if HAS(4)
DEFINE_SQUARES(squares_v4)
#endif
#if HAS(5)
DEFINE_SQUARES(squares_v5)
#endif

#if HAS(3)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void squares_v3(
    OUT(partial), __global const float *arena, __global const long *tiles) {
  size_t tile = get_global_id(0);
  __global const float *x = arena + tiles[2 * tile];
  int n = tiles[2 * tile + 1];
  int whole = n / 16 * 16;
  float16 sum = part_16(x + whole, n - whole);
  sum = sum * sum;
  for (int i = 0; i < whole; i += 16) {
    float16 g = vload16(0, x + i);
    sum = fma(g, g, sum);
  }
  partial[partial_at + tile] = sum_16(sum);
}

#endif

#define DEFINE_ADAMW(NAME, FLOAT)                                                                 \
  static FLOAT NAME(FLOAT *m, FLOAT *v, FLOAT p, FLOAT gradient, float scale, float lr, float c1, \
                    float c2, float beta1, float beta2, float epsilon, float keep) {              \
    FLOAT g = gradient * scale;                                                                   \
    *m = fma(*m, (FLOAT)(beta1), g * (1 - beta1));                                                \
    *v = fma(*v, (FLOAT)(beta2), g * g * (1 - beta2));                                            \
    FLOAT step = (*m * c1) / (sqrt(*v * c2) + epsilon);                                           \
    return fma(step, (FLOAT)(-lr), p * keep);                                                     \
  }

DEFINE_ADAMW(adamw_1, float)
DEFINE_ADAMW(adamw_16, float16)

#if HAS(1)

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

#endif

#if HAS(2)

__kernel void adamw_v2(OUT(parameter), OUT(m), OUT(v), IN(gradient), IN(norm), IN(schedule),
                       const float beta1, const float beta2, const float epsilon,
                       const float weightDecay, const float maxNorm, const ulong n) {
  size_t i = 16 * get_global_id(0);
  float length = norm[norm_at];
  if (i >= n || !isfinite(length)) {
    return;
  }
  float scale = length > maxNorm ? maxNorm / length : 1.0f;
  float lr = schedule[schedule_at];
  float c1 = 1 / schedule[schedule_at + 1];
  float c2 = 1 / schedule[schedule_at + 2];
  float keep = 1 - lr * weightDecay;
  __global float *p = parameter + parameter_at;
  __global float *first = m + m_at;
  __global float *second = v + v_at;
  __global const float *g = gradient + gradient_at;
  if (i + 16 <= n) {
    float16 newM = vload16(0, first + i);
    float16 newV = vload16(0, second + i);
    float16 moved = adamw_16(&newM, &newV, vload16(0, p + i), vload16(0, g + i), scale, lr, c1, c2,
                             beta1, beta2, epsilon, keep);
    vstore16(moved, 0, p + i);
    vstore16(newM, 0, first + i);
    vstore16(newV, 0, second + i);
    return;
  }
  for (; i < n; i++) {
    float newM = first[i];
    float newV = second[i];
    p[i] = adamw_1(&newM, &newV, p[i], g[i], scale, lr, c1, c2, beta1, beta2, epsilon, keep);
    first[i] = newM;
    second[i] = newV;
  }
}

#endif
