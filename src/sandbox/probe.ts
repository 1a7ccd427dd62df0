/**
 * Finds out what this machine has for a sandbox: looks for the commands, and then really starts something in it and looks
 * around from inside. It changes nothing and leaves nothing.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram, type Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { Cgroup, findCgroupPlace, removeStaleCgroups, type CgroupPlace } from './cgroup.ts';
import { findCommand, findInterpreters, type Interpreters } from './languages.ts';
import { directCommand, sandboxCommand, type Launch } from './launcher.ts';
import type { ProgramLimits } from './limits.ts';
import { Program } from './program.ts';
import { systemCallFilter, writeFilter } from './seccomp.ts';

/** What holds for the programs of a sandbox on this machine. */
export interface Holding {
  /** False: programs run as this process's user, and reach what that reaches. */
  readonly walls: boolean;
  /** Whether memory and processes of one program are counted together; else each process for itself. */
  readonly cgroup: boolean;
  /** Whether programs run as users of their own; else as this process's. */
  readonly ownUser: boolean;
  readonly network: boolean;
}

export interface Examined {
  readonly interpreters: Interpreters;
  readonly cgroups: CgroupPlace | null;
  readonly holding: Holding;
}

export interface ProbeParts {
  readonly mode: 'bwrap' | 'none';
  readonly network: boolean;
  readonly limits: ProgramLimits;
  readonly clock: Clock;
  /** Where commands are looked for. */
  readonly path?: string;
}

/** Which package has what is needed, for the hint. */
const COMMANDS: Readonly<Record<string, string>> = {
  bash: 'bash',
  tar: 'tar',
  bwrap: 'bubblewrap',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
};
const WITHOUT_WALLS = ['bash', 'tar'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const missing = (message: string, hint: string): MegactorError =>
  new MegactorError('SANDBOX_MISSING', message, { hint });

const checkCommands = ({ mode, path = PATH }: ProbeParts): void => {
  if (process.platform !== 'linux') {
    throw missing(`programs run on Linux only, and this is ${process.platform}`, 'Run Megactor in a Linux container.');
  }
  const needed = mode === 'none' ? WITHOUT_WALLS : Object.keys(COMMANDS);
  const absent = needed.filter((name) => findCommand(name, path) === undefined);
  if (absent.length === 0) return;
  const packages = [...new Set(absent.map((name) => COMMANDS[name] ?? name))].join(' ');
  throw missing(
    `not installed: ${absent.join(', ')}`,
    `Install it: apt-get install ${packages} (or as your system does).`,
  );
};

/** Says what it sees from inside: a word a line. */
const LOOK = `
grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' /proc/self/status
echo "user: $(id -u)"
echo "first: $(cat /proc/1/comm)"
echo "processes: $(ulimit -u)"
echo "interfaces: $(grep -c : /proc/net/dev)"
`;

const EXPECTED: readonly (readonly [name: string, value: RegExp, what: string])[] = [
  ['NoNewPrivs', /^1$/u, 'programs could gain rights'],
  ['CapEff', /^0+$/u, 'programs would have rights of root'],
  ['CapBnd', /^0+$/u, 'programs could get rights of root'],
  ['user', /^65534$/u, 'programs would not be nobody'],
  ['first', /^bwrap$/u, 'programs would see other processes'],
];

const USER_NAMESPACES =
  'The system must let ordinary users make user namespaces: see kernel.unprivileged_userns_clone, user.max_user_namespaces ' +
  'and kernel.apparmor_restrict_unprivileged_userns; in a container, its security profile.';

const checkSeen = (text: string, parts: ProbeParts): void => {
  const seen = new Map(text.split('\n').map((line) => line.split(/:\s*/u, 2) as [string, string]));
  const expected = [
    ...EXPECTED,
    ['processes', new RegExp(`^${parts.limits.processes}$`, 'u'), 'the number of processes would not be limited'],
    // 2: a filter.
    ...(systemCallFilter(process.arch) === null
      ? []
      : [['Seccomp', /^2$/u, 'system calls would not be filtered'] as const]),
    ...(parts.network ? [] : [['interfaces', /^1$/u, 'programs would reach the network'] as const]),
  ] as const;
  for (const [name, value, what] of expected) {
    if (!value.test(seen.get(name) ?? '')) throw missing(`the sandbox does not hold here: ${what}`, USER_NAMESPACES);
  }
};

/** Starts something and looks around from inside. @throws SANDBOX_MISSING */
const tryOut = async (parts: ProbeParts, cgroup: Cgroup | null): Promise<void> => {
  const { limits, clock, mode, network } = parts;
  const scratch = mkdtempSync(join(tmpdir(), 'megactor-probe-'));
  const directory = join(scratch, 'files');
  mkdirSync(directory);
  const filter = writeFilter(scratch);
  const launch: Launch = {
    command: ['bash', '--noprofile', '--norc', '-c', LOOK],
    needs: [],
    limits,
    directory,
    reservesAddresses: false,
  };
  const isRoot = process.getuid?.() === 0;
  const command =
    mode === 'none'
      ? directCommand(launch)
      : sandboxCommand({ ...launch, slot: 0, isRoot, network, filter, cgroups: cgroup?.entries ?? [] });
  try {
    const program = new Program({
      child: startProgram(command),
      limits,
      clock,
      seen: [],
      onReady: () => {},
      onGone: () => ({ ranOutOfMemory: false }),
    });
    const end = await program.ended;
    const { stdout, stderr } = program.take(true);
    if (end.exitCode !== 0 || end.files === null) {
      throw missing(`the sandbox does not start: ${stderr.trim() || 'it says nothing'}`, USER_NAMESPACES);
    }
    if (mode === 'bwrap') checkSeen(stdout, parts);
  } catch (error) {
    if (error instanceof MegactorError && error.code === 'SANDBOX_MISSING') throw error;
    throw missing(error instanceof Error ? error.message : String(error), USER_NAMESPACES);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    cgroup?.remove();
  }
};

const tryCgroup = (place: CgroupPlace, { limits }: ProbeParts): Cgroup | null => {
  try {
    removeStaleCgroups(place);
    const { memoryBytes, diskBytes, processes } = limits;
    return Cgroup.make(place, process.pid, 'look', { memoryBytes: memoryBytes + diskBytes, processes: processes + 16 });
  } catch {
    return null;
  }
};

/** @throws SANDBOX_MISSING with what is missing and what to do about it */
export const examine = async (parts: ProbeParts): Promise<Examined> => {
  checkCommands(parts);
  const interpreters = findInterpreters(process.execPath, process.env['PATH'] ?? '');
  const walls = parts.mode === 'bwrap';
  const place = walls ? findCgroupPlace(process.pid) : null;
  const cgroup = place === null ? null : tryCgroup(place, parts);
  try {
    await tryOut(parts, cgroup);
  } catch (error) {
    // Perhaps it may be made and not entered.
    if (cgroup === null) throw error;
    await tryOut(parts, null);
    return { interpreters, cgroups: null, holding: holdingOf(parts, false) };
  }
  return { interpreters, cgroups: cgroup === null ? null : place, holding: holdingOf(parts, cgroup !== null) };
};

const holdingOf = ({ mode, network }: ProbeParts, cgroup: boolean): Holding => {
  const walls = mode === 'bwrap';
  return { walls, cgroup, ownUser: walls && process.getuid?.() === 0, network: network || !walls };
};
