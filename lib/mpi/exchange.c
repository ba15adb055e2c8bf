/*
 * exchange: exchange.h by MPI, as a plug-in. It takes nothing from the rest of lib/.
 *
 * MPI's own waiting keeps a core busy. Here one waits in the open: calls are started, and asked for
 * at ever longer intervals, a small part of the time waited, while others use the core. So a
 * process that is told nothing sleeps, and who computes is not disturbed.
 */
#define _DEFAULT_SOURCE // on_exit
#include "model/exchange.h"

#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Most bytes of one message of MPI, whose counts are int. */
static const size_t piece = (size_t)1 << 30;

enum { TAG };

static bool ended;

/* A program that ends before it has come to an end with the others ends them too. */
static void end_all(int status, void *arg)
{
	(void)arg;
	if (!ended)
		MPI_Abort(MPI_COMM_WORLD, status == 0 ? 1 : status);
}

/* Wait for n requests. */
static void wait_for(int n, MPI_Request *request)
{
	const double started = MPI_Wtime(), most = 1e-3;
	int done = 0;

	for (unsigned tries = 0;; tries++) {
		MPI_Testall(n, request, &done, MPI_STATUSES_IGNORE);
		if (done)
			return;
		if (tries < 100)
			continue;
		double seconds = (MPI_Wtime() - started) / 16;
		if (seconds > most)
			seconds = most;
		nanosleep(&(struct timespec){ .tv_nsec = (long)(seconds * 1e9) }, NULL);
	}
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void broadcast(struct exchange *x, unsigned root, void *data, size_t bytes)
{
	(void)x;
	for (size_t k = 0; k < bytes; k += piece) {
		MPI_Request request;

		MPI_Ibcast((char *)data + k, (int)smaller(bytes - k, piece), MPI_BYTE, (int)root,
			MPI_COMM_WORLD, &request);
		wait_for(1, &request);
	}
}

/* Start to send bytes to a process, or to receive them; returns the end of the requests. */
static MPI_Request *start(MPI_Request *request, bool out, unsigned other, char *data, size_t bytes)
{
	for (size_t k = 0; k < bytes; k += piece) {
		const int n = (int)smaller(bytes - k, piece);

		if (out)
			MPI_Isend(
				data + k, n, MPI_BYTE, (int)other, TAG, MPI_COMM_WORLD, request++);
		else
			MPI_Irecv(
				data + k, n, MPI_BYTE, (int)other, TAG, MPI_COMM_WORLD, request++);
	}
	return request;
}

static size_t pieces(size_t bytes)
{
	return bytes / piece + (bytes % piece > 0);
}

static void all_to_all(struct exchange *x, const void *out, const size_t *out_bytes, void *in,
	const size_t *in_bytes)
{
	char *from = (char *)out, *to = in;
	size_t n = 1;

	for (unsigned q = 0; q < x->size; q++)
		n += pieces(out_bytes[q]) + pieces(in_bytes[q]);
	MPI_Request *request = malloc(n * sizeof(*request)), *end = request;
	if (!request) {
		perror("neumf-train: cannot tell other processes");
		exit(1);
	}
	for (unsigned q = 0; q < x->size; to += in_bytes[q++])
		end = start(end, false, q, to, in_bytes[q]);
	for (unsigned q = 0; q < x->size; from += out_bytes[q++])
		end = start(end, true, q, from, out_bytes[q]);
	wait_for((int)(end - request), request);
	free(request);
}

static void one_to_one(bool out, unsigned other, char *data, size_t bytes)
{
	for (size_t k = 0; k < bytes; k += piece) {
		MPI_Request request;

		start(&request, out, other, data + k, smaller(bytes - k, piece));
		wait_for(1, &request);
	}
}

static void send(struct exchange *x, unsigned to, const void *data, size_t bytes)
{
	(void)x;
	one_to_one(true, to, (char *)data, bytes);
}

static void receive(struct exchange *x, unsigned from, void *data, size_t bytes)
{
	(void)x;
	one_to_one(false, from, data, bytes);
}

static void end(struct exchange *x)
{
	(void)x;
	ended = true;
	MPI_Finalize();
}

exchange_plugin cofilter_mpi_exchange;

__attribute__((visibility("default"))) struct exchange *cofilter_mpi_exchange(
	unsigned abi, char *why, size_t why_size)
{
	static struct exchange x = { .broadcast = broadcast,
		.all_to_all = all_to_all,
		.send = send,
		.receive = receive,
		.end = end };
	int level, rank, size;

	if (abi != EXCHANGE_ABI) {
		snprintf(why, why_size, "the plug-in has interface version %d, %u expected",
			EXCHANGE_ABI, abi);
		return NULL;
	}
	if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS) {
		snprintf(why, why_size, "MPI does not start");
		return NULL;
	}
	on_exit(end_all, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	x.rank = (unsigned)rank;
	x.size = (unsigned)size;
	return &x;
}
