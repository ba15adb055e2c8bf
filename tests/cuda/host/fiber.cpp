/* fiber: stacks on which threads of a kernel wait. The switch is written in assembly, since
   swapcontext makes a system call: an epoch of ML-100K takes 2 s with the former and 34 s with the
   latter. */
#include "host.h"

#include <sys/mman.h>

#if CU_ASAN || CU_TSAN
enum { STACK = 256 << 10 };
#else
enum { STACK = 64 << 10 };
#endif

cu_fiber cu_main_fiber, *cu_fiber_now = &cu_main_fiber;
unsigned long cu_switches;

#if defined(__x86_64__)
/* cu_switch_stack(save, load): push the callee-saved registers, swap the stack pointer, pop. */
extern "C" void cu_switch_stack(void **save, void *load);
__asm__(".text\n.globl cu_switch_stack\n.hidden cu_switch_stack\n"
	".type cu_switch_stack,@function\ncu_switch_stack:\n"
	"push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
	"mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
	"pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
	".size cu_switch_stack,.-cu_switch_stack\n");

/* At entry rsp is 8 above a multiple of 16, as after a call. */
static void *first_frame(char *stack, size_t size, void (*entry)(void))
{
	void **sp = (void **)(stack + size) - 2;

	*sp = (void *)entry;
	sp -= 6;
	memset((void *)sp, 0, 6 * sizeof(*sp));
	return sp;
}
#elif defined(__aarch64__)
extern "C" void cu_switch_stack(void **save, void *load);
__asm__(".text\n.globl cu_switch_stack\n.hidden cu_switch_stack\n"
	".type cu_switch_stack,%function\ncu_switch_stack:\n"
	"sub sp, sp, #160\n"
	"stp x19, x20, [sp, #0]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\n"
	"stp x25, x26, [sp, #48]\nstp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\n"
	"stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
	"stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
	"mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
	"ldp x19, x20, [sp, #0]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\n"
	"ldp x25, x26, [sp, #48]\nldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\n"
	"ldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\n"
	"ldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"
	"add sp, sp, #160\nret\n"
	".size cu_switch_stack,.-cu_switch_stack\n");

static void *first_frame(char *stack, size_t size, void (*entry)(void))
{
	void **sp = (void **)(stack + size) - 20;

	memset((void *)sp, 0, 20 * sizeof(*sp));
	sp[11] = (void *)entry; /* x30 */
	return sp;
}
#else
#include <ucontext.h>

static void *first_frame(char *stack, size_t size, void (*entry)(void))
{
	ucontext_t *u = new ucontext_t;

	getcontext(u);
	u->uc_stack.ss_sp = stack;
	u->uc_stack.ss_size = size;
	u->uc_link = nullptr;
	makecontext(u, entry, 0);
	return u;
}

static void cu_switch_stack(void **save, void *load)
{
	if (!*save)
		*save = new ucontext_t;
	swapcontext((ucontext_t *)*save, (ucontext_t *)load);
}
#endif

cu_fiber *cu_fiber_new(void (*entry)(void))
{
	/* a multiple of any Linux page, below the stack: never accessible */
	enum { PAGE = 64 << 10 };
	cu_fiber *f = new cu_fiber;
	void *m = mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED || mprotect(m, PAGE, PROT_NONE))
		cu_die("no memory for the stack of a fiber");
	f->stack = (char *)m + PAGE;
	f->size = STACK;
	f->sp = first_frame(f->stack, f->size, entry);
	TSAN(f->tsan = __tsan_create_fiber(0));
	return f;
}

void cu_fiber_switch(cu_fiber *to)
{
	cu_fiber *from = cu_fiber_now;

	if (to == from)
		return;
	cu_fiber_now = to;
	cu_switches++;
#if CU_ASAN
	__sanitizer_start_switch_fiber(&from->fake, to->stack, to->size);
#endif
	TSAN(__tsan_switch_to_fiber(to->tsan, 1));
	cu_switch_stack(&from->sp, to->sp);
#if CU_ASAN
	__sanitizer_finish_switch_fiber(from->fake, nullptr, nullptr);
#endif
}

void cu_fiber_started(void)
{
#if CU_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
	if (!cu_main_fiber.stack) { /* the first switch came from there */
		cu_main_fiber.stack = (char *)const_cast<void *>(bottom);
		cu_main_fiber.size = size;
	}
#endif
}
