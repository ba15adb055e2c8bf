# The cpu backend's kernels, once for each instruction set; backend.c picks at run time. The plain object is for what the
# compiler takes for granted (x86-64: SSE2). Vector code wants -O3's unrolling of small loops; a product and a sum may
# become one fused operation; nobody reads errno of sqrtf or floating-point traps.
CPU_KERNELS := kernels gradient panel_score optimizer
CPU_LEVELS := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),v3 v4)
CPU_CFLAGS = $(patsubst -O2,$(if $(SAN),-O1,-O3),$(CFLAGS)) -ffp-contract=fast -fno-math-errno -fno-trapping-math
LIB_OBJECTS += $(foreach level,$(CPU_LEVELS),$(CPU_KERNELS:%=$O/lib/cpu/%.$(level).o))

$(CPU_KERNELS:%=$O/lib/cpu/%.o): $O/lib/cpu/%.o: lib/cpu/%.c $B/flags lib/cpu/cpu.mk
	@mkdir -p $(@D)
	$(CC) $(COF_CFLAGS) $(CPU_CFLAGS) -MMD -MP -c $< -o $@

define cpu_level
$$(CPU_KERNELS:%=$O/lib/cpu/%.$(1).o): $O/lib/cpu/%.$(1).o: lib/cpu/%.c $B/flags lib/cpu/cpu.mk
	@mkdir -p $$(@D)
	$$(CC) $$(COF_CFLAGS) $$(CPU_CFLAGS) -march=x86-64-$(1) -DCPU_ISA=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach level,$(CPU_LEVELS),$(eval $(call cpu_level,$(level))))
