/**
 * Hundreds of agents in the same files at the same time: some append to one, some edit their own part of another, some
 * write a third whole having all read the same, each with a line of its own changed; and some write the same line. In a
 * process of its own.
 *
 * 1. What is lost is counted in what git has at the end, not in what was answered.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { runSubject } from '../harness/program.ts';
import { inLanes, openSharedFiles } from './shared-files.ts';

export const sharingSettingsSchema = z.strictObject({
  directory: z.string(),
  agents: z.int().positive(),
  linesEach: z.int().positive(),
  clashing: z.int().positive(),
});
export type SharingSettings = z.infer<typeof sharingSettingsSchema>;

export const sharingResultSchema = z.strictObject({
  seconds: z.number().positive(),
  lostLines: z.int().nonnegative(),
  lostEdits: z.int().nonnegative(),
  lostMerges: z.int().nonnegative(),
  /** Refusals where nothing clashes. */
  needless: z.int().nonnegative(),
  /** Writers of the same line beyond the first who were not told. */
  untold: z.int(),
});
export type SharingResult = z.infer<typeof sharingResultSchema>;

const part = (agent: number, state: string): string => `## Part ${agent}.\n${state}\n`;

export const measureSharing = async (settings: SharingSettings): Promise<SharingResult> => {
  const { directory, agents, linesEach, clashing } = settings;
  const files = await openSharedFiles(directory);
  const parts = Array.from({ length: agents }, (_, agent) => part(agent, 'open'));
  const whole = parts.join('');
  const first = (path: string): Promise<Record<string, unknown>> =>
    files.call('write', { author: 'Boss', path, content: whole }, `Boss/0/${path}`);
  await first('edited.md');
  const { base } = await first('merged.md');
  const { base: clashBase } = await first('clashing.md');
  let needless = 0;
  const make = async (method: string, args: Record<string, unknown>, effectId: string): Promise<void> => {
    if ((await files.ask(method, args, effectId))['ok'] !== true) needless += 1;
  };
  const startedAt = systemClock.monotonic();
  let told = 0;
  await inLanes(agents, async (agent) => {
    const author = `Agent${agent}`;
    const done = part(agent, `done by ${author}`);
    for (let line = 0; line < linesEach; line += 1) {
      await make('append', { author, path: 'log.md', content: `${author} line ${line}.` }, `${author}/${line}/append`);
    }
    await make('edit', { author, path: 'edited.md', old: parts[agent], new: done }, `${author}/9/edit`);
    const content = parts.with(agent, done).join('');
    await make('write', { author, path: 'merged.md', content, base }, `${author}/9/write`);
    if (agent >= clashing) return;
    const clash = whole.replace('open', author);
    const result = await files.ask(
      'write',
      { author, path: 'clashing.md', content: clash, base: clashBase },
      `${author}/9/clash`,
    );
    if (result['ok'] !== true) told += 1;
  });
  await files.call('finish', {});
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  await files.stop();
  const text = (path: string): string => readFileSync(`${files.workTree}/${path}`, 'utf8');
  const log = text('log.md').trimEnd().split('\n');
  const missing = (path: string): number => {
    const found = text(path);
    return parts.filter((_, agent) => !found.includes(part(agent, `done by Agent${agent}`))).length;
  };
  return {
    seconds,
    lostLines: agents * linesEach - new Set(log).size + (log.length - new Set(log).size),
    lostEdits: missing('edited.md'),
    lostMerges: missing('merged.md'),
    needless,
    untold: clashing - 1 - told,
  };
};

if (import.meta.main) await runSubject(sharingSettingsSchema, measureSharing);
