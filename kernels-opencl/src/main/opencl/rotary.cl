// Rotary positions of queries and keys, for NH heads of queries that share NKV heads of keys and values:
// with G = NH / NKV, query head h shares kv head h / G. A row of what is grouped is q | k | v of NH, NKV
// and NKV heads of HS channels, a row of what is whole q | k | v of NH heads each. A row of the table has
// HS / 2 cosines of a position's angles, then as many sines; with x1, x2 the halves of a head:
//   forward   whole = grouped with q and k rotated by the angles of position start + t,
//             y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin, and k and v repeated G times
//   backward  the gradient of grouped = that of whole, summed over the G heads that share one, in the
//             order of heads, and rotated back, x1 = y1 cos + y2 sin, x2 = y2 cos - y1 sin
//
// Memory per token: forward reads (NH + 2 NKV) HS numbers and writes 3 NH HS, backward the other way
// round. Sources: Su et al., "RoFormer", 2021; Ainslie et al., "GQA", 2023.
//
// v1  one work-item per pair of channels, i and i + HS / 2 of a head, of what is written.

#if HAS(1)

// (x1, x2) rotated by an angle.
static float2 rotated(const float2 x, const float cosine, const float sine) {
  return (float2)(x.x * cosine - x.y * sine, x.y * cosine + x.x * sine);
}

// The pair of channels that a head's row holds at `from`.
static float2 pair_of(__global const activation *from, const int half_size) {
  return (float2)(LOAD(0, from), LOAD(half_size, from));
}

static void store_pair(const float2 x, __global activation *to, const int half_size) {
  STORE(x.x, 0, to);
  STORE(x.y, half_size, to);
}

__kernel void rotary_forward_v1(ACTIVATIONS_OUT(out), ACTIVATIONS(in), IN(table), INTEGERS(start),
                                const int hasStart, const int t, const int heads, const int kvHeads,
                                const int halfSize) {
  int pair = get_global_id(0);
  size_t row = get_global_id(1);
  if (pair >= 3 * heads * halfSize) {
    return;
  }
  int head = pair / halfSize;
  int i = pair % halfSize;
  int part = head / heads;
  int kv = head % heads / (heads / kvHeads);
  int from = part == 0 ? head : heads + (part - 1) * kvHeads + kv;
  size_t at = (row * (heads + 2 * kvHeads) + from) * 2 * halfSize + i;
  float2 x = pair_of(in + in_at + at, halfSize);
  if (part < 2) {
    size_t position = (hasStart ? start[start_at] : 0) + row % t;
    __global const float *angle = table + table_at + position * 2 * halfSize + i;
    x = rotated(x, angle[0], angle[halfSize]);
  }
  store_pair(x, out + out_at + (row * 3 * heads + head) * 2 * halfSize + i, halfSize);
}

__kernel void rotary_backward_v1(ACTIVATIONS_OUT(dIn), ACTIVATIONS(dOut), IN(table), const int t,
                                 const int heads, const int kvHeads, const int halfSize) {
  int pair = get_global_id(0);
  size_t row = get_global_id(1);
  if (pair >= (heads + 2 * kvHeads) * halfSize) {
    return;
  }
  int head = pair / halfSize;
  int i = pair % halfSize;
  int group = heads / kvHeads;
  int kv = head - heads;
  int from = kv < 0 ? head : (1 + kv / kvHeads) * heads + kv % kvHeads * group;
  int copies = kv < 0 ? 1 : group;
  __global const activation *d = dOut + dOut_at + (row * 3 * heads + from) * 2 * halfSize + i;
  float2 sum = pair_of(d, halfSize);
  for (int h = 1; h < copies; h++) {
    sum += pair_of(d + (size_t)h * 2 * halfSize, halfSize);
  }
  if (kv < kvHeads) {
    __global const float *angle = table + table_at + row % t * 2 * halfSize + i;
    sum = rotated(sum, angle[0], -angle[halfSize]);
  }
  size_t to = (row * (heads + 2 * kvHeads) + head) * 2 * halfSize + i;
  store_pair(sum, dIn + dIn_at + to, halfSize);
}

#endif
