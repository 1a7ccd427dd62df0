/** The checks of `doctor` that are about Megactor's own parts: each loads the real module and does the real thing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { MegactorError } from '../protocol/errors.ts';
import { fine, type CheckSpec, type Finding } from './doctor-check.ts';

const MODEL_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
const MODELS_SHOWN_MAX = 3;

const inTemporaryDirectory = async (act: (path: string) => Promise<Finding>): Promise<Finding> => {
  const path = mkdtempSync(join(tmpdir(), 'megactor-doctor-'));
  try {
    return await act(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
};

/** Opens an environment of LMDB, writes a value to the disk, and reads it again. */
const checkJournal = (): Promise<Finding> =>
  inTemporaryDirectory(async (directory) => {
    const { createJournalClient, JournalServer } = await import('../journal/index.ts');
    const server = await JournalServer.open({ directory, shards: 1, durability: 'flushed' });
    try {
      const { port1, port2 } = new MessageChannel();
      server.attach(port1);
      const client = createJournalClient(port2);
      const store = client.store('doctor');
      await store.commit({ effectId: null, result: null, changes: [{ key: 'key', value: { number: 42 } }] });
      const read = (await store.get('key')) as { number?: number } | undefined;
      await client.close();
      if (read?.number !== 42) throw new Error('what was written could not be read');
      return fine('LMDB opens, writes to the disk and reads');
    } finally {
      await server.close();
    }
  });

/** Takes the lock on a run directory, is refused it a second time, and gives it back. */
const checkLock = (): Promise<Finding> =>
  inTemporaryDirectory(async (directory) => {
    const { acquireLease } = await import('../journal/lease.ts');
    const lease = acquireLease(directory, {});
    try {
      acquireLease(directory, {}).release();
      return { ok: false, detail: 'two owners could lock one directory', hint: 'Put runs on a local disk.' };
    } catch (error) {
      if (!(error instanceof MegactorError) || error.code !== 'RUN_DIR_IN_USE') throw error;
      return fine('SQLite locks a run directory');
    } finally {
      lease.release();
    }
  });

const checkCodec = async (): Promise<Finding> => {
  const { pack, unpack } = await import('msgpackr/pack');
  const value = { text: 'Grüße', list: [1, 2.5, null], bytes: new Uint8Array([1, 2]) };
  if (JSON.stringify(unpack(pack(value))) !== JSON.stringify({ ...value, bytes: Buffer.from([1, 2]) })) {
    throw new Error('a packed value did not come back as it was');
  }
  return fine('msgpackr');
};

/** Starts a system as a run does: a host on Piscina, the journal on its service thread. */
const checkThreads = (): Promise<Finding> =>
  inTemporaryDirectory(async (directory) => {
    const { ActorSystem } = await import('../runtime/index.ts');
    const system = await ActorSystem.start({ threads: 1, shards: 1, journal: { directory, durability: 'committed' } });
    await system.stop({ deadlineMs: STOP_DEADLINE_MS });
    return fine('a host (Piscina) and a service thread start and stop');
  });

const checkModel: CheckSpec['run'] = async ({ environment, clock }) => {
  const isSet = (name: string): boolean => (environment[name] ?? '').trim() !== '';
  if (!isSet('OPENAI_BASE_URL') && !isSet('OPENAI_API_KEY')) {
    return fine('no server is configured (OPENAI_BASE_URL, OPENAI_API_KEY): runs are rehearsed');
  }
  const { createOpenAiModel } = await import('../model/openai.ts');
  const model = createOpenAiModel({ model: 'doctor', environment, timeoutMs: MODEL_DEADLINE_MS, clock });
  const abort = new AbortController();
  const timer = clock.after(MODEL_DEADLINE_MS, () => abort.abort());
  try {
    const names = await model.listModels(abort.signal);
    if (names === null) return fine(`${model.baseUrl} answers; it has no list of models`);
    const more = names.length > MODELS_SHOWN_MAX ? ' …' : '';
    return fine(`${model.baseUrl} has ${names.slice(0, MODELS_SHOWN_MAX).join(', ')}${more}`);
  } catch (error) {
    if (!(error instanceof MegactorError)) throw error;
    const { message } = error;
    const hint = error.hint.replace(', then resume the run', '');
    return abort.signal.aborted
      ? { ok: false, detail: `${model.baseUrl} did not answer within ${MODEL_DEADLINE_MS / 1_000} s`, hint }
      : { ok: false, detail: message, hint };
  } finally {
    timer.cancel();
    await model.close();
  }
};

/** Runs something in the sandbox, and looks around from inside. */
const checkSandbox = async (): Promise<Finding> => {
  const { Sandbox } = await import('../sandbox/index.ts');
  try {
    const sandbox = await Sandbox.open();
    const { interpreters, holding } = sandbox;
    await sandbox.close();
    const languages = ['JavaScript', ...(interpreters.python === undefined ? [] : ['Python'])].join(' and ');
    const memory = holding.cgroup
      ? 'the memory of a program is held as a whole'
      : 'memory is held for each process alone, since this user may make no cgroups';
    return fine(`bubblewrap holds for programs in ${languages}; ${memory}`);
  } catch (error) {
    if (!(error instanceof MegactorError) || error.code !== 'SANDBOX_MISSING') throw error;
    return { ok: false, detail: `runs offer no programs: ${error.message}`, hint: error.hint };
  }
};

const REINSTALL = 'Install the packages again with `npm ci`, and allow their install scripts.';

/** Finds a vector among two. */
const checkVectors = async (): Promise<Finding> => {
  const { loadUsearch } = await import('../memory/usearch.ts');
  const { VectorSet } = await import('../memory/vector-set.ts');
  const set = new VectorSet(await loadUsearch(), 2);
  set.add(1, Float32Array.of(1, 0));
  set.add(2, Float32Array.of(0, 1));
  const [nearest] = set.search(Float32Array.of(0, 1), 1, () => true);
  if (nearest?.ordinal !== 2) throw new Error('the nearest of two vectors was not found');
  return fine('USearch finds the nearest vector');
};

/** Whether the packages of the local embedder are there; loading its model takes a while. */
const checkEmbedder = (): Finding => {
  const missing = ['core', 'embeddings', 'model-embeddings-en']
    .map((name) => `@energetic-ai/${name}`)
    .filter((name) => !isInstalled(name));
  if (missing.length === 0) return fine('the packages of --embedder local are installed');
  return fine(`--embedder local needs ${missing.join(' ')}; nothing else does`);
};

const isInstalled = (name: string): boolean => {
  try {
    return import.meta.resolve(name) !== '';
  } catch {
    return false;
  }
};

export const PART_CHECKS: readonly CheckSpec[] = [
  { name: 'journal', needed: true, hint: REINSTALL, run: checkJournal },
  {
    name: 'lock',
    needed: true,
    hint: 'Node needs node:sqlite, and the directory for temporary files a disk.',
    run: checkLock,
  },
  { name: 'codec', needed: true, hint: REINSTALL, run: checkCodec },
  { name: 'threads', needed: true, hint: REINSTALL, run: checkThreads },
  { name: 'model', needed: true, hint: 'Check OPENAI_BASE_URL and OPENAI_API_KEY.', run: checkModel },
  {
    name: 'vector-index',
    needed: false,
    hint: `${REINSTALL} Without it memories are found by words alone.`,
    run: checkVectors,
  },
  { name: 'embedder', needed: false, hint: 'It is needed for --embedder local only.', run: checkEmbedder },
  { name: 'sandbox', needed: false, hint: 'Runs offer no programs without it.', run: checkSandbox },
];
