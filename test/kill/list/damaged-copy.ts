/**
 * What a process makes of a journal that a bad disk has damaged; it gets a copy. Either the damage lies where nobody
 * needs anything, or it is noticed: a reader and a process say JOURNAL_DAMAGED, and a process that could not even begin
 * has written nothing. Nobody dies of it, and nobody takes damage for data.
 */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { toMegactorError } from '../../../src/protocol/errors.ts';
import { Child } from './child-process.ts';
import { type Damage, damageFile } from './damage.ts';
import { type JournalView, viewOf } from './history.ts';
import type { ChildSettings } from './wire.ts';

const DAMAGED = 'JOURNAL_DAMAGED';
/** A process that takes longer hangs. */
const PROCESS_MAX_MS = 120_000;

/** A view, or the code of the error instead. */
const look = async (directory: string): Promise<JournalView | string> => {
  try {
    return await viewOf(directory);
  } catch (error) {
    return toMegactorError(error).code;
  }
};

interface Life {
  /** The error that it told; null when it settled and stopped. */
  readonly failure: string | null;
  readonly ready: boolean;
  /** What is wrong with its end. */
  readonly wrong: readonly string[];
}

/** A process that is left alone with the copy until all is quiet. */
const live = async (settings: ChildSettings): Promise<Life> => {
  let failure: string | null = null;
  let ready = false;
  const child = new Child(settings, {}, (message) => {
    if (message.kind === 'failed') failure = message.code;
    else if (message.kind === 'ready') {
      ready = true;
      child.send({ kind: 'settle', reminders: [] });
    } else if (message.kind === 'settled') child.send({ kind: 'stop' });
  });
  const hanging = setTimeout(() => child.kill(), PROCESS_MAX_MS);
  const { exitCode, signal, errors } = await child.ended;
  clearTimeout(hanging);
  // An error that nobody expects is wrong, and so is a process that dies without one.
  const good = failure === null ? exitCode === 0 : failure === DAMAGED && signal === null;
  return { failure, ready, wrong: good ? [] : [`exit ${exitCode ?? signal}, ${failure}: ${errors}`] };
};

export interface DamagedCopy {
  readonly settings: ChildSettings;
  readonly damage: Damage;
  /** What the journal holds. */
  readonly intact: JournalView;
  /** What is wrong with a journal that a process went on with. */
  readonly judge: (view: JournalView, outside: string) => readonly string[];
}

/** @returns what is wrong; `noticed` when anybody said that the copy is damaged */
export const tryDamaged = async (copyOf: DamagedCopy): Promise<{ wrong: string[]; noticed: boolean }> => {
  const { damage, intact, judge } = copyOf;
  const root = `${copyOf.settings.directory}-damaged`;
  const [directory, outside] = [join(root, 'run'), join(root, 'outside')];
  const file = join(directory, 'journal', 'data.mdb');
  cpSync(copyOf.settings.directory, directory, { recursive: true });
  if (existsSync(copyOf.settings.outside)) cpSync(copyOf.settings.outside, outside);
  try {
    damageFile(file, damage);
    const damaged = readFileSync(file);
    const found = await look(directory);
    const { failure, ready, wrong: ended } = await live({ ...copyOf.settings, directory, outside });
    const wrong = [...ended];
    if (typeof found === 'string' ? found !== DAMAGED : !isDeepStrictEqual(found, intact)) {
      wrong.push(`a reader finds ${typeof found === 'string' ? found : 'something else'}`);
    }
    if (failure !== null && !ready && !readFileSync(file).equals(damaged)) wrong.push('the file was written to');
    const after = failure === null ? await look(directory) : DAMAGED;
    if (typeof after !== 'string') wrong.push(...judge(after, outside));
    else if (after !== DAMAGED) wrong.push(`a reader finds ${after} afterwards`);
    const noticed = [found, failure, after].includes(DAMAGED);
    return { wrong: wrong.map((what) => `${damage.kind}: ${what}`), noticed };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};
