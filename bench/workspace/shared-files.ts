/**
 * The files of a run as agents have them: the workspace's service on its thread, the journal on another, calls from the
 * main thread. Everything is flushed, as in a run.
 */
import { entryUrl } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { CONTENT_BYTES, DEADLINE_MS } from './settings.ts';

export interface SharedFiles {
  readonly workTree: string;
  /** A result of the workspace that is not a refusal. @throws Error for a refusal */
  call(method: string, args: Record<string, unknown>, effectId?: string): Promise<Record<string, unknown>>;
  /** The same, refusals included. */
  ask(method: string, args: Record<string, unknown>, effectId?: string): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export const openSharedFiles = async (directory: string): Promise<SharedFiles> => {
  const workTree = `${directory}/workspace`;
  const system = await ActorSystem.start({
    threads: 1,
    seed: 1,
    journal: directory,
    services: [
      {
        name: 'workspace',
        module: entryUrl('../../src/run/services/workspace', import.meta.url).href,
        thread: 'workspace',
        options: { directory: workTree, runId: 'bench' },
      },
    ],
  });
  const ask: SharedFiles['ask'] = async (method, args, effectId) => {
    const options = { deadlineMs: DEADLINE_MS, effectId: effectId ?? null };
    return ((await system.callService('workspace', method, args, options)) ?? {}) as Record<string, unknown>;
  };
  return {
    workTree,
    ask,
    call: async (method, args, effectId) => {
      const result = await ask(method, args, effectId);
      if (result['ok'] === false) throw new Error(`${method} was refused: ${JSON.stringify(result['error'])}`);
      return result;
    },
    stop: () => system.stop({ deadlineMs: DEADLINE_MS }),
  };
};

/** A page that nobody else writes. */
export const pageOf = (author: string, number: number): string => {
  const line = `${author} writes page ${number} of what was asked for, in words that are not the same twice.\n`;
  return line.repeat(Math.ceil(CONTENT_BYTES / line.length)).slice(0, CONTENT_BYTES - 1) + '\n';
};

/** One writer after another in each of `lanes`, all lanes at once. */
export const inLanes = async (lanes: number, work: (lane: number) => Promise<void>): Promise<void> => {
  await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
};
