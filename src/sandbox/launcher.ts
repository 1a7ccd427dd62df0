/**
 * How a program is started: the commands, as data. Pure; nobody is started here.
 *
 * From the outside in: the end of the calling thread ends the first process; that one waits for process 1 of a process
 * and mount namespace, the trusted script of `scripts.ts`; that one starts bubblewrap, as somebody without rights; and
 * inside of that limits are set before the program begins.
 */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import type { ProgramCommand } from '../platform/index.ts';
import type { Need } from './languages.ts';
import type { ProgramLimits } from './limits.ts';
import { DIRECT, LIMITED, NAMESPACED } from './scripts.ts';

/** Whom programs are for themselves. */
const NOBODY = '65534';
/** The first of the numbers of users that programs run as when the runtime is root: far from any account. */
const FIRST_USER = 1_900_000_000;
/** Addresses that a process may use beyond its memory: for libraries and the stacks of threads. */
const ADDRESSES_BYTES = 1024 * 1024 * 1024;
/** What an interpreter that reserves addresses takes as writable and never writes. */
const OWN_BYTES = 640 * 1024 * 1024;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Launch {
  /** The interpreter with its arguments, the program and its arguments. */
  readonly command: readonly string[];
  readonly needs: readonly Need[];
  readonly limits: ProgramLimits;
  /** Where the files are. */
  readonly directory: string;
  readonly reservesAddresses: boolean;
}

export interface SandboxLaunch extends Launch {
  /** Of the program among those that run, from 0. */
  readonly slot: number;
  readonly isRoot: boolean;
  readonly network: boolean;
  /** A file with the filter of system calls; null: there is none for this processor. */
  readonly filter: string | null;
  /** Files of cgroups to be entered. */
  readonly cgroups: readonly string[];
}

const shell = (script: string): string[] => ['bash', '--noprofile', '--norc', '-c', script, 'bash'];

/** As low as it is already. */
const AS_IT_IS = 'hard';

/**
 * The command below its limits. Numbers are those of `ulimit`: kilobytes, but for counts and seconds.
 * @param processes AS_IT_IS where they would be counted together with all others of the same user
 */
const limited = ({ command, limits, reservesAddresses }: Launch, processes: string): string[] => {
  const kilobytes = (bytes: number): string => String(Math.ceil(bytes / 1024));
  return [
    ...shell(LIMITED),
    processes,
    String(limits.openFiles),
    kilobytes(limits.fileBytes),
    kilobytes(limits.memoryBytes + (reservesAddresses ? OWN_BYTES : 0)),
    reservesAddresses ? AS_IT_IS : kilobytes(limits.memoryBytes + ADDRESSES_BYTES),
    String(limits.cpuSeconds),
    ...command,
  ];
};

/** The directories of the system, read-only: real ones, and links as they are. */
const systemDirectories = (): string[] =>
  ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => {
    const stat = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return stat.isSymbolicLink()
      ? ['--symlink', readlinkSync(`/${name}`), `/${name}`]
      : ['--ro-bind', `/${name}`, `/${name}`];
  });

/** What of the machine's settings names and certificates need. */
const NETWORK_FILES = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/ssl',
  '/etc/pki',
  '/etc/ca-certificates',
];

const realOrSame = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

const environmentOf = (): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/tmp',
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
  // What is printed is seen at once, and nothing but the program's own files appears in the workspace.
  PYTHONUNBUFFERED: '1',
  PYTHONDONTWRITEBYTECODE: '1',
});

const bubblewrap = ({ network, needs, filter }: SandboxLaunch): string[] =>
  [
    ['bwrap', '--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session'],
    network ? ['--share-net'] : [],
    filter === null ? [] : ['--seccomp', '8'],
    ['--cap-drop', 'ALL', '--uid', NOBODY, '--gid', NOBODY, '--hostname', 'sandbox'],
    ['--ro-bind', '/usr', '/usr', ...systemDirectories()],
    ['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ['--ro-bind', '/mnt/passwd', '/etc/passwd'],
    network ? NETWORK_FILES.flatMap((path) => ['--ro-bind-try', realOrSame(path), path]) : [],
    needs.flatMap(({ to }, number) => ['--ro-bind', `/mnt/b/${number}`, to]),
    ['--proc', '/proc', '--dev', '/dev'],
    // Without this everybody could fill the machine's memory through /dev/shm.
    ['--bind', '/mnt/s', '/dev/shm', '--remount-ro', '/dev'],
    ['--bind', '/mnt/t', '/tmp', '--bind', '/mnt/w', '/workspace', '--chdir', '/workspace'],
    ['--remount-ro', '/', '--clearenv'],
    Object.entries(environmentOf()).flatMap(([name, value]) => ['--setenv', name, value]),
    ['--'],
  ].flat();

export const sandboxCommand = (launch: SandboxLaunch): ProgramCommand => {
  const { isRoot, slot, limits, cgroups, directory, needs, filter } = launch;
  const user = String(FIRST_USER + slot);
  const become = isRoot ? ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', '--'] : [];
  return {
    command: 'setpriv',
    args: [
      ['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--propagation', 'private', '--pid', '--mount-proc'],
      isRoot ? [] : ['--user', '--map-root-user'],
      ['--fork', '--kill-child=SIGKILL', '--'],
      shell(NAMESPACED),
      become,
      bubblewrap(launch),
      limited(launch, String(limits.processes)),
    ].flat(),
    environment: {
      PATH,
      IN: directory,
      MOUNT: `size=${limits.diskBytes},nr_inodes=${limits.diskFiles},mode=0755,nosuid,nodev`,
      CGROUPS: cgroups.join(' '),
      OWNER: isRoot ? `${user}:${user}` : '',
      AS: become.join(' '),
      FILTER: filter ?? '/dev/null',
      BINDS: needs.map(({ from }) => from).join('\n'),
    },
    pipes: 3,
    detached: true,
  };
};

/** Without a sandbox: the limits of single processes, and nothing else. */
export const directCommand = (launch: Launch): ProgramCommand => ({
  command: 'bash',
  args: [...shell(DIRECT).slice(1), ...limited(launch, AS_IT_IS)],
  environment: { ...environmentOf(), PATH, IN: launch.directory },
  pipes: 3,
  detached: true,
});
