/**
 * One list trial: lives of a process on one directory, each ended as drawn while clients ask for things, and after each
 * a look at the journal from outside; at the end all that was acknowledged is there, once, in order.
 */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { restoreFlushed } from '../../../src/journal/faulty-backend.ts';
import { openLmdbBackend } from '../../../src/journal/lmdb-backend.ts';
import { type Canary, type Random, seededRandom } from '../../../src/platform/index.ts';
import { temporaryDirectory } from '../../support/command.ts';
import { losePower } from '../power-loss.ts';
import * as check from './check.ts';
import { compactOffline } from '../compact.ts';
import { Child } from './child-process.ts';
import { Clients } from './clients.ts';
import { tryDamaged } from './damaged-copy.ts';
import { describeEnding, drawListTrial, type Life, type LifeSettings, type ListTrial } from './draw.ts';
import type { Damage } from './damage.ts';
import { type Asked, EMPTY_VIEW, History, type JournalView, outsideCalls, viewOf } from './history.ts';
import type { ChildSettings, FromChild } from './wire.ts';

export interface ListTrialResult {
  /** What is wrong; empty when the trial passed. */
  readonly wrong: readonly string[];
  /** How the processes ended: by kill point, `random`, `disk-full`; `missed` for an armed point that was not passed. */
  readonly endings: readonly string[];
  /** Acknowledged operations, and what else befell the journal. */
  readonly counts: Readonly<Record<string, number>>;
}

const BALANCE = 1_000;
/** A process that takes longer for anything hangs. */
const PROCESS_MAX_MS = 120_000;
/** A process that is armed has this much work. When it is done without having passed the point, it is killed. */
const ARMED_OPERATIONS = 300;
/** The work of the process that is left alone. */
const LAST_OPERATIONS = 60;
/** Exit code of a process whose system failed and stopped in order. */
const FAILED = 4;

class Trial {
  readonly #trial: ListTrial;
  readonly #directory: string;
  readonly #random: Random;
  readonly #history = new History();
  readonly #canary: Canary | null;
  readonly wrong: string[] = [];
  readonly endings: string[] = [];
  readonly counts: Record<string, number> = {};
  #seen: JournalView = EMPTY_VIEW;
  #powerLost = false;

  constructor(trial: ListTrial, directory: string, canary: Canary | null) {
    this.#trial = trial;
    this.#directory = directory;
    this.#random = seededRandom(trial.seed, 47);
    this.#canary = canary;
  }

  async toTheEnd(): Promise<void> {
    for (const life of this.#trial.lives) {
      await this.#live(life);
      await this.#lookAtKilled();
      if (this.wrong.length === 0) await this.#betweenLives(life);
      if (this.wrong.length > 0) return;
    }
    await this.#lastLife();
    this.#count('acknowledged', this.#history.asked.filter(({ answeredAt }) => answeredAt !== null).length);
  }

  #count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  get #runDir(): string {
    return join(this.#directory, 'run');
  }

  get #dataFile(): string {
    return join(this.#runDir, 'journal', 'data.mdb');
  }

  get #outside(): string {
    return join(this.#directory, 'outside');
  }

  #settingsOf(life: LifeSettings): ChildSettings {
    const { lists, shards, seed } = this.#trial;
    const { threads, durability, residentMax, passivateAfterMs, checkpoint } = life;
    const passivation = {
      ...(residentMax === undefined ? {} : { residentMax }),
      ...(passivateAfterMs === undefined ? {} : { passivateAfterMs }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
    const system = { threads, shards, seed, durability, ...passivation };
    return { directory: this.#runDir, outside: this.#outside, lists, balance: BALANCE, system };
  }

  #start(life: LifeSettings, environment: Record<string, string>, onMessage: (message: FromChild) => void): Child {
    const canary = this.#canary === null ? {} : { MEGACTOR_CANARY: this.#canary };
    return new Child(this.#settingsOf(life), { ...canary, ...environment }, onMessage);
  }

  /** Runs a process until it ends as drawn, and makes of its journal what is left of it. */
  async #live(life: Life): Promise<void> {
    const { ending, left } = life;
    const base = join(this.#directory, 'base.mdb');
    const shadow = join(this.#directory, 'shadow');
    const hadJournal = existsSync(this.#dataFile);
    const faults: string[] = [];
    if (life.slowMs > 0) {
      faults.push(`slow:${life.slowMs}`);
      this.#count('slow-flush');
    }
    if (ending.kind === 'disk-full') faults.push(`fail:${ending.group}`);
    if (left === 'flushed-groups') {
      rmSync(shadow, { force: true });
      if (hadJournal) copyFileSync(this.#dataFile, base);
      faults.push(`shadow:${shadow}`);
    }
    const environment: Record<string, string> = faults.length > 0 ? { MEGACTOR_DISK_FAULT: faults.join(',') } : {};
    if (ending.kind === 'point') environment['MEGACTOR_KILL_AT'] = `${ending.point}:${ending.count}`;
    await this.#work(life, environment);
    if (left === 'all' || !existsSync(this.#dataFile)) return;
    this.#losePower(left);
    if (left === 'flushed-groups') {
      const open = (directory: string): ReturnType<typeof openLmdbBackend> =>
        openLmdbBackend(directory, this.#trial.shards);
      await restoreFlushed(this.#runDir, hadJournal ? base : null, shadow, open);
    }
  }

  /** The clients ask until the process is gone. */
  async #work(life: Life, environment: Record<string, string>): Promise<void> {
    const { ending } = life;
    const most = ending.kind === 'random' ? Number.POSITIVE_INFINITY : ARMED_OPERATIONS;
    const clients = this.#clients(life.durability, most, () => undefined);
    let failure: string | null = null;
    const hanging = setTimeout(() => {
      this.wrong.push(`the process hangs, which was to end with ${describeEnding(ending)}`);
      child.kill();
    }, PROCESS_MAX_MS);
    const child = this.#start(life, environment, (message) => {
      if (message.kind === 'failed') failure = message.code;
      if (message.kind === 'ready') {
        if (ending.kind === 'random') setTimeout(() => child.kill(), ending.afterMs);
        clients.begin(child);
      } else clients.hear(message);
    });
    let missed = false;
    void clients.idle.then(() => {
      missed = true;
      child.kill();
    });
    const { exitCode, signal, errors } = await child.ended;
    clearTimeout(hanging);
    if (ending.kind === 'disk-full' && signal === null) {
      this.endings.push('disk-full');
      if (failure !== 'DISK' && !errors.includes('DISK')) this.wrong.push(`a full disk is ${failure}: ${errors}`);
      if (failure !== null && exitCode !== FAILED) this.wrong.push(`exit ${exitCode} after a full disk: ${errors}`);
      return;
    }
    if (signal !== 'SIGKILL') this.wrong.push(`exit ${exitCode ?? signal}, ${failure}: ${errors}`);
    this.endings.push(missed ? 'missed' : describeEnding(ending));
  }

  #clients(durability: Asked['level'], most: number, onRefused: (code: string) => void): Clients {
    const options = { trial: this.#trial, random: this.#random, history: this.#history };
    return new Clients({ ...options, durability, most, onRefused });
  }

  readonly #kept: check.Kept = (level) => level === 'flushed' || !this.#powerLost;

  #wrongIn(view: JournalView, outside = this.#outside): string[] {
    const { asked } = this.#history;
    return [
      ...check.acknowledgedIsThere(asked, view, this.#kept),
      ...check.nothingTwice(view, BALANCE),
      ...check.wholeGroups(asked, view),
      ...check.inOrder(asked, view),
      ...check.readsArePrefixes(asked, view, this.#kept),
      ...check.actedOnRecorded(view, outsideCalls(outside)),
    ];
  }

  /** What the journal goes through while no process has it. */
  async #betweenLives({ compaction, damage, left }: Life): Promise<void> {
    if (!existsSync(this.#dataFile)) return;
    if (damage !== null) await this.#damage(damage);
    if (compaction === null) return;
    this.#count('compactions');
    if ((await compactOffline(this.#runDir, compaction.killAt)) === 'killed') this.endings.push('compaction');
    if (left === 'flushed-file') this.#losePower(left);
    const view = await viewOf(this.#runDir);
    if (!isDeepStrictEqual(view, this.#seen)) this.wrong.push('a compacted journal reads otherwise');
  }

  async #damage(damage: Damage): Promise<void> {
    const before = this.#seen;
    const { wrong, noticed } = await tryDamaged({
      settings: this.#settingsOf(this.#trial.last),
      damage,
      intact: before,
      judge: (view, outside) => [...this.#wrongIn(view, outside), ...check.neverBack(before, view)],
    });
    this.wrong.push(...wrong);
    this.#count(damage.kind);
    if (noticed) this.#count('damage-noticed');
  }

  #losePower(left: Life['left']): void {
    this.#powerLost = true;
    this.#count('power-loss');
    if (left === 'flushed-file') losePower(this.#dataFile, this.#random);
  }

  async #lookAtKilled(): Promise<void> {
    if (!existsSync(this.#dataFile)) return;
    const view = await viewOf(this.#runDir);
    this.wrong.push(...this.#wrongIn(view));
    this.#compare(view);
    this.#seen = view;
    this.#callsSeen = outsideCalls(this.#outside).length;
  }

  #callsSeen = 0;

  #compare(view: JournalView): void {
    if (!this.#powerLost) this.wrong.push(...check.neverBack(this.#seen, view));
    this.wrong.push(...check.neverAskedAgain(this.#seen, outsideCalls(this.#outside), this.#callsSeen));
  }

  /** What lists are to be reminded of, as far as it is known: they said so, or the journal did. */
  #reminders(): (readonly [list: number, element: string])[] {
    const waiting = new Set([...this.#seen.lists.values()].flatMap(({ reminders }) => reminders));
    return this.#history.asked.flatMap(({ operation, answeredAt, level }) => {
      if (operation.kind !== 'remind') return [];
      const { list, element } = operation;
      return (answeredAt !== null && this.#kept(level)) || waiting.has(element) ? [[list, element] as const] : [];
    });
  }

  /** A process that is left alone: it works, settles and stops, and the journal agrees with what it answers. */
  async #lastLife(): Promise<void> {
    const clients = this.#clients(this.#trial.last.durability, LAST_OPERATIONS, (code) => {
      this.wrong.push(`refused: ${code}`);
      this.#last?.kill();
    });
    const settled = new Promise<void>((resolve, reject) => {
      const child = this.#start(this.#trial.last, {}, (message) => {
        if (message.kind === 'ready') clients.begin(child);
        else if (message.kind === 'settled') resolve();
        else if (message.kind === 'failed') reject(new Error(`the last process failed: ${message.code}`));
        else clients.hear(message);
      });
      this.#last = child;
    });
    const child = this.#last as Child;
    const hanging = setTimeout(() => child.kill(), PROCESS_MAX_MS);
    try {
      const gone = child.ended.then(({ exitCode, signal, errors }) => {
        throw new Error(`the last process ended with ${exitCode ?? signal}: ${errors}`);
      });
      gone.catch(() => undefined);
      await Promise.race([clients.idle, gone]);
      const reminders = this.#reminders();
      child.send({ kind: 'settle', reminders });
      await Promise.race([settled, gone]);
      child.send({ kind: 'stop' });
      const { exitCode, errors } = await child.ended;
      if (exitCode !== 0) this.wrong.push(`stopped with ${exitCode}: ${errors}`);
    } finally {
      clearTimeout(hanging);
      child.kill();
    }
    const view = await viewOf(this.#runDir);
    this.wrong.push(...this.#wrongIn(view));
    this.#compare(view);
    this.wrong.push(...check.allArrived(this.#history.asked, view, this.#kept));
  }

  #last: Child | null = null;
}

export const runListTrial = async (seed: number, canary: Canary | null): Promise<ListTrialResult> => {
  const directory = temporaryDirectory();
  const trial = new Trial(drawListTrial(seed), directory.path, canary);
  try {
    await trial.toTheEnd();
  } catch (error) {
    trial.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await sleep(0);
    directory.cleanUp();
  }
  return { wrong: trial.wrong, endings: trial.endings, counts: trial.counts };
};
