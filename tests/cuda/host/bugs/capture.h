/* capture: the cases of bugs.cu whose bug is in the capture of a graph; bugs.cu includes it once.
   */
#ifndef CAPTURE_H
#define CAPTURE_H

static void begin(void)
{
	ok(cudaDeviceSynchronize());
	ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
}

static void sync_in_capture(void)
{
	begin();
	ok(cudaStreamSynchronize(stream));
}

static void malloc_in_capture(void)
{
	begin();
	ok(cudaMalloc(&odd, 4));
}

static void legacy_in_capture(void)
{
	begin();
	LAUNCH(iota_kernel, 1, 64, 0, 0, a, N);
}

static void loose_in_capture(void)
{
	begin();
	ok(cudaMemcpyAsync(a, host, sizeof(host), cudaMemcpyHostToDevice, stream));
}

static void fork_graph(bool join, bool wait)
{
	cudaEvent_t e, f;
	cudaGraph_t graph;
	cudaGraphExec_t run;

	ok(cudaEventCreate(&e));
	ok(cudaEventCreate(&f));
	begin();
	ok(cudaEventRecord(e, stream));
	ok(cudaStreamWaitEvent(other, e));
	LAUNCH(plain_add_kernel, 1, 1, 0, other, a);
	ok(cudaEventRecord(f, other));
	if (join && wait)
		ok(cudaStreamWaitEvent(stream, f));
	ok(cudaMemcpyAsync(a + 1, a, sizeof(float), cudaMemcpyDeviceToDevice, stream));
	if (join && !wait) /* joined, but after the copy that needed it */
		ok(cudaStreamWaitEvent(stream, f));
	ok(cudaStreamEndCapture(stream, &graph));
	ok(cudaGraphInstantiate(&run, graph));
	ok(cudaGraphDestroy(graph));
	ok(cudaGraphLaunch(run, stream));
	expect(a, 2, 1);
	ok(cudaGraphExecDestroy(run));
	ok(cudaEventDestroy(e));
	ok(cudaEventDestroy(f));
}

static void unjoined_capture(void)
{
	fork_graph(false, false);
}

static void missing_dependency(void)
{
	fork_graph(true, false);
}

static void uncaptured_wait(void)
{
	cudaEvent_t e;

	ok(cudaEventCreate(&e));
	ok(cudaEventRecord(e, other));
	begin();
	ok(cudaStreamWaitEvent(stream, e));
}

#endif
