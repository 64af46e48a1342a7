# gdb: sees the enclaves of a program that is linked with liboehost. `oegdb` loads it.
#
# When an enclave is created, its symbols are loaded where it lies, and breakpoints in it that were
# set before become real. Enclave code cannot be written to, so its breakpoints use the processor's
# debug registers: four at a time.
import os
import subprocess
import tempfile

import gdb

# gdb spends a debug register on each of these when it steps; inside an enclave that is too many
NOISE = ["longjmp", "_longjmp", "siglongjmp", "_siglongjmp", "_Unwind_DebugHook"]
regions = []


def symbols_of(path):
    """A copy of the image without the symbols that gdb would guard; the image itself without objcopy."""
    try:
        copy = tempfile.NamedTemporaryFile(prefix="casemate-gdb-", delete=False)
        copy.close()
        options = [word for name in NOISE for word in ("--strip-symbol", name)]
        subprocess.run(["objcopy"] + options + [path, copy.name], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        gdb.events.exited.connect(lambda event: os.path.exists(copy.name) and os.unlink(copy.name))
        return copy.name
    except (OSError, subprocess.CalledProcessError):
        return path


class Created(gdb.Breakpoint):
    """Stops, unseen, when liboehost announces an enclave."""

    def __init__(self):
        super().__init__("cm_debugger_enclave_created", internal=True)
        self.silent = True

    def stop(self):
        path = gdb.parse_and_eval("(char *)$rdi").string()
        image, base, size = (int(gdb.parse_and_eval("$" + r)) & (2**64 - 1) for r in ("rsi", "rdx", "rcx"))
        if base not in regions:
            gdb.execute("mem %#x %#x ro" % (image, base + size), to_string=True)
            regions.append(base)
        gdb.execute("add-symbol-file '%s' -o %#x" % (symbols_of(path), image), to_string=True)
        print("enclave %s at %#x" % (path, image))
        return False


gdb.execute("set libthread-db-search-path /nonexistent")  # inside, FS is the enclave's
gdb.execute("set mem inaccessible-by-default off")
gdb.execute("set breakpoint pending on")
gdb.execute("set confirm off")
gdb.execute("handle SIGSYS SIGILL nostop noprint pass", to_string=True)  # the emulator's
gdb.execute("set can-use-hw-watchpoints 1")
Created()
