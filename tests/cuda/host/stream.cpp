/* stream: streams and events. Eager: an operation runs when it is submitted. Lazy: it stays in its
   stream until something runs that, by CUDA's rules, waits for it. */
#include "stream.h"

#include <algorithm>
#include <chrono>
#include <set>

std::vector<cu_stream *> &cu_streams = *new std::vector<cu_stream *>;
static std::set<cu_event *> &events = *new std::set<cu_event *>;
static cu_stream legacy;

void cu_check_stream(cudaStream_t s, const char *call)
{
	if (s && std::find(cu_streams.begin(), cu_streams.end(), s) == cu_streams.end())
		cu_die("%s: %p is not a live stream", call, (void *)s);
}

static void check_event(cudaEvent_t e, const char *call)
{
	if (!events.count(e))
		cu_die("%s: %p is not a live event", call, (void *)e);
}

bool cu_capturing(void)
{
	for (auto *s : cu_streams)
		if (s->capture)
			return true;
	return false;
}

/* Run what was put into the stream before operation `upto`. */
static void drain(cu_stream *s, unsigned long upto)
{
	if (s->done >= upto)
		return;
	cu_enter_device(); /* once for all: the guard makes a system call per allocation */
	while (s->done < upto && !s->queue.empty()) {
		auto op = std::move(s->queue.front());

		s->queue.pop_front();
		op();
		s->done++;
	}
	cu_leave_device();
}

void cu_drain_all(bool nonblocking_too)
{
	std::vector<int> order(cu_streams.size());

	drain(&legacy, legacy.put);
	for (size_t i = 0; i < order.size(); i++)
		order[i] = (int)i;
	cu_arrange(order.data(), (int)order.size());
	for (int i : order)
		if (nonblocking_too || cu_streams[(size_t)i]->blocking)
			drain(cu_streams[(size_t)i], cu_streams[(size_t)i]->put);
}

static void put(cu_stream *s, std::function<void()> op)
{
	s->queue.push_back(std::move(op));
	s->put++;
}

/* The legacy stream waits for the blocking streams, and they for it. */
static void put_legacy(std::function<void()> op)
{
	std::vector<std::pair<cu_stream *, unsigned long>> before;

	for (auto *s : cu_streams)
		if (s->blocking)
			before.emplace_back(s, s->put);
	put(&legacy, [=] {
		for (auto &b : before)
			drain(b.first, b.second);
		op();
	});
}

void cu_submit(cudaStream_t s, std::function<void()> op)
{
	cu_check_stream(s, "submission");
	if (s && s->capture) {
		cu_graph_add(s, std::move(op));
	} else if (!s && cu_capturing()) {
		cu_die("the legacy stream is used while another stream is capturing");
	} else if (!cu_opt.lazy) {
		op();
	} else if (!s) {
		put_legacy(std::move(op));
	} else if (s->blocking) {
		unsigned long at = legacy.put;

		put(s, [=] {
			drain(&legacy, at);
			op();
		});
	} else {
		put(s, std::move(op));
	}
}

cudaError_t cudaDeviceSynchronize(void)
{
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	cu_host_waits(false);
	cu_drain_all(true);
	return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	*s = new cu_stream;
	(*s)->blocking = !(flags & cudaStreamNonBlocking);
	cu_streams.push_back(*s);
	return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *s)
{
	return cudaStreamCreateWithFlags(s, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
	cu_check_stream(s, "cudaStreamDestroy");
	if (!s || s->capture)
		cu_die("cudaStreamDestroy: the stream is %s", s ? "capturing" : "the legacy one");
	cu_drain_all(true);
	cu_streams.erase(std::find(cu_streams.begin(), cu_streams.end(), s));
	for (auto *e : events) /* what the event stood for has run */
		if (e->stream == s)
			e->stream = nullptr;
	delete s;
	return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
	cu_check_stream(s, "cudaStreamSynchronize");
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	cu_host_waits(false);
	if (s)
		drain(s, s->put);
	else
		cu_drain_all(false);
	return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags)
{
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	*e = new cu_event;
	(*e)->timing = !(flags & cudaEventDisableTiming);
	(*e)->blocking = flags & cudaEventBlockingSync;
	events.insert(*e);
	return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *e)
{
	return cudaEventCreateWithFlags(e, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
	check_event(e, "cudaEventDestroy");
	cu_drain_all(true);
	events.erase(e);
	delete e;
	return cudaSuccess;
}

static double milliseconds(void)
{
	auto t = std::chrono::steady_clock::now().time_since_epoch();

	return std::chrono::duration<double, std::milli>(t).count();
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
	check_event(e, "cudaEventRecord");
	cu_check_stream(s, "cudaEventRecord");
	e->capture = s ? s->capture : nullptr;
	if (e->capture) {
		e->tail = s->tail;
		return cudaSuccess;
	}
	e->time = -1;
	cu_submit(s, [=] { e->time = milliseconds(); });
	e->stream = s ? s : &legacy;
	e->at = e->stream->put;
	return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
	check_event(e, "cudaEventSynchronize");
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	cu_host_waits(e->blocking);
	if (e->stream)
		drain(e->stream, e->at);
	return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
	check_event(from, "cudaEventElapsedTime");
	check_event(to, "cudaEventElapsedTime");
	if (!from->timing || !to->timing || !from->stream || !to->stream)
		return cu_fail(cudaErrorInvalidResourceHandle);
	if (from->time < 0 || to->time < 0)
		return cu_fail(cudaErrorNotReady);
	*ms = (float)(to->time - from->time);
	return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned)
{
	check_event(e, "cudaStreamWaitEvent");
	cu_check_stream(s, "cudaStreamWaitEvent");
	if (e->capture) {
		if (!s || (s->capture && s->capture != e->capture))
			return cu_fail(cudaErrorStreamCaptureMerge);
		cu_graph_join(s, e);
		return cudaSuccess;
	}
	if (s && s->capture)
		return cu_fail(cudaErrorStreamCaptureIsolation);
	cu_stream *from = e->stream;
	unsigned long at = e->at;
	if (from)
		cu_submit(s, [=] { drain(from, at); });
	return cudaSuccess;
}

int cu_report_streams(void)
{
	if (!cu_streams.empty() || !events.empty())
		fprintf(stderr, "cuda_host: %zu streams, %zu events were never destroyed\n",
			cu_streams.size(), events.size());
	return (int)(cu_streams.size() + events.size());
}
