# The kernels of lib/linear, compiled once per instruction set as those of the cpu backend are; linear_kernels() picks one.
# With -O3 whatever CFLAGS say: the optimizer fuses products here (-ffp-contract=fast), and -O0 would have other last bits.
LINEAR_LEVEL_OBJECTS := $(CPU_LEVELS:%=$O/lib/linear/kernels.%.o)
LIB_OBJECTS += $(LINEAR_LEVEL_OBJECTS)

$O/lib/linear/kernels.o: lib/linear/kernels.c $B/flags lib/linear/linear.mk lib/cpu/cpu.mk
	$(call compile_kernels,$(if $(SAN),,-O3) -ffp-contract=fast)
$(LINEAR_LEVEL_OBJECTS): $O/lib/linear/kernels.%.o: lib/linear/kernels.c $B/flags lib/linear/linear.mk lib/cpu/cpu.mk
	$(call compile_kernels,$(if $(SAN),,-O3) -ffp-contract=fast -march=x86-64-$* -DLINEAR_KERNELS=linear_kernels_$*)
