/**
 * The workspace of a trial: the service of a real run over a real directory, with its records in memory, and beside it a
 * ledger of what was acknowledged, and of who was retired. Time of the simulation stands still while the disk is waited for.
 *
 * What it checks by itself: the base of an acknowledged write is that of the content that this write, after those before
 * it, comes to; and nobody who was retired writes (L3).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ServiceHost, ServiceInstance, ServiceMethod } from '../../src/protocol/service.ts';
import { guarded, Leavers } from '../../src/run/services/leavers.ts';
import { createService, OF_AGENTS } from '../../src/run/services/workspace.ts';
import { blobObject } from '../../src/workspace/git-objects.ts';
import { createMemoryStore } from '../../src/journal/memory-store.ts';

const callSchema = z.looseObject({ author: z.string(), path: z.string() });
const resultSchema = z.looseObject({ ok: z.literal(true), base: z.string() });
const snapshotSchema = z.looseObject({ directory: z.string() });
/** What programs have left. */
const appliedSchema = z.looseObject({
  ok: z.literal(true),
  files: z.array(z.looseObject({ path: z.string(), status: z.string(), base: z.string().nullish() })),
});
const readSchema = z.looseObject({ ok: z.literal(true), content: z.string(), base: z.string() });

const conflictSchema = z.looseObject({ ok: z.literal(false), error: z.looseObject({ code: z.literal('CONFLICT') }) });

/** Methods that change a file and answer with its base. */
const CHANGES = new Set(['write', 'append', 'edit']);

export interface Acknowledged {
  readonly base: string;
  readonly author: string;
  /** Changes so far. */
  readonly count: number;
}

type Outside = <Value>(promise: Promise<Value>) => Promise<Value>;

export class TrialFiles {
  /** The last acknowledged version of each path. */
  readonly acknowledged = new Map<string, Acknowledged>();
  readonly wrong: string[] = [];
  /** Agents of whom it was said that they are retired. */
  readonly gone = new Set<string>();
  /** Files that were removed, and writes that were refused because the file had changed. */
  removed = 0;
  conflicts = 0;
  /** Programs whose files were brought back. */
  applied = 0;
  readonly directory: string;
  readonly #copies: string;
  readonly #store = createMemoryStore();
  readonly #seen = new Set<string>();
  #instance: ServiceInstance | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: string) {
    this.directory = join(directory, 'workspace');
    this.#copies = join(directory, 'copies');
    mkdirSync(this.#copies);
  }

  async open(runId: string): Promise<void> {
    const host: ServiceHost = {
      store: () => this.#store,
      call: () => Promise.reject(new Error('the workspace calls nobody')),
      notify: () => undefined,
      event: () => undefined,
    };
    this.#instance = await createService({ directory: this.directory, runId, sync: false }, host);
  }

  async close(): Promise<void> {
    await this.#instance?.close?.();
    this.#instance = null;
  }

  /** The service, for a simulation. */
  service(host: ServiceHost, outside: Outside): ServiceInstance {
    const instance = this.#instance;
    if (instance === null) throw new Error('the workspace of the trial is not open');
    const wrap =
      (name: string, method: ServiceMethod): ServiceMethod =>
      (given: unknown, call) =>
        outside(
          this.#inTurn(async () => {
            const args = name === 'snapshot' ? this.#elsewhere(given) : given;
            const result: unknown = await method(args as never, call);
            if (CHANGES.has(name)) await this.#note(args, result, call.effectId, instance);
            if (name === 'apply') this.#noteApplied(args, result);
            return result;
          }),
        );
    const methods = Object.fromEntries(Object.entries(instance.methods).map(([name, of]) => [name, wrap(name, of)]));
    // Outside of what time stands still for: it asks the roster.
    const wasDone = async (effectId: string): Promise<boolean> => (await this.#store.result(effectId)) !== undefined;
    return guarded({ methods }, new Leavers(host, true), { names: OF_AGENTS, nameOf: 'author', wasDone });
  }

  /** A copy of the files: where it is is no part of what repeats. */
  #elsewhere(args: unknown): unknown {
    return { ...snapshotSchema.parse(args), directory: mkdtempSync(join(this.#copies, 'copy-')) };
  }

  /** What the repository's last commit holds: blob ids by path. */
  head(): ReadonlyMap<string, string> {
    // A branch without a commit has no tree.
    if (this.#git('rev-list', '--all', '--max-count=1') === '') return new Map();
    const lines = this.#git('ls-tree', '-r', '-z', '--format=%(objectname) %(path)', 'HEAD').split('\0');
    return new Map(lines.filter((line) => line !== '').map((line) => [line.slice(41), line.slice(0, 40)]));
  }

  /** What git finds different between the last commit and the work tree. */
  status(): string {
    return this.#git('status', '--porcelain');
  }

  /** What git says against the repository. */
  check(): string {
    try {
      this.#git('fsck', '--strict');
      return '';
    } catch (error) {
      return String(error);
    }
  }

  /** One call after the other, so that the ledger knows their order. */
  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #git(...words: readonly string[]): string {
    return execFileSync('git', ['-C', this.directory, '-c', 'core.quotePath=false', ...words], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async #note(args: unknown, result: unknown, effectId: string | null, instance: ServiceInstance): Promise<void> {
    const done = resultSchema.safeParse(result);
    const asked = callSchema.safeParse(args);
    if (conflictSchema.safeParse(result).success) this.conflicts += 1;
    if (!done.success || !asked.success) return;
    // A repeated call is answered, and changes nothing.
    if (effectId !== null && this.#seen.has(effectId)) return;
    if (effectId !== null) this.#seen.add(effectId);
    const { path, author } = asked.data;
    if (this.gone.has(author)) this.wrong.push(`${author} was retired and has written ${path}`);
    const { base } = done.data;
    const before = this.acknowledged.get(path);
    // Who writes what is there already changes nothing, and is not its author.
    const by = before?.base === base ? before.author : author;
    this.acknowledged.set(path, { base, author: by, count: (before?.count ?? 0) + 1 });
    const context = { effectId: null, caller: 'trial', signal: new AbortController().signal };
    const read = readSchema.safeParse(await instance.methods['read']?.({ author, path } as never, context));
    if (!read.success || read.data.base !== base || blobObject(read.data.content).oid !== base) {
      this.wrong.push(`${path}: what was acknowledged as ${base} reads otherwise`);
    }
  }

  #noteApplied(args: unknown, result: unknown): void {
    const done = appliedSchema.safeParse(result);
    const asked = z.looseObject({ author: z.string() }).safeParse(args);
    this.applied += 1;
    if (!done.success || !asked.success) return;
    for (const { path, status, base } of done.data.files) {
      if (status === 'removed') {
        this.acknowledged.delete(path);
        this.removed += 1;
      } else if ((status === 'written' || status === 'merged') && typeof base === 'string') {
        const count = (this.acknowledged.get(path)?.count ?? 0) + 1;
        this.acknowledged.set(path, { base, author: asked.data.author, count });
      }
    }
  }
}
