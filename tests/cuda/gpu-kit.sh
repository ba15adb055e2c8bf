#!/bin/sh
# Pack what tests/cuda/gpu-check.sh needs on a machine that has only CUDA: a small copy of this
# repository with the programs built, those of nvcc too where it is here, and bats.
# Usage: gpu-kit.sh BUILD KIT ('make gpu-kit' calls it). $CUDA_KIT_ARCH (90): what nvcc compiles for
set -eu
cd "$(dirname "$0")/../.."
build=$1 kit=$2
most=$((60 * 1024)) # KiB

rm -rf "$kit"
mkdir -p "$kit/build/bin" "$kit/build/cuda-host/plain" "$kit/tests/cuda" "$kit/tests/unit" "$kit/bats/bin" "$kit/pipelines"
kit=$(cd "$kit" && pwd)
cp Makefile "$kit/"
cp -r lib "$kit/"
# what the kernels share with the host draws by these headers
random123=$(echo '#include <Random123/philox.h>' | cc -E -M -x c - | tr ' ' '\n' | grep 'Random123/philox.h$')
cp -r "$(dirname "$random123")" "$kit/lib/Random123"
cp tests/helper.bash "$kit/tests/"
cp pipelines/find-data.sh "$kit/pipelines/" # helper.bash reads it
cp tests/unit/check.h "$kit/tests/unit/"
cp tests/cuda/*.cu tests/cuda/*.h tests/cuda/*.py tests/cuda/*.sh tests/cuda/*.bash tests/cuda/*.bats "$kit/tests/cuda/"
cp "$build"/bin/* "$kit/build/bin/"
cp -r "$build/cuda-host/plain/c" "$kit/build/cuda-host/plain/"
find "$kit/build" -name '*.d' -delete
for program in tests/cuda/*.cu tests/cuda/*.c; do
	program=${program##*/}
	cp "$build/cuda-host/plain/${program%.*}" "$kit/build/cuda-host/plain/"
done
cp "$build/cuda-host/plain/cofilter-cuda.so" "$kit/build/cuda-host/plain/"
nvcc=${NVCC-$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || :)}
if [ -n "$nvcc" ]; then
	arch=${CUDA_KIT_ARCH:-90}
	(cd "$kit" && NVCC=$nvcc ARCH=$arch BUILD=$kit/build GPU=$kit/build/gpu PATIENCE=1 tests/cuda/gpu-steps.sh build)
	rm "$kit"/build/gpu/*.o
	echo "$arch" >"$kit/build/gpu/arch"
fi
find "$kit/build" -type f ! -name '*.o' ! -name arch -exec strip {} +

bats=$(command -v bats)
root=$(dirname "$(dirname "$(readlink -f "$bats")")")
cp "$bats" "$kit/bats/bin/"
for part in lib libexec; do
	mkdir "$kit/bats/$part"
	cp -r "$root/$part/bats-core" "$kit/bats/$part/"
done

# the newest glibc that any of the programs asks for
glibc=$(find "$kit/build" -type f ! -name '*.o' ! -name arch -exec objdump -T {} + | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
size=$(du -sk "$kit" | cut -f1)
echo "$kit: $((size / 1024)) MiB, runs with $glibc and later: copy it, then run tests/cuda/gpu-check.sh in it"
[ "$size" -lt $most ] || { echo "$kit: more than $most KiB" >&2 && exit 1; }
