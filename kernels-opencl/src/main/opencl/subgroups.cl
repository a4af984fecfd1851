// Sum and largest over a work-group of 256 in place of prelude.cl's, for devices whose work-items exchange
// numbers without local memory: compiled between prelude.cl and a file whose kernels use them.
//
// The order of adding is written, where sub_group_reduce_add leaves it to the device: a binary tree over
// the work-group, neighbours first, whose lower levels are exchanges in a sub-group and whose upper ones
// are exchanges of the sub-groups' sums. The tree, and so every bit, is the same at any size of sub-group
// that is a power of two; another size does all levels in local memory.
//
// prelude.cl's has 8 barriers and 16 passes through local memory for a sum of 256; this has 2 and 2.
//
// SUB_GROUPS says how lanes exchange:
//   1  cl_khr_subgroup_shuffle       2  cl_intel_subgroups
//   3  AMD: cl_khr_subgroups and a builtin of its compiler     4  NVIDIA: an instruction of PTX
//   0  emulated: groups of SUB_GROUP_SIZE through local memory

#if SUB_GROUPS == 1
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable
#define EXCHANGE(x, way) sub_group_shuffle_xor(x, way)
#elif SUB_GROUPS == 2
#pragma OPENCL EXTENSION cl_intel_subgroups : enable
#define EXCHANGE(x, way) intel_sub_group_shuffle_xor(x, way)
#elif SUB_GROUPS == 3
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#define EXCHANGE(x, way) \
  as_float(__builtin_amdgcn_ds_bpermute((int)(4 * (LANE ^ (way))), as_int(x)))
#elif SUB_GROUPS == 4
static float exchange(const float x, const uint way) {
  float other;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(other) : "f"(x), "r"(way));
  return other;
}
#define EXCHANGE(x, way) exchange(x, way)
#else
static float exchange(__local float *room, const float x, const uint way) {
  barrier(CLK_LOCAL_MEM_FENCE);
  room[GROUP + get_local_id(0)] = x;
  barrier(CLK_LOCAL_MEM_FENCE);
  return room[GROUP + (get_local_id(0) ^ way)];
}
#define EXCHANGE(x, way) exchange(room, x, way)
#endif

// A warp of NVIDIA's is 32 work-items in order; other devices say where a work-item is.
#if SUB_GROUPS == 4
#define SUB_GROUP_SIZE 32
#endif
#if SUB_GROUPS == 0 || SUB_GROUPS == 4
#define SIZE ((uint)SUB_GROUP_SIZE)
#define LANE ((uint)get_local_id(0) % SIZE)
#define SUB_GROUP ((uint)get_local_id(0) / SIZE)
#else
#define SIZE get_max_sub_group_size()
#define LANE get_sub_group_local_id()
#define SUB_GROUP get_sub_group_id()
#endif

#define ITEM ((int)(SUB_GROUP * SIZE + LANE))
#define ROOM (2 * GROUP)

#define ADD(x, y) ((x) + (y))

#define DEFINE_GROUP_REDUCTION(NAME, COMBINE)               \
  static float NAME(__local float *room, const float x) {   \
    uint size = SIZE;                                       \
    size = (size & (size - 1)) == 0 ? size : 1;             \
    float result = x;                                       \
    for (uint way = 1; way < size; way *= 2) {              \
      result = COMBINE(result, EXCHANGE(result, way));      \
    }                                                       \
    uint count = GROUP / size;                              \
    barrier(CLK_LOCAL_MEM_FENCE);                           \
    if (ITEM % size == 0) {                                 \
      room[ITEM / size] = result;                           \
    }                                                       \
    barrier(CLK_LOCAL_MEM_FENCE);                           \
    if (count <= size) {                                    \
      result = room[LANE % count];                          \
      for (uint way = 1; way < count; way *= 2) {           \
        result = COMBINE(result, EXCHANGE(result, way));    \
      }                                                     \
      return result;                                        \
    }                                                       \
    for (uint way = 1; way < count; way *= 2) {             \
      if (ITEM < count && ITEM % (2 * way) == 0) {          \
        room[ITEM] = COMBINE(room[ITEM], room[ITEM + way]); \
      }                                                     \
      barrier(CLK_LOCAL_MEM_FENCE);                         \
    }                                                       \
    return room[0];                                         \
  }

DEFINE_GROUP_REDUCTION(group_sum, ADD)
DEFINE_GROUP_REDUCTION(group_max, fmax)
