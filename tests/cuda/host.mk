# host.mk: the CUDA backend on the host. The same .cu files, compiled by g++ with tests/cuda/host in
# place of nvcc and its headers, become a plug-in that runs the kernels on the CPU:
#   $B/cuda-host/V/cofilter-cuda.so   V: plain, asan (ASan + UBSan), tsan
#   $B/cuda-host/V/X                  from tests/cuda/X.cu (linked with the ops) or X.c (opens the
#                                     plug-in)
# $B/cuda-host/cofilter-cuda.so is the plain one. g++ warns as it does for the C code.

CUDA_HOST := $B/cuda-host
CUDA_CXX ?= g++
CUDA_SOURCES := $(wildcard lib/cuda/*.cu)
CUDA_HOST_SOURCES := $(wildcard tests/cuda/host/*.cpp)
# in CUDA, linked with the ops; in C, opening the plug-in
CUDA_PROGRAMS := $(patsubst tests/cuda/%.cu,%,$(wildcard tests/cuda/*.cu))
CUDA_C_PROGRAMS := $(patsubst tests/cuda/%.c,%,$(wildcard tests/cuda/*.c))

CUDA_CXXFLAGS := -std=c++17 -fPIC -fvisibility=hidden -ffp-contract=off -Ilib -Itests/cuda/host \
	-Wall -Wextra -Wundef -Wpointer-arith -Wno-unknown-pragmas $(if $(DEV),-Werror) -pthread
CUDA_FLAGS_plain := -O2 -g $(SANITIZE) $(if $(SAN),-fsanitize-sections=cuda_shared)
CUDA_FLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize-sections=cuda_shared
CUDA_FLAGS_tsan := -O1 -g -fsanitize=thread -DGPU_BLOCK=64

# $(call cuda_variant,V): the rules of one variant
define cuda_variant
$(CUDA_HOST)/$1/%.o: lib/cuda/%.cu $B/flags
	@mkdir -p $$(@D)
	$$(CUDA_CXX) $$(CUDA_CXXFLAGS) $$(CUDA_FLAGS_$1) -MMD -MP -x c++ -c $$< -o $$@

$(CUDA_HOST)/$1/%.o: tests/cuda/%.cu $B/flags
	@mkdir -p $$(@D)
	$$(CUDA_CXX) $$(CUDA_CXXFLAGS) $$(CUDA_FLAGS_$1) -MMD -MP -x c++ -c $$< -o $$@

$(CUDA_HOST)/$1/bugs/%.o: tests/cuda/host/bugs/%.cu $B/flags
	@mkdir -p $$(@D)
	$$(CUDA_CXX) $$(CUDA_CXXFLAGS) $$(CUDA_FLAGS_$1) -MMD -MP -x c++ -c $$< -o $$@

# ThreadSanitizer does not watch the runtime, which is optimised for its sums
$(CUDA_HOST)/$1/host/%.o: tests/cuda/host/%.cpp $B/flags
	@mkdir -p $$(@D)
	$$(CUDA_CXX) $$(CUDA_CXXFLAGS) $$(if $$(filter tsan,$1),-g -DCU_TSAN=1,$$(CUDA_FLAGS_$1)) -O3 -MMD -MP -c $$< -o $$@

$(CUDA_HOST)/$1/c/%.o: lib/%.c $B/flags
	@mkdir -p $$(@D)
	$$(CC) $$(COF_CFLAGS) $$(CUDA_FLAGS_$1) -fPIC -fvisibility=hidden -MMD -MP -c $$< -o $$@

$(CUDA_HOST)/$1/%.o: tests/cuda/%.c $B/flags
	@mkdir -p $$(@D)
	$$(CC) $$(COF_CFLAGS) $$(CUDA_FLAGS_$1) -MMD -MP -c $$< -o $$@

$(CUDA_HOST)/$1/host.a: $(CUDA_HOST_SOURCES:tests/cuda/host/%.cpp=$(CUDA_HOST)/$1/host/%.o)
	@rm -f $$@
	$$(AR) rcs $$@ $$^

CUDA_OBJECTS_$1 := $(CUDA_SOURCES:lib/cuda/%.cu=$(CUDA_HOST)/$1/%.o)

$(CUDA_HOST)/$1/cofilter-cuda.so: $$(CUDA_OBJECTS_$1) $(CUDA_C_PARTS:%=$(CUDA_HOST)/$1/c/%.o) $(CUDA_HOST)/$1/host.a
	$$(CUDA_CXX) -shared $$(CUDA_FLAGS_$1) -pthread -Wl,--no-undefined -Wl,--exclude-libs,ALL -Wl,-z,nodelete \
		-Wl,--whole-archive $$^ -Wl,--no-whole-archive -ldl -lm -o $$@

$(CUDA_PROGRAMS:%=$(CUDA_HOST)/$1/%): $(CUDA_HOST)/$1/%: $(CUDA_HOST)/$1/%.o $$(CUDA_OBJECTS_$1) $(CUDA_HOST)/$1/host.a $B/libcofilter.a
	$$(CUDA_CXX) $$(CUDA_FLAGS_$1) -pthread $$^ $$(COF_LIBS) -o $$@

$(CUDA_C_PROGRAMS:%=$(CUDA_HOST)/$1/%): $(CUDA_HOST)/$1/%: $(CUDA_HOST)/$1/%.o $B/libcofilter.a
	$$(CC) $$(CUDA_FLAGS_$1) -pthread $$^ $$(COF_LIBS) -o $$@

$(CUDA_HOST)/$1/bugs/bugs: $(CUDA_HOST)/$1/bugs/bugs.o $(CUDA_HOST)/$1/host.a
	$$(CUDA_CXX) $$(CUDA_FLAGS_$1) -pthread $$^ -lm -o $$@

.PHONY: cuda-host-$1
cuda-host-$1: $(CUDA_HOST)/$1/bugs/bugs $(CUDA_HOST)/$1/cofilter-cuda.so $(CUDA_PROGRAMS:%=$(CUDA_HOST)/$1/%) $(CUDA_C_PROGRAMS:%=$(CUDA_HOST)/$1/%)
endef

$(foreach v,plain asan tsan,$(eval $(call cuda_variant,$v)))

$(CUDA_HOST)/cofilter-cuda.so: $(CUDA_HOST)/plain/cofilter-cuda.so
	cp $< $@

# With SAN= the plain variant has those sanitizers, and the others are left out.
CUDA_SANITIZED := $(if $(SAN),,asan tsan)
.PHONY: cuda-host cuda-host-quick test-cuda-quick test-cuda
ifneq ($(shell command -v $(CUDA_CXX) 2>/dev/null),)
cuda-host: cuda-host-plain $(CUDA_SANITIZED:%=cuda-host-%)
# with sanitizers the quick set runs the suite of the host runtime and the ops
cuda-host-quick: cuda-host-plain $(foreach v,$(CUDA_SANITIZED),$(patsubst %,$(CUDA_HOST)/$v/%,bugs/bugs $(filter test_ops%,$(CUDA_PROGRAMS))))
else
cuda-host cuda-host-quick:
	@echo 'tests/cuda: no $(CUDA_CXX), the CUDA backend is not tested'
endif

test: cuda-host-quick
test-cuda-quick: all cuda-host-quick
	@BUILD=$(CURDIR)/$B tests/run tests/cuda/*.bats
test-cuda: all cuda-host
	@COFILTER_CUDA_TESTS=all BUILD=$(CURDIR)/$B tests/run tests/cuda/*.bats

# All that tests/cuda/gpu-check.sh needs on a machine with a GPU, in one folder; see gpu-kit.sh.
.PHONY: gpu-kit
CUDA_KIT_LIBS = $(foreach l,$(COF_LIBS),$(if $(filter -ldl -lm,$l),$l,$(l:-l%=-l:lib%.a)))
gpu-kit:
	@$(MAKE) B=build/kit NVCC= CFLAGS=-O2 COF_LIBS='$(CUDA_KIT_LIBS)' programs cuda-host-plain
	@NVCC='$(NVCC)' tests/cuda/gpu-kit.sh build/kit build/gpu-kit
