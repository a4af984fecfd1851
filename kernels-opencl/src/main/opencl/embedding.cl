// Token and position embeddings, M = B*T tokens of C channels.
//   forward            out(b,t) = wte(tokens(b,t)) + wpe(start + t)
//   token forward      out(b,t) = wte(tokens(b,t))
//   token backward     dWte(v) (+)= sum of dOut(b,t) over all tokens(b,t) = v, in order of (b,t)
//   position backward  dWpe(t) (+)= sum over b of dOut(b,t), rows from T on being zero
//
// Memory: forward 12 M C bytes, of tokens alone 8 M C; token backward 12 M C, and 4 Vp C to clear dWte unless accumulating;
// position backward 4 M C + 4 maxT C.
//
// No atomics: whoever adds to an element of dWte adds all of it, in order.
//
// token_embedding_backward
// v1  one work-item per channel, which walks over all tokens in order. Deterministic without
//     sorting, but only C work-items.
// v2  first each token looks for the next one that equals it, and whether one before it does (up to M
//     comparisons each, mostly few); then one work-item per channel of each token that is the first
//     of its kind walks along the chain. M C work-items; same bits.

#if HAS(1)

__kernel void embedding_forward_v1(ACTIVATIONS_OUT(out), INTEGERS(tokens), IN(wte), IN(wpe),
                                   INTEGERS(start), const int hasStart, const int t, const int c) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    size_t token = tokens[tokens_at + row];
    size_t position = (hasStart ? start[start_at] : 0) + row % t;
    float sum = wte[wte_at + token * c + i] + wpe[wpe_at + position * c + i];
    STORE(sum, row * c + i, out + out_at);
  }
}

__kernel void token_embedding_forward_v1(ACTIVATIONS_OUT(out), INTEGERS(tokens), IN(wte),
                                         const int c) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    size_t token = tokens[tokens_at + row];
    STORE(wte[wte_at + token * c + i], row * c + i, out + out_at);
  }
}

__kernel void token_embedding_backward_v1(OUT(dWte), ACTIVATIONS(dOut), INTEGERS(tokens),
                                          const int m, const int c) {
  size_t i = get_global_id(0);
  if (i < c) {
    for (int row = 0; row < m; row++) {
      size_t token = tokens[tokens_at + row];
      dWte[dWte_at + token * c + i] += LOAD((size_t)row * c + i, dOut + dOut_at);
    }
  }
}

__kernel void position_embedding_backward_v1(OUT(dWpe), ACTIVATIONS(dOut), const int b, const int t,
                                             const int c, const int accumulate) {
  size_t i = get_global_id(0);
  size_t row = get_global_id(1);
  if (i < c) {
    float sum = accumulate ? dWpe[dWpe_at + row * c + i] : 0.0f;
    if (row < t) {
      for (int batch = 0; batch < b; batch++) {
        sum += LOAD(((size_t)batch * t + row) * c + i, dOut + dOut_at);
      }
    }
    dWpe[dWpe_at + row * c + i] = sum;
  }
}

#endif

#if HAS(2)

// next(i): the next position with the same token, m when there is none; first(i): 1 when there is
// none before it.
__kernel void link_tokens_v2(INTEGERS_OUT(next), INTEGERS_OUT(first), INTEGERS(tokens),
                             const int m) {
  int i = get_global_id(0);
  if (i >= m) {
    return;
  }
  __global const int *ids = tokens + tokens_at;
  int own = ids[i];
  int before = i - 1;
  while (before >= 0 && ids[before] != own) {
    before--;
  }
  int after = i + 1;
  while (after < m && ids[after] != own) {
    after++;
  }
  next[next_at + i] = after;
  first[first_at + i] = before < 0;
}

__kernel void token_embedding_backward_v2(OUT(dWte), ACTIVATIONS(dOut), INTEGERS(tokens),
                                          INTEGERS(next), INTEGERS(first), const int m,
                                          const int c) {
  size_t i = get_global_id(0);
  int row = get_global_id(1);
  if (i < c && first[first_at + row]) {
    size_t to = dWte_at + (size_t)tokens[tokens_at + row] * c + i;
    float sum = dWte[to];
    for (; row < m; row = next[next_at + row]) {
      sum += LOAD((size_t)row * c + i, dOut + dOut_at);
    }
    dWte[to] = sum;
  }
}

#endif
