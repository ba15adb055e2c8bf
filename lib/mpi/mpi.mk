# mpi.mk: the exchange between processes as a plug-in, build/lib/cofilter/cofilter-mpi.so, where there is an mpicc (Debian:
# libopenmpi-dev). One symbol is exported. MPICC may be set; empty: none.

ifndef MPICC
MPICC := $(firstword $(shell command -v mpicc 2>/dev/null))
endif
MPI_PLUGIN := $B/lib/cofilter/cofilter-mpi.so

ifneq ($(MPICC),)
all: $(MPI_PLUGIN)
endif

# the compiler of everything else, with the flags that mpicc, of Open MPI or of MPICH, gives to its own
MPI_COMPILE = $(shell $(MPICC) --showme:compile 2>/dev/null || $(MPICC) -compile_info | cut -d' ' -f2-)
MPI_LINK = $(shell $(MPICC) --showme:link 2>/dev/null || $(MPICC) -link_info | cut -d' ' -f2-)
$(MPI_PLUGIN): lib/mpi/exchange.c $B/flags lib/mpi/mpi.mk
	@mkdir -p $(@D) $O
	$(CC) $(COF_CFLAGS) $(CFLAGS) $(MPI_COMPILE) -fPIC -fvisibility=hidden -MMD -MP -MT $@ -MF $O/mpi.d -shared $< \
		$(LDFLAGS) $(MPI_LINK) -o $@
