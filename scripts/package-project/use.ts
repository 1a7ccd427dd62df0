/** What an embedding program does with the package; prints one line of JSON at its end. */
import assert from 'node:assert/strict';
import { ActorSystem, MegactorError, resumeRun, runSociety } from 'megactor';
import { Sandbox } from 'megactor/sandbox';
import { SimulatedSystem } from 'megactor/testing';
import { Memory } from 'megactor/memory';
import { createMemoryStore, Workspace } from 'megactor/workspace';
import { plain } from './actors/plain.js';
import { typed } from './actors/typed.ts';

const [folder = 'out'] = process.argv.slice(2);
const START = { threads: 2, shards: 4, seed: 1, journal: `${folder}/counters` };

/** Durable actors of both languages, before and after a restart of the system. */
const useActors = async (): Promise<number> => {
  const first = await ActorSystem.start(START);
  for (const definition of [plain, typed]) {
    const ref = await first.spawn(definition, 1, { name: definition.export, durable: true });
    for (let amount = 1; amount <= 10; amount += 1) ref.tell('add', amount);
    assert.equal(await ref.ask('total', undefined, { deadlineMs: 30_000 }), 56);
  }
  await first.stop();
  const second = await ActorSystem.start(START);
  const found = await second.lookup<typeof typed.messages>('typed');
  assert.ok(found !== null, 'a durable actor is found again');
  const total = await found.ask('total', undefined, { deadlineMs: 30_000 });
  await second.stop();
  return total;
};

/** The same actor in simulated time, through a power failure. */
const simulate = async (): Promise<void> => {
  const simulation = await SimulatedSystem.start({ seed: 1 });
  const ref = await simulation.spawn(typed, 1, { durable: true });
  simulation.tell(ref, 'add', 2);
  assert.equal(await simulation.ask(ref, 'total'), 3);
  simulation.crash('power');
  await simulation.restart();
  assert.equal(await simulation.ask(ref, 'total'), 3);
  const probe = await simulation.probe(typed);
  await probe.tell(probe.ref, 'add', 7);
  assert.equal(await probe.expect('add'), 7);
  await simulation.stop();
};

/** Rejects with an error of the exported class, whichever part it comes from. */
const refused = async (what: Promise<unknown>, code: string): Promise<void> => {
  const error: unknown = await what.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof MegactorError && error.code === code, `${code} is said`);
};

const useWorkspace = async (): Promise<string> => {
  const workspace = await Workspace.open({
    directory: `${folder}/files`,
    runId: 'package',
    store: createMemoryStore(),
  });
  await workspace.writeFile({ path: 'a.md', content: 'one\n' }, { effectId: null, author: 'me' });
  await workspace.finish();
  const read = await workspace.readFile({ path: 'a.md' });
  await workspace.close();
  assert.ok(read.ok, 'the file is there');
  await refused(
    Workspace.open({ directory: 'actors', runId: 'package', store: createMemoryStore() }),
    'WORKSPACE_FOREIGN',
  );
  await refused(workspace.readFile({ path: 'a.md' }), 'SYSTEM_STOPPED');
  return read.content;
};

const useMemory = async (): Promise<string> => {
  const memory = await Memory.open({ store: createMemoryStore() });
  const said = { scope: 'notes', when: 1, kind: 'said', agent: 'me' } as const;
  await memory.add([{ ...said, text: 'The harbour closes at nine.' }], { effectId: null });
  const { memories } = await memory.recall({ scopes: ['notes'], query: 'harbour' });
  await refused(memory.recall({ scopes: [''], query: 'harbour' }), 'MESSAGE_INVALID');
  await memory.close();
  return memories[0]?.text ?? '';
};

/** Without walls, which not every machine has: what the package brings for it is there. */
const useSandbox = async (): Promise<string> => {
  const sandbox = await Sandbox.open({ mode: 'none' });
  const files = [{ path: 'a.mjs', content: 'console.log(6 * 7)' }];
  const { stdout } = await sandbox.run({ path: 'a.mjs', files });
  await refused(sandbox.run({ path: 'b.mjs', files }), 'PROGRAM_INVALID');
  await sandbox.close();
  return stdout.trim();
};

const useSociety = async (): Promise<{ agents: number; hired: number }> => {
  const run = runSociety('Write a field guide', { maxAgents: 12, seed: 3, runDir: `${folder}/run` });
  let hired = 0;
  for await (const event of run.events) if (event.type === 'hired') hired += 1;
  const report = await run.report;
  assert.equal(report.status, 'completed');
  const again = await resumeRun(`${folder}/run`).report.catch((error: unknown) => error);
  assert.ok(again instanceof MegactorError && again.code === 'RUN_NOT_RESUMABLE', 'errors are of the exported class');
  return { agents: report.agents, hired };
};

const total = await useActors();
await simulate();
const content = await useWorkspace();
const recalled = await useMemory();
const printed = await useSandbox();
const society = await useSociety();
console.log(JSON.stringify({ total, content, recalled, printed, ...society, node: process.version }));
