# The cpu backend's kernels, compiled once per instruction set; backend.c picks one at run time. kernels.o is for what the
# compiler takes for granted (x86-64: SSE2). kernels.c is the only source: what it includes are headers like any other,
# which no wildcard for objects finds, and which clang-format, cppcheck and the checks of length and includes know.
# Vector code wants -O3's unrolling of small loops; nobody reads errno of sqrtf or floating-point traps.
CPU_LEVELS := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),v3 v4)
CPU_CFLAGS = $(patsubst -O2,$(if $(SAN),-O1,-O3),$(CFLAGS)) $(SAME_BITS) -fno-math-errno -fno-trapping-math
CPU_LEVEL_OBJECTS := $(CPU_LEVELS:%=$O/lib/cpu/kernels.%.o)
LIB_OBJECTS += $(CPU_LEVEL_OBJECTS)

define compile_kernels
@mkdir -p $(@D)
$(CC) $(COF_CFLAGS) $(CPU_CFLAGS) $(1) -MMD -MP -c $< -o $@
endef
$O/lib/cpu/kernels.o: lib/cpu/kernels.c $B/flags lib/cpu/cpu.mk
	$(call compile_kernels)
$(CPU_LEVEL_OBJECTS): $O/lib/cpu/kernels.%.o: lib/cpu/kernels.c $B/flags lib/cpu/cpu.mk
	$(call compile_kernels,-march=x86-64-$* -DCPU_KERNELS=cpu_kernels_$*)
