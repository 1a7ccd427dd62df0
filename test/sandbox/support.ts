/** What the tests of the sandbox share: whether there is one here, and looking for processes by a mark. */
import { readdirSync, readFileSync } from 'node:fs';
import { Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';

const MIB = 1024 * 1024;

/** Small, so that a machine that others use as well does not notice. */
export const SMALL = {
  memoryBytes: 64 * MIB,
  cpuSeconds: 20,
  wallMs: 60_000,
  processes: 24,
  fileBytes: 2 * MIB,
  diskBytes: 6 * MIB,
  diskFiles: 300,
  outputBytes: 4_096,
  outputTotalBytes: 4 * MIB,
} as const;

/** Why there is no sandbox on this machine; null when there is. Where `MEGACTOR_NEEDS_SANDBOX` is set, it must be there. */
export const whyNoSandbox = async (): Promise<string | null> => {
  try {
    const sandbox = await Sandbox.open();
    await sandbox.close();
    return null;
  } catch (error) {
    if (!(error instanceof MegactorError) || error.code !== 'SANDBOX_MISSING') throw error;
    if (process.env['MEGACTOR_NEEDS_SANDBOX'] !== undefined) throw error;
    process.stderr.write(`The tests of the sandbox are skipped: ${error.message}. ${error.hint}\n`);
    return error.message;
  }
};

export const isRoot = process.getuid?.() === 0;

export const openSmall = (options: SandboxOptions = {}): Promise<Sandbox> =>
  Sandbox.open({ ...options, limits: { ...SMALL, ...options.limits } });

/** Processes of this machine that have `mark` among their arguments. */
export const marked = (mark: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/u.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(mark) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
