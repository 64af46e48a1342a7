# gdb: sees the enclaves of a program that is linked with liboehost. `oegdb` loads it.
#
# When an enclave is created, or when gdb attaches, its symbols are loaded where it lies, and breakpoints in
# it that were set before become real. Enclave code cannot be written to, so its breakpoints use the
# processor's debug registers: four at a time. Backtraces go from an ocall through the enclave to the host
# that called it, and from a breakpoint inside to the host. What it relies on in the host library is
# src/host/debugger.h and enter.S, in the enclave entry.S.
import os
import struct
import subprocess
import tempfile

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder, register_unwinder

# gdb spends a debug register on each of these when it steps; inside an enclave that is too many
NOISE = ["longjmp", "_longjmp", "siglongjmp", "_siglongjmp", "_Unwind_DebugHook"]
WANTED = ["cm_ocall_left", "cm_debug_layout", "cm_enclave_entry"]
MAGIC = 0xabc540ee14fa48ce
MODULE_MAGIC = 0xf67ae6230a18a2ce
GUARD = 0x1000          # between a stack's top and its TCS
URSP, URBP = 144, 152   # in the registers of the state save area: the host's RSP and RBP at EENTER
KEPT = ["rbx", "r12", "r13", "r14", "r15"]  # below RBP in cm_ocall_bridge
BRIDGE_REACH = 4096     # from the bridge's frame down to where EENTER was: less than this


def word(address, size=8):
    """A number in the memory of the program; of an enclave too, if it is one for debugging."""
    return int.from_bytes(gdb.selected_inferior().read_memory(address, size).tobytes(), "little")


def symbols_wanted(path):
    """Addresses and sizes of the symbols in WANTED, of an ELF image for this machine."""
    found = {}
    with open(path, "rb") as f:
        image = f.read()
    offset, = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3a)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, offset + i * size) for i in range(count)]
    for kind, link, at, length in ((s[1], s[6], s[4], s[5]) for s in sections):
        if kind != 2:  # SHT_SYMTAB
            continue
        names = sections[link][4]
        for entry in range(at, at + length, 24):
            name, _, _, _, value, extent = struct.unpack_from("<IBBHQQ", image, entry)
            text = image[names + name:image.index(b"\0", names + name)].decode("ascii", "replace")
            if text in WANTED:
                found[text] = (value, extent)
    return found


class Enclave:
    """One enclave that the program has made: where it is, and how its threads are found."""

    def __init__(self, address):
        fields = [word(address + 8 * i) for i in range(12)]
        self.address = address
        self.path = gdb.selected_inferior().read_memory(fields[3], fields[4]).tobytes().decode()
        self.base, self.size, self.image = fields[5], fields[6], fields[11]
        self.module = self.module_at(fields[10])
        self.tcs = [word(fields[7] + 8 * i) for i in range(fields[8])]
        self.tds = {}
        self.bridges = {}  # by TCS: RBP of the cm_ocall_bridge that it waits behind
        self.layout = None
        self.symbols = {}
        try:
            self.symbols = symbols_wanted(self.path)
        except (OSError, struct.error, ValueError, IndexError):
            pass  # stripped, or changed since: no way through it, the rest works

    @staticmethod
    def module_at(address):
        """Path and address of the shared library that is part of the enclave."""
        if address == 0 or word(address) != MODULE_MAGIC:
            return None
        fields = [word(address + 8 * i) for i in range(6)]
        return gdb.selected_inferior().read_memory(fields[3], fields[4]).tobytes().decode(), fields[5]

    def at(self, name):
        return self.image + self.symbols[name][0]

    def holds(self, address):
        return self.image <= address < self.base + self.size

    def known(self):
        return len(self.symbols) == len(WANTED)

    def in_entry(self, pc):
        start, size = self.at("cm_enclave_entry"), self.symbols["cm_enclave_entry"][1]
        return start <= pc < start + size

    def of_thread(self, tcs, what):
        """A member of a thread's data: by its number in cm_debug_layout. None: never used."""
        if self.layout is None:
            self.layout = [word(self.at("cm_debug_layout") + 4 * i, 4) for i in range(5)]
        if tcs not in self.tds:
            self.tds[tcs] = self.base + word(tcs + 56)  # OGSBASE
        return word(self.tds[tcs] + self.layout[what], 4 if what == 0 else 8)

    def waits(self, tcs):
        return self.of_thread(tcs, 0) == self.layout[1]

    def gpr(self, tcs):
        self.of_thread(tcs, 0)
        return tcs + self.layout[4]

    def callsite(self, tcs):
        return self.of_thread(tcs, 2)

    def host_return(self, tcs):
        return self.of_thread(tcs, 3)


enclaves = {}
regions = set()


def symbols_of(path):
    """A copy of the image without the symbols that gdb would guard; the image itself without objcopy."""
    try:
        copy = tempfile.NamedTemporaryFile(prefix="casemate-gdb-", delete=False)
        copy.close()
        options = [word for name in NOISE for word in ("--strip-symbol", name)]
        subprocess.run(["objcopy"] + options + [path, copy.name], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        copies.append(copy.name)
        return copy.name
    except (OSError, subprocess.CalledProcessError):
        return path


copies = []


def drop_copies(event=None):
    while copies:
        try:
            os.unlink(copies.pop())
        except OSError:
            pass
    enclaves.clear()


def see(address):
    """An enclave of the list: load its symbols, once."""
    if address in enclaves or word(address) != MAGIC:
        return
    e = Enclave(address)
    enclaves[address] = e
    if e.base not in regions:
        gdb.execute("mem %#x %#x ro" % (e.image, e.base + e.size), to_string=True)
        regions.add(e.base)
    e.loaded = symbols_of(e.path)
    gdb.execute("add-symbol-file '%s' -o %#x" % (e.loaded, e.image), to_string=True)
    print("enclave %s at %#x" % (e.path, e.image))
    if e.module is not None:
        gdb.execute("add-symbol-file '%s' -o %#x" % (symbols_of(e.module[0]), e.module[1]), to_string=True)
        print("with %s at %#x" % e.module)


def see_all():
    """The enclaves that are there when gdb attaches."""
    try:
        at = int(gdb.parse_and_eval("(unsigned long)oe_debug_enclaves_list"))
        while at != 0:
            see(at)
            at = word(at + 16)
    except gdb.error:
        pass  # no program that makes enclaves, or none that runs


class Hook(gdb.Breakpoint):
    """Stops, unseen, when liboehost says that an enclave has come or gone."""

    def __init__(self, function, act):
        super().__init__(function, internal=True)
        self.silent = True
        self.act = act

    def stop(self):
        self.act(int(gdb.parse_and_eval("$rdi")) & (2**64 - 1))
        return False


def gone(address):
    e = enclaves.pop(address, None)
    if e is not None and e.known():
        gdb.execute("remove-symbol-file -a %#x" % e.at("cm_enclave_entry"), to_string=True)
    if e is not None and e.module is not None:
        try:
            gdb.execute("remove-symbol-file -a %#x" % e.module[1], to_string=True)
        except gdb.error:
            pass  # it has no symbols


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def symbol_address(name):
    try:
        return int(gdb.parse_and_eval("(unsigned long)&%s" % name))
    except gdb.error:
        return None


class Walker(Unwinder):
    """
    From cm_ocall_bridge into the enclave that waits for it; from the enclave's entry to the host. In
    between stands a frame at cm_debug_gate, which carries the other side's registers, so that gdb takes
    a stack that turns back for a signal's; `Gates` hides it.
    """

    def __init__(self):
        super().__init__("casemate")

    def __call__(self, pending):
        pc = int(pending.read_register("rip")) & (2**64 - 1)
        try:
            if pc == symbol_address("cm_ocall_bridged"):
                return self.into_enclave(pending, pc)
            for e in enclaves.values():
                if e.known() and e.in_entry(pc):
                    return self.out_of_enclave(pending, pc, e)
        except gdb.MemoryError:
            pass
        return None

    @staticmethod
    def through_gate(pending, sp, pc, registers):
        """sp: of the frame that is left. registers: of the frame behind the gate, rip and rsp among them."""
        word_type = gdb.lookup_type("unsigned long")
        info = pending.create_unwind_info(FrameId(gdb.Value(sp).cast(word_type), gdb.Value(pc).cast(word_type)))
        registers["r11"] = registers["rip"]
        registers["rip"] = symbol_address("cm_debug_gate") + 2
        for name, value in registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(word_type))
        return info

    def into_enclave(self, pending, pc):
        rbp = int(pending.read_register("rbp")) & (2**64 - 1)
        for e in enclaves.values():
            for tcs in e.tcs if e.known() else []:
                if e.waits(tcs) and 0 < rbp - word(e.gpr(tcs) + URSP) < BRIDGE_REACH:
                    e.bridges[tcs] = rbp
                    return self.through_gate(pending, rbp + 16, pc,
                                             {"rip": e.at("cm_ocall_left"), "rsp": e.callsite(tcs)})
        return None

    def out_of_enclave(self, pending, pc, e):
        sp = int(pending.read_register("rsp")) & (2**64 - 1)
        tcs = sp + GUARD
        if tcs not in e.tcs:
            return None  # the first or the last instructions, or the judging of an exception
        if not e.waits(tcs):
            gpr = e.gpr(tcs)
            return self.through_gate(pending, sp, pc, {"rip": e.host_return(tcs), "rsp": word(gpr + URSP),
                                                       "rbp": word(gpr + URBP)})
        if tcs not in e.bridges:
            return None
        rbp = e.bridges[tcs]
        registers = {"rip": word(rbp + 8), "rsp": rbp + 16, "rbp": word(rbp)}
        for i, name in enumerate(KEPT):
            registers[name] = word(rbp - 8 * (i + 1))
        return self.through_gate(pending, sp, pc, registers)


class Gates:
    """A frame filter that leaves the gates out."""

    def __init__(self):
        self.name = "casemate-gates"
        self.priority = 100
        self.enabled = True
        gdb.frame_filters[self.name] = self

    @staticmethod
    def filter(frames):
        gate = symbol_address("cm_debug_gate")
        return (f for f in frames if gate is None or f.inferior_frame().pc() != gate + 2)


gdb.execute("set libthread-db-search-path /nonexistent")  # inside, FS is the enclave's
gdb.execute("set mem inaccessible-by-default off")
gdb.execute("set breakpoint pending on")
gdb.execute("set confirm off")
gdb.execute("handle SIGSYS SIGILL nostop noprint pass", to_string=True)  # the emulator's
gdb.execute("set can-use-hw-watchpoints 1")
gdb.events.exited.connect(drop_copies)
register_unwinder(None, Walker(), replace=True)
Gates()
Hook("oe_debug_enclave_created_hook", see)
Hook("oe_debug_enclave_terminated_hook", gone)
see_all()
