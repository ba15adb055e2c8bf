/* options: the environment, messages, what is not freed at the end. */
#include "host.h"

#include <cerrno>
#include <cstdarg>

const char *cu_kernel = "?";
int cu_thread = -1;

void cu_end(void)
{
	fflush(stderr);
	abort();
}

void cu_die(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "cuda_host: ");
	if (cu_thread >= 0)
		fprintf(stderr, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): ", cu_kernel,
			blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	cu_end();
}

static bool option_flag(const char *name)
{
	const char *text = getenv(name);

	if (text && strcmp(text, "0") && strcmp(text, "1"))
		cu_die("%s is '%s', 0 or 1 expected", name, text);
	return text && *text == '1';
}

static unsigned long option_number(const char *name, const char *text, unsigned long otherwise)
{
	char *end;

	if (!text)
		return otherwise;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		cu_die("%s is '%s', a number expected", name, text);
	return value;
}

cu_options::cu_options()
{
	const char *text = getenv("CUDA_HOST_ORDER");

	if (text && !strcmp(text, "reverse"))
		order = CU_REVERSE;
	else if (text && !strncmp(text, "random:", 7))
		order = CU_RANDOM, seed = option_number("CUDA_HOST_ORDER", text + 7, 0) * 2 + 1;
	else if (text && strcmp(text, "forward"))
		cu_die("CUDA_HOST_ORDER is '%s'; forward, reverse or random:SEED expected", text);
	text = getenv("CUDA_HOST_STREAMS");
	lazy = text && !strcmp(text, "lazy");
	if (text && !lazy && strcmp(text, "eager"))
		cu_die("CUDA_HOST_STREAMS is '%s', eager or lazy expected", text);
	guard = option_flag("CUDA_HOST_GUARD");
	leaks = option_flag("CUDA_HOST_LEAKS");
	no_device = option_flag("CUDA_HOST_NO_DEVICE");
	stats = option_flag("CUDA_HOST_STATS");
	no_blas = option_flag("CUDA_HOST_NO_BLAS");
	driver = option_number("CUDA_HOST_DRIVER", getenv("CUDA_HOST_DRIVER"), driver);
	fail_malloc = option_number("CUDA_HOST_FAIL_MALLOC", getenv("CUDA_HOST_FAIL_MALLOC"), 0);
	memory = option_number("CUDA_HOST_MEMORY", getenv("CUDA_HOST_MEMORY"), memory);
	sms = option_number("CUDA_HOST_SMS", getenv("CUDA_HOST_SMS"), sms);
}

cu_options cu_opt;

/* xorshift64 (Marsaglia 2003). */
static uint64_t random64(void)
{
	cu_opt.seed ^= cu_opt.seed << 13;
	cu_opt.seed ^= cu_opt.seed >> 7;
	return cu_opt.seed ^= cu_opt.seed << 17;
}

void cu_arrange(int *v, int n)
{
	if (cu_opt.order == CU_REVERSE)
		for (int i = 0; i < n / 2; i++)
			std::swap(v[i], v[n - 1 - i]);
	if (cu_opt.order == CU_RANDOM)
		for (int i = n - 1; i > 0; i--)
			std::swap(v[i], v[random64() % (uint64_t)(i + 1)]);
}

/* Runs when the program or the plug-in that holds the runtime ends. */
static struct at_end {
	~at_end()
	{
		if (cu_opt.leaks && cu_report_leaks() + cu_report_streams() + cu_report_graphs() +
					    cu_report_lt()) {
			fflush(stderr);
			_Exit(70);
		}
	}
} at_end;
