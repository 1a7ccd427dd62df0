/**
 * Many agents write, each one file after another, in a process of its own; git follows. The clock stops when the workspace
 * says that git has everything; then stock git is asked, where there is one.
 */
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { runSubject } from '../harness/program.ts';
import { LOOK_EVERY_MS } from './settings.ts';
import { inLanes, openSharedFiles, pageOf } from './shared-files.ts';
import { addedPaths, fastImport, gitVersion } from './stock-git.ts';

export const writesSettingsSchema = z.strictObject({
  directory: z.string(),
  method: z.enum(['workspace', 'fast-import']),
  agents: z.int().positive(),
  filesEach: z.int().positive(),
});
export type WritesSettings = z.infer<typeof writesSettingsSchema>;

export const writesResultSchema = z.strictObject({
  count: z.int().positive(),
  /** Until git had all of them. */
  seconds: z.number().positive(),
  /** Until the last answer. */
  answeredSeconds: z.number().positive(),
  /** Most versions that were answered and not yet in git. */
  backlogMax: z.int().nonnegative(),
});
export type WritesResult = z.infer<typeof writesResultSchema>;

const pathOf = (agent: number, file: number): string => `team${agent % 59}/agent${agent}/${file}.md`;
const secondsSince = (startedAt: number): number => (systemClock.monotonic() - startedAt) / 1_000;

const importAll = async ({ directory, agents, filesEach }: WritesSettings): Promise<WritesResult> => {
  const files = function* (): Generator<readonly [string, string]> {
    for (let file = 0; file < filesEach; file += 1) {
      for (let agent = 0; agent < agents; agent += 1) yield [pathOf(agent, file), pageOf(`Agent${agent}`, file)];
    }
  };
  const startedAt = systemClock.monotonic();
  await fastImport(directory, files());
  const seconds = secondsSince(startedAt);
  return { count: agents * filesEach, seconds, answeredSeconds: seconds, backlogMax: 0 };
};

export const measureWrites = async (settings: WritesSettings): Promise<WritesResult> => {
  if (settings.method === 'fast-import') return await importAll(settings);
  const { directory, agents, filesEach } = settings;
  const files = await openSharedFiles(directory);
  let backlogMax = 0;
  const looking = systemClock.every(LOOK_EVERY_MS, () => {
    void files.ask('stats', {}).then(({ backlog }) => {
      backlogMax = Math.max(backlogMax, Number(backlog));
    });
  });
  const startedAt = systemClock.monotonic();
  await inLanes(agents, async (agent) => {
    const author = `Agent${agent}`;
    for (let file = 0; file < filesEach; file += 1) {
      const args = { author, path: pathOf(agent, file), content: pageOf(author, file) };
      await files.call('write', args, `${author}/${file}/0`);
    }
  });
  const answeredSeconds = secondsSince(startedAt);
  await files.call('flush', {});
  const seconds = secondsSince(startedAt);
  looking.cancel();
  const count = agents * filesEach;
  if (gitVersion() !== null) {
    const inGit = addedPaths(files.workTree).size;
    if (inGit !== count) throw new Error(`git log has ${inGit} of ${count} files`);
  }
  await files.stop();
  return { count, seconds, answeredSeconds, backlogMax };
};

if (import.meta.main) await runSubject(writesSettingsSchema, measureWrites);
