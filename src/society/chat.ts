/**
 * Chat policy: who may write to whom. Own group (supervisor, subordinates, those with the same supervisor); Admins also
 * other Admins and the Boss. A refusal says whom to ask instead. Pure functions over a view of the roster.
 *
 * Invariant F1: an Ordinary agent's mail never leaves its group.
 */
import { BOSS } from './names.ts';
import { fail, type ToolFailure } from './tool-result.ts';

/** What the policy needs to know of an agent. */
export interface Member {
  readonly name: string;
  /** Null for the Boss. */
  readonly supervisor: string | null;
  readonly subordinates: readonly string[];
  /** Has hired: leads a group. */
  readonly admin: boolean;
  /** False once it was retired or has failed for good. */
  readonly reachable: boolean;
}

export type Lookup = (name: string) => Member | undefined;

export const ADDRESS_GROUPS = ['group', 'supervisor', 'subordinates'] as const;

const leads = (member: Member): boolean => member.name === BOSS || member.admin;

/** Null when `sender` may write to `receiver`, else why not and whom to ask. */
export const chatRefusal = (sender: Member, receiver: Member): ToolFailure | null => {
  if (sender.name === receiver.name) {
    return fail('NOT_ALLOWED', 'You cannot write to yourself.', 'Go on with your work, or write to somebody else.');
  }
  if (!receiver.reachable) {
    const mayAsk = leads(sender) || sender.supervisor === receiver.supervisor;
    const instead = (mayAsk ? receiver.supervisor : sender.supervisor) ?? BOSS;
    const hint =
      instead === sender.name
        ? 'It was under you: give its work to somebody else, or do without.'
        : `Write to ${instead} instead.`;
    return fail('NOT_FOUND', `${receiver.name} no longer works here.`, hint);
  }
  const sameGroup = sender.supervisor !== null && sender.supervisor === receiver.supervisor;
  const above = sender.supervisor === receiver.name;
  const below = receiver.supervisor === sender.name;
  if (sameGroup || above || below || (leads(sender) && leads(receiver))) return null;
  const own = sender.supervisor ?? BOSS;
  // The supervisor of an outsider is the way in for those who lead; everybody else goes up.
  const instead = leads(sender) ? (receiver.supervisor ?? own) : own;
  return fail(
    'NOT_ALLOWED',
    `${receiver.name} is outside your group.`,
    `Write to ${instead} instead and say what ${receiver.name} should know.`,
  );
};

const groupOf = (sender: Member, lookup: Lookup): readonly string[] => {
  const supervisor = sender.supervisor === null ? undefined : lookup(sender.supervisor);
  const peers = supervisor?.subordinates ?? [];
  const names = [...(supervisor === undefined ? [] : [supervisor.name]), ...peers, ...sender.subordinates];
  return [...new Set(names)].filter((name) => name !== sender.name && lookup(name)?.reachable === true);
};

export interface Resolved {
  readonly ok: true;
  /** Names of the receivers of each message, in the order of the messages. */
  readonly receivers: readonly (readonly string[])[];
}

const resolveOne = (sender: Member, to: string, lookup: Lookup): readonly string[] | ToolFailure => {
  if (to === 'supervisor') {
    return sender.supervisor === null
      ? fail('NOT_FOUND', 'You have no supervisor.', 'Write to your subordinates by name.')
      : [sender.supervisor];
  }
  if (to === 'group' || to === 'subordinates') {
    const names =
      to === 'group' ? groupOf(sender, lookup) : sender.subordinates.filter((name) => lookup(name)?.reachable === true);
    return names.length > 0
      ? names
      : fail('NOT_FOUND', `There is nobody in "${to}".`, 'Write to an agent by its name, or to "supervisor".');
  }
  const receiver = lookup(to);
  if (receiver === undefined) {
    const known = groupOf(sender, lookup).slice(0, 12).join(', ');
    return fail(
      'NOT_FOUND',
      `There is no agent called "${to.slice(0, 80)}".`,
      known === '' ? 'Hire an agent first, or write to "supervisor".' : `You can write to: ${known}.`,
    );
  }
  return chatRefusal(sender, receiver) ?? [to];
};

/** All or nothing: the receivers of every message, or the first refusal. */
export const resolveReceivers = (
  sender: Member,
  addresses: readonly string[],
  lookup: Lookup,
): Resolved | ToolFailure => {
  const receivers: (readonly string[])[] = [];
  for (const to of addresses) {
    const names = resolveOne(sender, to, lookup);
    if (!Array.isArray(names)) {
      const failure = names as ToolFailure;
      return addresses.length === 1
        ? failure
        : fail(failure.error.code, `${failure.error.message} No message was sent.`, failure.error.hint, { to });
    }
    receivers.push(names as readonly string[]);
  }
  return { ok: true, receivers };
};
