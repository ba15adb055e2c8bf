/*
 * graph: when a step is launched, and how. gradient() leaves its work pending, so that gradient and
 * update can go as one graph. Graphs are captured once per batch size, input buffer and kind of
 * work: what a graph does depends on the pointers and sizes it was captured with.
 */
#include "cuda/device.h"

static void enqueue(struct backend *b, unsigned what)
{
	if (what & GRAPH_GRADIENT)
		step_gradient(b, what & GRAPH_UPDATE);
	if (what & GRAPH_UPDATE)
		step_update(b, what & GRAPH_GRADIENT);
}

static cudaGraphExec_t capture(struct backend *b, unsigned what)
{
	cudaGraphExec_t exec;
	cudaGraph_t captured;

	CUDA(cudaStreamBeginCapture(b->stream, cudaStreamCaptureModeThreadLocal));
	enqueue(b, what);
	CUDA(cudaStreamEndCapture(b->stream, &captured));
	CUDA(cudaGraphInstantiate(&exec, captured, 0));
	CUDA(cudaGraphDestroy(captured));
	return exec;
}

/*
 * The first launch for a batch size goes kernel by kernel: kernels are loaded at their first
 * launch, which must not happen during a capture, and the short last batch comes only once. From
 * the second launch on it is a graph.
 */
void graph_launch(struct backend *b, unsigned what)
{
	struct input *in = &b->input[b->current];
	struct graph *g = &b->graph[b->current][what];

	if (what & GRAPH_GRADIENT)
		CUDA(cudaStreamWaitEvent(b->stream, in->copied, 0));
	if (g->n != b->n) {
		if (g->exec) {
			CUDA(cudaStreamSynchronize(b->stream));
			CUDA(cudaGraphExecDestroy(g->exec));
			g->exec = NULL;
		}
		g->n = b->n;
		enqueue(b, what);
	} else {
		if (!g->exec)
			g->exec = capture(b, what);
		CUDA(cudaGraphLaunch(g->exec, b->stream));
	}
	if (what & GRAPH_GRADIENT)
		CUDA(cudaEventRecord(in->used, b->stream));
	b->pending = false;
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
