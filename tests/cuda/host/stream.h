/* stream: the queue behind a cudaStream_t; shared by stream.cpp and graph.cpp. */
#ifndef STREAM_HOST_H
#define STREAM_HOST_H

#include "host.h"

#include <deque>

struct cu_stream {
	std::deque<std::function<void()>> queue;
	unsigned long done = 0, put = 0; /* operations run, submitted */
	bool blocking = true;		 /* orders itself with the legacy stream */
	cu_graph *capture = nullptr;
	bool capture_began = false; /* on this stream, which no event joined to it */
	std::vector<int> tail;	    /* nodes that the next one depends on */
};

extern std::vector<cu_stream *> &cu_streams;

/* Dies where the handle is not a live one. NULL, the legacy stream, is. */
void cu_check_stream(cudaStream_t s, const char *call);

/* Add to the capture of s. CUDA allows several host threads; this runtime and its user have one. */
void cu_graph_add(cu_stream *s, std::function<void()> op);
void cu_graph_join(cu_stream *s, const cu_event *e);

#endif
