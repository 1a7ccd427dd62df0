/**
 * Attempts to get out of the sandbox, or to do harm from inside: Python programs that print THROUGH when it worked, else
 * HELD and why. In a bounded form: without any sandbox they do no harm either.
 */
export interface Attempt {
  readonly name: string;
  readonly source: string;
  /** Without a sandbox it gets through only for root. */
  readonly rootOnly?: boolean;
  /** It is held only where there are cgroups. */
  readonly byCgroup?: boolean;
}

/** What attempts are told of this machine, as arguments: see `attack`. */
export interface Targets {
  readonly port: number;
  readonly abstractSocket: string;
  readonly secretFile: string;
  readonly hostDirectory: string;
  readonly runtimePid: number;
  readonly victimPid: number;
  /** An argument of the victim. */
  readonly victimMark: string;
}

export const argumentsOf = (targets: Targets): string[] => [JSON.stringify(targets)];

const attempt = (name: string, body: string, more: Partial<Attempt> = {}): Attempt => ({
  name,
  source: `import ctypes, errno, json, os, signal, socket, subprocess, sys, time
targets = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def attack():
${body
  .trim()
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
try:
    print('THROUGH' if attack() else 'HELD', flush=True)
except (OSError, MemoryError, subprocess.SubprocessError) as error:
    print('HELD', type(error).__name__, error, flush=True)
`,
  ...more,
});

const fill = (directory: string): string => `
written = 0
names = []
try:
    for number in range(24):
        name = os.path.join('${directory}', 'megactor-fill-%d-%d' % (os.getpid(), number))
        names.append(name)
        with open(name, 'wb') as file:
            file.write(b'x' * (512 * 1024))
        written += 512 * 1024
finally:
    for name in names:
        if os.path.exists(name):
            os.remove(name)
return written > 8 * 1024 * 1024`;

export const ATTEMPTS: readonly Attempt[] = [
  attempt(
    'network: a port of this machine',
    `
socket.create_connection(('127.0.0.1', targets['port']), 5).close()
return True`,
  ),
  attempt(
    'network: an abstract socket',
    `
client = socket.socket(socket.AF_UNIX)
client.connect('\\0' + targets['abstractSocket'])
return True`,
  ),
  attempt(
    'network: interfaces',
    `
return any(name != 'lo' for _, name in socket.if_nameindex())`,
  ),
  attempt(
    'network: a socket that knows no network namespace',
    `
families = [(40, socket.SOCK_STREAM), (38, socket.SOCK_SEQPACKET), (31, socket.SOCK_RAW)]
for family, kind in families:
    try:
        socket.socket(family, kind).close()
        return True
    except OSError as error:
        last = error
raise last`,
  ),
  attempt(
    'kernel: keys of the session',
    `
KEYCTL_GET_KEYRING_ID, SESSION = 0, -3
calls = {'x86_64': 250, 'aarch64': 219}
return libc.syscall(calls[os.uname().machine], KEYCTL_GET_KEYRING_ID, ctypes.c_int(SESSION), 1) > 0`,
  ),
  attempt(
    'kernel: io_uring',
    `
IO_URING_SETUP = 425
parameters = ctypes.create_string_buffer(256)
return libc.syscall(IO_URING_SETUP, 1, parameters) >= 0`,
  ),
  attempt('host files: reading', `return 'secret' in open(targets['secretFile']).read()`),
  attempt(
    'host files: reading through a link',
    `
os.symlink(targets['secretFile'], 'link')
return 'secret' in open('link').read()`,
  ),
  attempt(
    'host files: reading through the roots of processes',
    `
for pid in [1, os.getppid(), targets['runtimePid']]:
    for way in ['root', 'cwd']:
        try:
            if 'secret' in open('/proc/%d/%s%s' % (pid, way, targets['secretFile'])).read():
                return True
        except OSError:
            pass
return False`,
  ),
  attempt(
    'host files: writing',
    `
open(os.path.join(targets['hostDirectory'], 'written'), 'w').close()
return True`,
  ),
  attempt('host files: the system', `return os.access('/usr', os.W_OK) or os.access('/', os.W_OK)`, { rootOnly: true }),
  attempt(
    'host files: passwords',
    `
open('/etc/shadow').read()
return True`,
    { rootOnly: true },
  ),
  attempt(
    'processes: those of other agents are seen',
    `
for name in os.listdir('/proc'):
    if name.isdigit():
        try:
            if targets['victimMark'] in open('/proc/%s/cmdline' % name).read().split('\\0'):
                return True
        except OSError:
            pass
return False`,
  ),
  attempt(
    'signals: to the runtime',
    `
os.kill(targets['runtimePid'], 0)
return True`,
  ),
  attempt(
    'signals: to other programs',
    `
os.kill(targets['victimPid'], signal.SIGCONT)
return True`,
  ),
  attempt(
    'ptrace',
    `
PTRACE_SEIZE = 0x4206
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
return libc.ptrace(PTRACE_SEIZE, targets['victimPid'], None, None) == 0`,
    { rootOnly: true },
  ),
  attempt(
    '/proc: what the runtime was started with',
    `
return len(open('/proc/%d/environ' % targets['runtimePid'], 'rb').read()) > 0`,
  ),
  attempt(
    '/proc: settings of the kernel',
    `
return os.access('/proc/sys/kernel/core_pattern', os.W_OK) or os.access('/proc/sysrq-trigger', os.W_OK)`,
    { rootOnly: true },
  ),
  attempt(
    'devices',
    `
os.close(os.open('/dev/kmsg', os.O_RDONLY | os.O_NONBLOCK))
return True`,
    { rootOnly: true },
  ),
  attempt(
    'capabilities: own ones',
    `
status = open('/proc/self/status').read()
return any(int(line.split()[1], 16) != 0 for line in status.split('\\n') if line.startswith(('CapEff', 'CapPrm', 'CapBnd')))`,
  ),
  attempt(
    'capabilities: another root',
    `
os.chroot('.')
return True`,
    { rootOnly: true },
  ),
  attempt(
    'capabilities: all of them in a user namespace of its own',
    `
CLONE_NEWUSER = 0x10000000
return libc.unshare(CLONE_NEWUSER) == 0`,
  ),
  attempt(
    'setuid: programs that give rights',
    `
PR_GET_NO_NEW_PRIVS = 39
return libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0`,
  ),
  attempt(
    'setuid: a file of its own',
    `
return any('nosuid' not in line.split()[3].split(',') for line in open('/proc/self/mounts') if line.split()[1] in ('/', '/usr'))`,
  ),
  attempt(
    'fork bomb',
    `
children = []
try:
    for _ in range(60):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
return len(children) > 24`,
  ),
  attempt(
    'fork bomb of threads',
    `
import threading
threading.stack_size(64 * 1024)
stop = threading.Event()
count = 0
try:
    for _ in range(60):
        threading.Thread(target=stop.wait, daemon=True).start()
        count += 1
except RuntimeError:
    pass
finally:
    stop.set()
return count > 24`,
  ),
  attempt(
    'memory bomb of many processes',
    `
children = []
for _ in range(5):
    child = os.fork()
    if child == 0:
        held = bytearray(40 * 1024 * 1024)
        for at in range(0, len(held), 4096):
            held[at] = 1
        time.sleep(0.5)
        os._exit(0)
    children.append(child)
ends = [os.waitpid(child, 0)[1] for child in children]
return all(end == 0 for end in ends)`,
    { byCgroup: true },
  ),
  attempt(
    'memory bomb of files without a name',
    `
files = []
for number in range(100):
    file = os.memfd_create('held')
    os.write(file, b'x' * (2 * 1024 * 1024 - 4096))
    files.append(file)
return True`,
    { byCgroup: true },
  ),
  attempt('disk: filled with files', fill('.')),
  attempt('disk: /tmp filled', fill('/tmp')),
  attempt('disk: /dev/shm filled', fill('/dev/shm')),
  attempt(
    'disk: filled with names',
    `
os.mkdir('names')
for number in range(1000):
    open('names/%d' % number, 'w').close()
return True`,
  ),
];
