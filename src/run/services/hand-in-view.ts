/**
 * What the roster sees of the files of somebody who hands in: through the workspace service, and through the sandbox where
 * there is one. Every call has a deadline, and so has the whole look.
 */
import { z } from 'zod';
import { SANDBOX, WORKSPACE } from '../../../actors/run-services.ts';
import type { Clock } from '../../platform/index.ts';
import type { ServiceHost } from '../../protocol/service.ts';
import {
  lookAt,
  type Look,
  type LookRequest,
  type LookView,
  type SeenFile,
  type SyntaxResult,
} from '../../society/index.ts';

const FILE_DEADLINE_MS = 5_000;
/** With the wait for a place among the programs that run. */
const SYNTAX_DEADLINE_MS = 15_000;
/** Of a whole hand-in: well within the deadline of the agent's own call. */
const LOOK_DEADLINE_MS = 20_000;

const fileSchema = z
  .object({
    path: z.string(),
    base: z.string(),
    commit: z.string().nullable(),
    author: z.string(),
    bytes: z.number(),
    text: z.string().nullable(),
    changes: z.string().nullable(),
  })
  .nullable();

const syntaxSchema = z.union([
  z.object({ ok: z.literal(true), problem: z.string().nullable() }),
  z.object({ ok: z.literal(false), why: z.string() }),
]);

export interface HandInOptions {
  /** Whether commits are told: when a file gets into one depends on the machine. */
  readonly commits: boolean;
  /** Whether programs can be tried. */
  readonly programs: boolean;
}

const viewOf = (host: Pick<ServiceHost, 'call'>, { commits, programs }: HandInOptions): LookView => ({
  file: async (path, ask): Promise<SeenFile | null> => {
    const args = { path, ...ask };
    const file = fileSchema.parse(await host.call(WORKSPACE, 'look', args, { deadlineMs: FILE_DEADLINE_MS }));
    return file === null || commits ? file : { ...file, commit: null };
  },
  syntax: programs
    ? async (path, content): Promise<SyntaxResult> =>
        syntaxSchema.parse(await host.call(SANDBOX, 'parse', { path, content }, { deadlineMs: SYNTAX_DEADLINE_MS }))
    : null,
});

/** Looks at what is handed in. It does not reject. */
export const lookAtHandIn = (
  request: LookRequest,
  host: Pick<ServiceHost, 'call'>,
  clock: Clock,
  options: HandInOptions,
): Promise<Look> => {
  const endMs = clock.monotonic() + LOOK_DEADLINE_MS;
  return lookAt(request, viewOf(host, options), () => clock.monotonic() >= endMs);
};
