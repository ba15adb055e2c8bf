/*
 * graph: when a step is launched, and how. gradient() leaves its work pending, so that gradient and
 * update can go as one graph; the sort of its ids goes at once, on the stream that copied them, so
 * that it runs while the step before computes. Graphs are captured once per batch size, input buffer
 * and kind of work: what a graph does depends on the pointers and sizes it was captured with.
 */
#include "cuda/device.h"

static void enqueue(struct backend *b, unsigned what)
{
	if (what & GRAPH_SORT)
		step_sort(b);
	if (what & GRAPH_GRADIENT)
		step_gradient(b, what & GRAPH_UPDATE);
	if (what & GRAPH_UPDATE)
		step_update(b, what & GRAPH_GRADIENT);
}

static cudaGraphExec_t capture(struct backend *b, unsigned what, cudaStream_t stream)
{
	cudaGraphExec_t exec;
	cudaGraph_t captured;

	CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	enqueue(b, what);
	CUDA(cudaStreamEndCapture(stream, &captured));
	CUDA(cudaGraphInstantiate(&exec, captured, 0));
	CUDA(cudaGraphDestroy(captured));
	return exec;
}

/*
 * The first launch for a batch size goes kernel by kernel: kernels are loaded at their first
 * launch, which must not happen during a capture, and the short last batch comes only once. From
 * the second launch on it is a graph.
 */
static void launch(struct backend *b, unsigned what, cudaStream_t stream)
{
	struct graph *g = &b->graph[b->current][what];

	if (g->n != b->n) {
		if (g->exec) {
			CUDA(cudaStreamSynchronize(stream));
			CUDA(cudaGraphExecDestroy(g->exec));
			g->exec = NULL;
		}
		g->n = b->n;
		enqueue(b, what);
		return;
	}
	if (!g->exec)
		g->exec = capture(b, what, stream);
	CUDA(cudaGraphLaunch(g->exec, stream));
}

void graph_sort(struct backend *b)
{
	launch(b, GRAPH_SORT, b->copy_stream);
	CUDA(cudaEventRecord(b->input[b->current].sorted, b->copy_stream));
}

void graph_launch(struct backend *b, unsigned what)
{
	struct input *in = &b->input[b->current];

	if (what & GRAPH_GRADIENT)
		CUDA(cudaStreamWaitEvent(b->stream, in->sorted, 0));
	launch(b, what, b->stream);
	graph_used(b);
	b->pending = false;
}

void graph_used(struct backend *b)
{
	CUDA(cudaEventRecord(b->input[b->current].used, b->stream));
}

void graph_flush(struct backend *b)
{
	if (b->pending)
		graph_launch(b, GRAPH_GRADIENT);
}

void graph_destroy(struct backend *b)
{
	for (auto &of_input : b->graph)
		for (auto &g : of_input)
			if (g.exec)
				CUDA(cudaGraphExecDestroy(g.exec));
}
