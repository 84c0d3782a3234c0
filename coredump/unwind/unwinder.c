/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coredump/unwind/unwinder.h"

#include "common/clock.h"
#include <elf.h>
#include <string.h>

#ifndef NT_ARM_PAC_MASK
#define NT_ARM_PAC_MASK 0x406
#endif
#define FRAMES_BETWEEN_CLOCKS 1024

typedef struct Unwinding {
	Unwinder *unwinder;
	Stack *stack;
	Registers registers; /* of the frame that libdwfl begins with */
	bool has_registers;
	bool begins_in_call; /* registers.pc lies within the call, not behind it */
	bool no_memory;
	bool has_sp;
	uint64_t sp; /* of the frame before */
} Unwinding;

/* ---- addresses ---------------------------------------------------------------------------------
 */

/* Whether instructions may be there: what is mapped for it, or, where the core does not tell, what
 * a module covers. */
static bool is_code(Unwinder *unwinder, uint64_t pc)
{
	const CoreSegment *segment = core_memory_find(unwinder->memory, pc);

	return segment ? segment->flags & PF_X : modules_find(unwinder->modules, pc) != NULL;
}

/* Arm's pointer authentication: return addresses are kept with a signature in bits that no address
 * needs. libdwfl takes them off only from 0.192 on. */
static uint64_t without_signature(Unwinder *unwinder, uint64_t address)
{
	uint64_t plain = address & ~unwinder->signature_mask;

	return plain != address && is_code(unwinder, plain) ? plain : address;
}

/* ---- what libdwfl asks for ------------------------------------------------------------------- */

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret, void *userdata)
{
	Unwinder *unwinder = userdata;
	size_t size = core_elf_word(&unwinder->memory->elf);
	unsigned char data[8];

	(void)dwfl;
	if (core_memory_word(unwinder->memory, address, ret)) {
		*ret = without_signature(unwinder, *ret);
		return true;
	}
	/* what was never written is often not in the core, but in the file that was mapped */
	const LoadedModule *module = modules_find(unwinder->modules, address);
	if (!module || module_read(module, address, data, size) != size)
		return false;
	*ret = core_elf_number(&unwinder->memory->elf, data, size);
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *userdata)
{
	const Unwinding *unwinding = userdata;
	const Registers *registers = &unwinding->registers;

	dwfl_thread_state_register_pc(thread, registers->pc);
	return dwfl_thread_state_registers(thread, 0, registers->n_dwarf, registers->dwarf);
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *userdata, void **ret)
{
	Unwinder *unwinder = userdata;

	(void)dwfl;
	(void)tid;
	*ret = unwinder->now;
	return true;
}

/* Threads are asked for one by one, in our own order. */
static pid_t next_thread(Dwfl *dwfl, void *userdata, void **thread)
{
	(void)dwfl;
	(void)userdata;
	(void)thread;
	return 0;
}

static const Dwfl_Thread_Callbacks callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* ---- frames ---------------------------------------------------------------------------------- */

static bool add_frame(Unwinding *unwinding, const StackFrame *frame)
{
	Stack *stack = unwinding->stack;

	if (stack->n == stack->room) {
		size_t room = stack->room ? stack->room * 2 : 256;
		StackFrame *grown = realloc(stack->frame, room * sizeof *grown);
		unwinding->no_memory = !grown;
		if (!grown)
			return false;
		stack->frame = grown;
		stack->room = room;
	}
	stack->frame[stack->n++] = *frame;
	return true;
}

PRINTF_FORMAT(2, 3) static int stop(Unwinding *unwinding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(unwinding->stack->error, sizeof unwinding->stack->error, format, arguments);
	va_end(arguments);
	return DWARF_CB_ABORT;
}

static bool is_time_up(const Unwinder *unwinder)
{
	return now_usec(CLOCK_PROCESS_CPUTIME_ID) > unwinder->cpu_end;
}

/* Each caller's frame lies above its callee's, but where a signal's handler had a stack of its own,
 * or a function without a frame (arm64) is the innermost. GDB knows the same two. */
static bool goes_on(const Unwinding *unwinding, const StackFrame *frame, uint64_t sp)
{
	const Stack *stack = unwinding->stack;

	if (!unwinding->has_sp || stack->n == 0 || stack->frame[stack->n - 1].signal)
		return true;
	const StackFrame *last = &stack->frame[stack->n - 1];
	if (sp == unwinding->sp)
		return !last->is_call && last->pc != frame->pc;
	return sp > unwinding->sp;
}

static int take_frame(Dwfl_Frame *state, void *userdata)
{
	Unwinding *unwinding = userdata;
	Stack *stack = unwinding->stack;
	StackFrame frame = {};
	Dwarf_Word sp = 0;
	bool is_first = true, activation;

	if (stack->n == UNWIND_FRAMES_MAX)
		return stop(unwinding, "stopped after %zu frames", stack->n);
	if (stack->n > 0 && stack->n % FRAMES_BETWEEN_CLOCKS == 0 &&
		is_time_up(unwinding->unwinder))
		return stop(unwinding, "stopped after %zu frames: the time for this core is up",
			stack->n);
	if (!dwfl_frame_pc(state, &frame.pc, &activation))
		return stop(unwinding, "%s", dwfl_errmsg(-1));
	if (stack->n > 0) {
		const StackFrame *last = &stack->frame[stack->n - 1];
		is_first = unwinding->begins_in_call && stack->n == 1;
		if (is_first) {
			frame.pc++;
			activation = false;
		}
		frame.is_call = !activation;
		frame.signal = activation && !last->signal;
	}
	bool has_sp = unwinding->has_registers &&
		      dwfl_frame_reg(state, unwinding->registers.sp_number, &sp) == 0;
	if (has_sp && !is_first && !goes_on(unwinding, &frame, sp))
		return stop(unwinding,
			"the frame of 0x%llx leads back into the stack (a damaged stack?)",
			(unsigned long long)stack->frame[stack->n - 1].pc);
	if (!add_frame(unwinding, &frame))
		return DWARF_CB_ABORT;
	unwinding->has_sp = has_sp;
	unwinding->sp = sp;
	if (stack->n > 1 && !is_code(unwinding->unwinder, frame.pc))
		return stop(unwinding, "the caller's address 0x%llx is no code (a damaged stack?)",
			(unsigned long long)frame.pc);
	return DWARF_CB_OK;
}

/* ---- a thread -------------------------------------------------------------------------------- */

/* A call through a wild or null pointer: nothing of the callee ran, so the return address is where
 * the call put it. */
static void leave_nowhere(Unwinding *unwinding)
{
	Unwinder *unwinder = unwinding->unwinder;
	Registers *registers = &unwinding->registers;
	uint64_t caller;

	if (is_code(unwinder, registers->pc))
		return;
	if (registers_return_at(registers, &unwinder->memory->elf, &caller) &&
		!core_memory_word(unwinder->memory, caller, &caller))
		return;
	if (!caller || !is_code(unwinder, caller - 1) ||
		!add_frame(unwinding, &(StackFrame){.pc = registers->pc}))
		return;
	registers_return(registers, &unwinder->memory->elf, caller - 1);
	unwinding->begins_in_call = true;
}

/* Why there is no way on, in terms of what could be mended. */
static void explain_end(Unwinding *unwinding, const char *message)
{
	Unwinder *unwinder = unwinding->unwinder;
	const Stack *stack = unwinding->stack;
	uint64_t pc = stack->n ? stack->frame[stack->n - 1].pc : unwinding->registers.pc;
	const LoadedModule *module = modules_find(unwinder->modules, pc ? pc - 1 : 0);
	const Trace *trace = unwinder->modules->trace;

	if (!module)
		(void)stop(unwinding, "no way on from 0x%llx, which is in no file",
			(unsigned long long)pc);
	else if (!module->dwfl)
		(void)stop(unwinding, "no way on through %.128s without its file",
			trace_module_name(trace, (int)module->index));
	else
		(void)stop(unwinding, "no way on from 0x%llx in %.128s: %s", (unsigned long long)pc,
			trace_module_name(trace, (int)module->index), message);
}

/* Without unwind information only frame pointers lead on, and code that does not keep them leads
 * past some of its callers without a sign. Where the file is missing that is likely. */
static void doubt_guesses(Unwinding *unwinding)
{
	Unwinder *unwinder = unwinding->unwinder;
	Stack *stack = unwinding->stack;

	for (size_t i = unwinding->begins_in_call; i + 1 < stack->n; i++) {
		const StackFrame *frame = &stack->frame[i];
		const LoadedModule *module =
			modules_find(unwinder->modules, frame->pc - frame->is_call);
		if (module && module->dwfl)
			continue;
		stack->complete = false;
		(void)stop(unwinding,
			"callers of frame %zu may be missing: only a frame pointer led on through %.128s",
			i,
			module ? trace_module_name(unwinder->modules->trace, (int)module->index)
			       : "code of no file");
		return;
	}
}

static const CoreThread *find_thread(const Unwinder *unwinder, pid_t tid)
{
	for (size_t i = 0; i < unwinder->threads.n; i++)
		if (unwinder->threads.thread[i].tid == tid)
			return &unwinder->threads.thread[i];
	return NULL;
}

int unwinder_registers(Unwinder *unwinder, pid_t tid, Registers *ret)
{
	const CoreThread *thread = find_thread(unwinder, tid);

	return thread ? registers_read(&unwinder->memory->elf, thread, ret) : -ENOENT;
}

int unwind_thread(Unwinder *unwinder, pid_t tid, Stack *stack)
{
	Unwinding unwinding = {.unwinder = unwinder, .stack = stack};
	int r;

	stack->n = 0;
	stack->complete = false;
	stack->error[0] = '\0';
	if (!unwinder->core) {
		r = unwinder_registers(unwinder, tid, &unwinding.registers);
		if (r < 0) {
			(void)stop(&unwinding, "the core does not hold its registers");
			return 0;
		}
		unwinding.has_registers = true;
		for (unsigned i = 0; i < unwinding.registers.n_dwarf; i++)
			unwinding.registers.dwarf[i] =
				without_signature(unwinder, unwinding.registers.dwarf[i]);
		leave_nowhere(&unwinding);
	}
	unwinder->now = &unwinding;
	r = dwfl_getthread_frames(unwinder->modules->dwfl, tid, take_frame, &unwinding);
	unwinder->now = NULL;
	if (unwinding.no_memory)
		return -ENOMEM;
	stack->complete = r == 0;
	if (r == -1)
		explain_end(&unwinding, dwfl_errmsg(-1));
	else if (r == 0)
		doubt_guesses(&unwinding);
	return 0;
}

void stack_done(Stack *stack)
{
	free(stack->frame);
	*stack = (Stack){};
}

/* ---- the process ----------------------------------------------------------------------------- */

/* libdwfl takes the machine from an ELF file: one of nothing but a header does, and the core's own
 * need not be parsed by libelf. */
static Elf *make_header(const CoreElf *core, char header[static 64])
{
	Elf64_Ehdr wide = {.e_ident = ELFMAG, .e_type = ET_CORE, .e_machine = core->machine};
	Elf32_Ehdr narrow = {.e_ident = ELFMAG, .e_type = ET_CORE, .e_machine = core->machine};

	if (core->is_64) {
		wide.e_ident[EI_CLASS] = ELFCLASS64;
		wide.e_ident[EI_DATA] = ELFDATA2LSB;
		wide.e_ident[EI_VERSION] = EV_CURRENT;
		wide.e_version = EV_CURRENT;
		wide.e_ehsize = sizeof wide;
		memcpy(header, &wide, sizeof wide);
		return elf_memory(header, sizeof wide);
	}
	narrow.e_ident[EI_CLASS] = ELFCLASS32;
	narrow.e_ident[EI_DATA] = ELFDATA2LSB;
	narrow.e_ident[EI_VERSION] = EV_CURRENT;
	narrow.e_version = EV_CURRENT;
	narrow.e_ehsize = sizeof narrow;
	memcpy(header, &narrow, sizeof narrow);
	return elf_memory(header, sizeof narrow);
}

/* struct user_pac_mask: of pointers to data and to code. */
static int read_signature_mask(CoreMemory *memory, uint64_t *ret)
{
	CoreNotes notes = core_memory_notes(memory);
	unsigned char data[16];
	CoreNote note;
	int r = 0;

	while (memory->elf.machine == EM_AARCH64 && (r = core_notes_next(&notes, &note)) > 0)
		if (!note.core && note.type == NT_ARM_PAC_MASK &&
			core_note_read(&memory->elf, &note, sizeof data, data) == sizeof data) {
			*ret = core_elf_number(&memory->elf, data + 8, 8);
			return 0;
		}
	return r;
}

/* The machines whose registers are known here are little-endian. Of others libdwfl itself reads the
 * core's notes and memory. */
int unwinder_init(CoreMemory *memory, Modules *modules, usec_t cpu_end, Unwinder *ret)
{
	int r;

	*ret = (Unwinder){.modules = modules, .memory = memory, .cpu_end = cpu_end};
	r = core_threads_read(&memory->elf, &ret->threads);
	if (r >= 0)
		r = read_signature_mask(memory, &ret->signature_mask);
	if (r < 0)
		return r;
	if (registers_known(&memory->elf) && !memory->elf.big_endian) {
		ret->machine = make_header(&memory->elf, ret->header);
		return ret->machine && dwfl_attach_state(
					       modules->dwfl, ret->machine, 1, &callbacks, ret)
			       ? 0
			       : -EOPNOTSUPP;
	}
	ret->core = elf_begin(memory->elf.fd, ELF_C_READ, NULL);
	return ret->core && dwfl_core_file_attach(modules->dwfl, ret->core) >= 0 ? 0 : -EOPNOTSUPP;
}

/* libdwfl holds on to both until dwfl_end(): unwinder_done() comes after modules_done(). */
void unwinder_done(Unwinder *unwinder)
{
	core_threads_done(&unwinder->threads);
	(void)elf_end(unwinder->machine);
	(void)elf_end(unwinder->core);
	*unwinder = (Unwinder){};
}
