/**
 * A process writes until it is killed (SIGKILL), this one opens what it left: is everything there that was answered, and
 * has stock git anything to complain about. In a process of its own, which starts the other.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runSubject } from '../harness/program.ts';
import { inLanes, openSharedFiles, pageOf } from './shared-files.ts';
import { complaints, gitVersion } from './stock-git.ts';

export const killedSettingsSchema = z.strictObject({
  directory: z.string(),
  agents: z.int().positive(),
  /** The writer is killed when it has had so many answers. */
  killAfter: z.int().positive(),
  /** The one that is killed. */
  isWriter: z.boolean(),
});
export type KilledSettings = z.infer<typeof killedSettingsSchema>;

export const killedResultSchema = z.strictObject({
  answered: z.int().positive(),
  missing: z.int().nonnegative(),
  /** Null without git. */
  complaints: z.int().nonnegative().nullable(),
});
export type KilledResult = z.infer<typeof killedResultSchema>;

const FILES_EACH = 10_000;

const write = async ({ directory, agents }: KilledSettings): Promise<void> => {
  const files = await openSharedFiles(directory);
  await inLanes(agents, async (agent) => {
    const author = `Agent${agent}`;
    for (let file = 0; file < FILES_EACH; file += 1) {
      const path = `agent${agent}/${file}.md`;
      await files.call('write', { author, path, content: pageOf(author, file) }, `${author}/${file}/0`);
      process.stdout.write(`${agent} ${file}\n`);
    }
  });
};

/** Starts the writer and kills it. @returns what it was answered */
const writeUntilKilled = async (settings: KilledSettings): Promise<(readonly [agent: number, file: number])[]> => {
  const words = [fileURLToPath(import.meta.url), JSON.stringify({ ...settings, isWriter: true })];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const closed = once(child, 'close');
  if (child.stdout === null) throw new Error('the writer has no output');
  const answered: (readonly [number, number])[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [agent, file] = line.split(' ').map(Number);
    if (agent !== undefined && file !== undefined && line.endsWith(String(file))) answered.push([agent, file]);
    if (answered.length === settings.killAfter) child.kill('SIGKILL');
  }
  const [, signal] = (await closed) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error('the writer ended by itself');
  return answered;
};

export const measureKilled = async (settings: KilledSettings): Promise<KilledResult> => {
  const answered = await writeUntilKilled(settings);
  const files = await openSharedFiles(settings.directory);
  let missing = 0;
  for (const [agent, file] of answered) {
    const found = await files.ask('read', { author: 'Reader', path: `agent${agent}/${file}.md` });
    if (found['content'] !== pageOf(`Agent${agent}`, file)) missing += 1;
  }
  await files.call('finish', {});
  await files.stop();
  const isGit = gitVersion() !== null;
  return { answered: answered.length, missing, complaints: isGit ? complaints(files.workTree) : null };
};

if (import.meta.main) {
  await runSubject(killedSettingsSchema, (settings) => (settings.isWriter ? write(settings) : measureKilled(settings)));
}
