/* graph: capture and launch. A node depends only on what streams and events made it depend on; a
   launch runs the nodes in the order of CUDA_HOST_ORDER, so that a forgotten dependency shows. */
#include "stream.h"

#include <algorithm>

struct cu_graph_exec {
	cu_graph graph;
};
static int num_live; /* graphs and executables not destroyed */

void cu_graph_add(cu_stream *s, std::function<void()> op)
{
	s->capture->nodes.push_back({ std::move(op), s->tail });
	s->tail.assign(1, (int)s->capture->nodes.size() - 1);
}

/* A stream that waits for an event of a capture joins that capture. */
void cu_graph_join(cu_stream *s, const cu_event *e)
{
	if (!s->capture)
		s->tail.clear();
	s->capture = e->capture;
	s->tail.insert(s->tail.end(), e->tail.begin(), e->tail.end());
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode)
{
	cu_check_stream(s, "cudaStreamBeginCapture");
	if (!s || s->capture)
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	s->capture = new cu_graph;
	s->capture_began = true;
	s->tail.clear();
	return cudaSuccess;
}

/* Does the end of the stream that began the capture depend on every node? */
static bool joined(const cu_graph &g, const std::vector<int> &tail)
{
	std::vector<bool> reached(g.nodes.size());
	std::vector<int> todo = tail;

	while (!todo.empty()) {
		int node = todo.back();

		todo.pop_back();
		if (reached[(size_t)node])
			continue;
		reached[(size_t)node] = true;
		const std::vector<int> &after = g.nodes[(size_t)node].after;
		todo.insert(todo.end(), after.begin(), after.end());
	}
	return std::find(reached.begin(), reached.end(), false) == reached.end();
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g)
{
	cu_check_stream(s, "cudaStreamEndCapture");
	*g = nullptr;
	if (!s || !s->capture || !s->capture_began)
		return cu_fail(cudaErrorStreamCaptureUnmatched);
	cu_graph *graph = s->capture;
	bool ok = joined(*graph, s->tail);
	for (auto *o : cu_streams)
		if (o->capture == graph)
			o->capture = nullptr;
	s->capture_began = false;
	if (!ok) {
		delete graph;
		return cu_fail(cudaErrorStreamCaptureUnjoined);
	}
	*g = graph;
	num_live++;
	return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *x, cudaGraph_t g, unsigned long long)
{
	*x = new cu_graph_exec{ *g };
	num_live++;
	return cudaSuccess;
}

static void run_graph(const cu_graph &g)
{
	size_t n = g.nodes.size();
	std::vector<bool> done(n);
	std::vector<int> able;

	cu_enter_device();
	for (size_t k = 0; k < n; k++) {
		able.clear();
		for (size_t i = 0; i < n; i++) {
			const std::vector<int> &after = g.nodes[i].after;

			if (!done[i] && std::all_of(after.begin(), after.end(),
						[&](int a) { return done[(size_t)a]; }))
				able.push_back((int)i);
		}
		cu_arrange(able.data(), (int)able.size());
		done[(size_t)able[0]] = true;
		g.nodes[(size_t)able[0]].op();
	}
	cu_leave_device();
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s)
{
	cu_submit(s, [=] { run_graph(x->graph); });
	return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x)
{
	cu_drain_all(true);
	delete x;
	num_live--;
	return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
	delete g;
	num_live--;
	return cudaSuccess;
}

int cu_report_graphs(void)
{
	if (num_live)
		fprintf(stderr, "cuda_host: %d graphs were never destroyed\n", num_live);
	return num_live;
}
