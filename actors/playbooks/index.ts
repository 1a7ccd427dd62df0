/**
 * The playbooks that come along, by name. Here stand their cards alone, so that a list of them costs nothing; a playbook is
 * loaded by whoever plays it.
 */
import { MegactorError } from '../../src/protocol/errors.ts';
import type { Playbook, PlaybookCard } from '../../src/model/index.ts';
import { gobangCard } from './gobang/card.ts';
import { greetingCard } from './greeting/card.ts';
import { policyCard } from './policy/card.ts';

interface Entry {
  readonly card: PlaybookCard;
  readonly load: () => Promise<Playbook>;
}

const ENTRIES: readonly Entry[] = [
  { card: gobangCard, load: async () => (await import('./gobang/index.ts')).gobang },
  { card: greetingCard, load: async () => (await import('./greeting/index.ts')).greeting },
  { card: policyCard, load: async () => (await import('./policy/index.ts')).policy },
];

export const PLAYBOOKS: readonly PlaybookCard[] = ENTRIES.map(({ card }) => card);

const PREFIX = 'playbook:';

/** The name in `playbook:NAME`; null for every other model. */
export const playbookName = (model: string): string | null =>
  model.startsWith(PREFIX) ? model.slice(PREFIX.length) : null;

/** Whether `model` is a playbook whose agents run programs, where there is a sandbox for them. */
export const hasPrograms = (model: string): boolean =>
  PLAYBOOKS.some(({ name, options }) => model === PREFIX + name && options.programs === true);

const entryOf = (name: string): Entry => {
  const entry = ENTRIES.find(({ card }) => card.name === name);
  if (entry !== undefined) return entry;
  throw new MegactorError('USAGE', `there is no playbook "${name.slice(0, 80)}"`, {
    hint: `There are: ${PLAYBOOKS.map((card) => card.name).join(', ')}.`,
  });
};

/** @throws USAGE, with the names of those there are */
export const playbookCard = (name: string): PlaybookCard => entryOf(name).card;

/** @throws USAGE, with the names of those there are */
export const loadPlaybook = (name: string): Promise<Playbook> => entryOf(name).load();
