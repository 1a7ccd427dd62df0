/**
 * Whether a program can be run at all: its interpreter parses it, in the sandbox, and runs nothing of it. What it does not
 * do: find out whether it does what it should.
 */
import type { Clock } from '../platform/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import type { ProgramStarter } from './agent-programs.ts';

/** `problem` is null when it parses; `why` it could not be found out. */
export type ParseResult =
  { readonly ok: true; readonly problem: string | null } | { readonly ok: false; readonly why: string };

/** For the wait for its turn and for the parsing, each. */
const WAIT_MS = 5_000;
const PROBLEM_CHARS_MAX = 600;

/** What the interpreter said, without the place of the copy and without the trace of the interpreter itself. */
const problemOf = (said: string, path: string): string => {
  const lines = said
    .split('\n')
    .map((line) => line.replaceAll(/(?:[^\s"']*\/)?(?=[^\s"'/]+["']?,? line \d|[^\s"'/]+:\d+$)/gu, '').trim())
    .filter((line) => line !== '' && !/^(?:at |Traceback|Node\.js v|File "<string>")/u.test(line));
  const problem = lines.join(' ').slice(0, PROBLEM_CHARS_MAX);
  return problem === '' ? `${path} is not accepted` : problem;
};

/** It does not reject. */
export const parseProgram = async (
  sandbox: Pick<ProgramStarter, 'start'>,
  clock: Clock,
  file: { readonly path: string; readonly content: string },
): Promise<ParseResult> => {
  const { path, content } = file;
  const abort = new AbortController();
  const timer = clock.after(2 * WAIT_MS, () => abort.abort());
  try {
    const files = [{ path, content }];
    const asked = { path, files, stdin: '', parseOnly: true, queueMs: WAIT_MS, signal: abort.signal };
    const program = await sandbox.start(asked);
    const { exitCode, endedBy } = await program.ended;
    const { stderr } = program.take(true);
    if (endedBy !== 'itself' || exitCode === null) return { ok: false, why: 'it took too long' };
    return { ok: true, problem: exitCode === 0 ? null : problemOf(stderr, path) };
  } catch (thrown) {
    return { ok: false, why: toMegactorError(thrown, 'SANDBOX_FAILED').message };
  } finally {
    timer.cancel();
  }
};
