/**
 * What a long run leaves behind: how fast files are read before and after so many writes, what finishing costs, and
 * whether stock git can still clone and check the repository. In a process of its own.
 */
import { readdirSync } from 'node:fs';
import { z } from 'zod';
import { seededRandom, systemClock } from '../../src/platform/index.ts';
import { runSubject } from '../harness/program.ts';
import { inLanes, openSharedFiles, pageOf, type SharedFiles } from './shared-files.ts';
import { complaints, git, gitVersion } from './stock-git.ts';

export const longSettingsSchema = z.strictObject({
  directory: z.string(),
  agents: z.int().positive(),
  filesEach: z.int().positive(),
  writes: z.int().positive(),
  reads: z.int().positive(),
});
export type LongSettings = z.infer<typeof longSettingsSchema>;

const latencySchema = z.strictObject({ p50Ms: z.number().positive(), p99Ms: z.number().positive() });

export const longResultSchema = z.strictObject({
  before: latencySchema,
  after: latencySchema,
  writes: z.int().positive(),
  /** Until git had all of them. */
  writeSeconds: z.number().positive(),
  finishSeconds: z.number().positive(),
  packs: z.int().nonnegative(),
  /** Null without git. */
  clone: z.strictObject({ seconds: z.number().positive(), complaints: z.int().nonnegative() }).nullable(),
});
export type LongResult = z.infer<typeof longResultSchema>;

const secondsSince = (startedAt: number): number => (systemClock.monotonic() - startedAt) / 1_000;
const pathOf = (agent: number, file: number): string => `team${agent % 59}/agent${agent}/${file}.md`;

/** Reads one after another, of files drawn by chance. */
const readMany = async (
  files: SharedFiles,
  count: number,
  pathFor: (draw: (below: number) => number) => string,
): Promise<z.infer<typeof latencySchema>> => {
  const random = seededRandom(7);
  const draw = (below: number): number => Math.floor(random() * below);
  const taken: number[] = [];
  for (let read = 0; read < count; read += 1) {
    const path = pathFor(draw);
    const startedAt = systemClock.monotonic();
    await files.call('read', { author: 'Reader', path });
    taken.push(systemClock.monotonic() - startedAt);
  }
  taken.sort((left, right) => left - right);
  const at = (part: number): number => taken[Math.floor(taken.length * part)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
};

/** Every agent writes its files in turn, each time on what it wrote there before. */
const writeMany = async (files: SharedFiles, { agents, filesEach, writes }: LongSettings): Promise<number> => {
  const startedAt = systemClock.monotonic();
  const each = Math.ceil(writes / agents);
  await inLanes(agents, async (agent) => {
    const author = `Agent${agent}`;
    const bases: unknown[] = [];
    for (let number = 0; number < each; number += 1) {
      const file = number % filesEach;
      const content = pageOf(author, number);
      const args = {
        author,
        path: pathOf(agent, file),
        content,
        ...(bases[file] === undefined ? {} : { base: bases[file] }),
      };
      bases[file] = (await files.call('write', args, `${author}/${number}/0`))['base'];
    }
  });
  await files.call('flush', {});
  return secondsSince(startedAt);
};

export const measureLong = async (settings: LongSettings): Promise<LongResult> => {
  const { directory, agents, filesEach, reads } = settings;
  const files = await openSharedFiles(directory);
  await inLanes(agents, async (agent) => {
    const author = `Agent${agent}`;
    await files.call('write', { author, path: `early/${agent}.md`, content: pageOf(author, 0) }, `${author}/early/0`);
  });
  await files.call('flush', {});
  const before = await readMany(files, reads, (draw) => `early/${draw(agents)}.md`);
  const writeSeconds = await writeMany(files, settings);
  const filesOfEach = Math.min(filesEach, Math.ceil(settings.writes / agents));
  const after = await readMany(files, reads, (draw) => pathOf(draw(agents), draw(filesOfEach)));
  const startedAt = systemClock.monotonic();
  await files.call('finish', {});
  const finishSeconds = secondsSince(startedAt);
  await files.stop();
  const packs = readdirSync(`${files.workTree}/.git/objects/pack`).filter((name) => name.endsWith('.pack')).length;
  const writes = Math.ceil(settings.writes / agents) * agents;
  const common = { before, after, writes, writeSeconds, finishSeconds, packs };
  if (gitVersion() === null) return { ...common, clone: null };
  const cloning = systemClock.monotonic();
  // As over a network: git reads every object and makes a pack of its own.
  git(directory, 'clone', '-q', '--no-local', files.workTree, 'clone');
  const seconds = secondsSince(cloning);
  return { ...common, clone: { seconds, complaints: complaints(files.workTree) + complaints(`${directory}/clone`) } };
};

if (import.meta.main) await runSubject(longSettingsSchema, measureLong);
