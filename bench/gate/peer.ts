/**
 * Another library's agents, each in a function of its own below `Promise.all`, with the same prompt and the same one
 * tool. They are installed in `bench/gate/peers`, a folder with its own package.json; where they are not, that is what
 * the last line says: `{"skipped"}`.
 */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { runSubject } from '../harness/program.ts';
import { MAIL, promptOf, STEP_SPEC } from './chat.ts';
import { begin } from './cost.ts';

const settingsSchema = z.strictObject({
  peer: z.enum(['openai-agents', 'langgraph']),
  baseUrl: z.string(),
  agents: z.int().positive(),
  calls: z.int().positive(),
});

type PeerSettings = z.infer<typeof settingsSchema>;

/** What a file of `peers/` exports as `run`: plays all agents, resolves to the number that failed. */
const moduleSchema = z.object({ run: z.custom<PeerRun>((value) => typeof value === 'function') });

type PeerRun = (parts: {
  readonly baseUrl: string;
  readonly names: readonly string[];
  readonly promptOf: (name: string) => string;
  readonly mail: string;
  readonly calls: number;
  readonly tool: typeof STEP_SPEC;
}) => Promise<{ readonly failed: number }>;

const PACKAGES = { 'openai-agents': '@openai/agents', langgraph: '@langchain/langgraph' } as const;

/** The folder in the sources: what is installed there is not built. */
const peersFolder = (): string | null => {
  let folder = fileURLToPath(new URL('.', import.meta.url));
  for (let depth = 0; depth < 6; depth += 1, folder = dirname(folder)) {
    const path = join(folder, 'bench', 'gate', 'peers');
    if (existsSync(join(path, 'package.json'))) return path;
  }
  return null;
};

const measurePeer = async ({ peer, baseUrl, agents, calls }: PeerSettings): Promise<unknown> => {
  const folder = peersFolder();
  if (folder === null) return { skipped: `${PACKAGES[peer]}: its folder bench/gate/peers is only in a checkout` };
  const file = join(folder, `${peer}.mjs`);
  try {
    createRequire(file).resolve(PACKAGES[peer]);
  } catch {
    return { skipped: `${PACKAGES[peer]} is not installed: npm install --prefix bench/gate/peers` };
  }
  const { run } = moduleSchema.parse(await import(pathToFileURL(file).href));
  const names = Array.from({ length: agents }, (_, index) => `Agent-${index + 1}`);
  const cost = begin();
  const { failed } = await run({
    baseUrl,
    names,
    promptOf: (name) => promptOf(name, calls),
    mail: `user: ${MAIL}`,
    calls,
    tool: STEP_SPEC,
  });
  // An agent that did not fail was answered until it had its text.
  return { ...cost((agents - failed) * calls), failed };
};

if (import.meta.main) {
  await runSubject(settingsSchema, measurePeer);
  process.exit();
}
