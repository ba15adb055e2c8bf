# cuda.mk: the CUDA backend as a plug-in, build/lib/cofilter/cofilter-cuda.so, where there is an
# nvcc. cudart is linked in, cuBLAS is loaded where a layer needs it; one symbol is exported. NVCC
# and CUDA_ARCH may be set.

ifndef NVCC
NVCC := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
endif
CUDA_ARCH ?= 75 80 90 100 120
CUDA_PLUGIN := $B/lib/cofilter/cofilter-cuda.so
CUDA_SRC := $(wildcard lib/cuda/*.cu)
CUDA_OBJECTS := $(CUDA_SRC:lib/cuda/%.cu=$O/cuda/%.o)
# what it takes from lib/, its own copy: a plug-in cannot see the program's
CUDA_C_PARTS := base/clock base/die base/mem base/permute base/pool base/processor base/real base/rng base/rng_normals \
	base/utf8 model/backend model/neumf
CUDA_C_OBJECTS := $(CUDA_C_PARTS:%=$O/cuda/c/%.o)

comma := ,
# code for each architecture, and PTX of the last for those to come
CUDA_LAST := $(lastword $(CUDA_ARCH))
CUDA_GENCODE := $(foreach a,$(CUDA_ARCH),-gencode=arch=compute_$a,code=sm_$a) \
	-gencode=arch=compute_$(CUDA_LAST),code=compute_$(CUDA_LAST)
CUDA_NVCC_FLAGS := -O3 -std=c++17 -lineinfo $(CUDA_GENCODE) -Ilib -Xptxas -v \
	-Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra$(if $(DEV),$(comma)-Werror)

# A sanitizer build runs the same sources on the host (tests/cuda), never this.
ifeq ($(SAN),)
ifneq ($(NVCC),)
all: $(CUDA_PLUGIN)
else
all: no-cuda
.PHONY: no-cuda
no-cuda:
	@echo 'cuda: no nvcc found, the CUDA plug-in is not built (set NVCC=)'
endif
endif

# nvcc takes a minute: it runs again when its own flags change, not when those of the C compiler do
$O/cuda/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(NVCC) $(CUDA_NVCC_FLAGS)' | cmp -s - $@ || echo '$(NVCC) $(CUDA_NVCC_FLAGS)' >$@

# ptxas says for every kernel what it spills: nothing, or it is an error (but in CUB's). Anything
# else it says is a warning.
$O/cuda/%.o: lib/cuda/%.cu $O/cuda/flags
	@mkdir -p $(@D)
	$(NVCC) $(CUDA_NVCC_FLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@ 2>$(@:.o=.ptxas) || { cat $(@:.o=.ptxas) >&2; exit 1; }
	@grep -v -e '^ptxas info' -e 'bytes stack frame' $(@:.o=.ptxas) >&2 || :
	@awk '/Function properties for/ { name = $$NF } \
		/bytes stack frame/ && name !~ /3cub/ && !/ 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads/ \
			{ print "$<: " name " uses local memory"; bad = 1 } \
		END { exit bad }' $(@:.o=.ptxas) >&2

$O/cuda/c/%.o: lib/%.c $B/flags
	@mkdir -p $(@D)
	$(CC) $(COF_CFLAGS) $(CFLAGS) $(SAME_BITS) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@

$(CUDA_PLUGIN): $(CUDA_OBJECTS) $(CUDA_C_OBJECTS)
	@mkdir -p $(@D)
	$(NVCC) -shared -cudart static $(CUDA_GENCODE) $^ -ldl -Xlinker --exclude-libs,ALL,--no-undefined -o $@
	@! readelf -d $@ | grep -e cublas -e RUNPATH -e RPATH || { echo '$@ asks for cuBLAS or for a path of this machine' >&2; exit 1; }
	@[ "$$(nm -D --defined-only $@ | cut -d' ' -f3)" = cofilter_cuda_backend ] || \
		{ echo '$@ exports other symbols than cofilter_cuda_backend' >&2; exit 1; }
