/**
 * Mail from the person to an agent, into a live run or into one that nobody works on at the moment. What it does not do:
 * decide which of the two a run is.
 *
 * Invariants: U1 When it resolves, the mail is durable at the run's level. U2 Nothing is delivered to a name that is no
 * agent of the run, or to an agent that will not act any more. H3 An answer is in the mailbox before its question counts
 * as answered: whatever is killed in between, it is not lost.
 */
import { z } from 'zod';
import type { Outgoing } from '../journal/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import {
  consentMail,
  decidedQuestion,
  oneLine,
  readAnswer,
  systemMail,
  USER,
  type AgentMail,
  type CommandArgs,
  type CommandResult,
  type ReadAnswer,
} from '../society/index.ts';
import type { AgentLookup, FoundAgent } from '../society/find-agent.ts';

/** As many characters as a long page of instructions has; more belongs into a file of the workspace. */
export const USER_TEXT_CHARS_MAX = 64 * 1024;

const textSchema = z.string().max(USER_TEXT_CHARS_MAX);

export interface PostOffice {
  find(name: string): Promise<AgentLookup>;
  /** Records that the agent got mail, so that it counts as woken. */
  woken(name: string): Promise<unknown>;
  /** Records that the answer to these questions is in the agent's mailbox. */
  answered(args: CommandArgs<'answered'>): Promise<CommandResult<'answered'>>;
  deliver(outgoing: readonly Outgoing[]): Promise<void>;
}

/** @throws USAGE */
export const checkUserText = (text: unknown): string => {
  const parsed = textSchema.safeParse(text);
  if (!parsed.success) {
    throw new MegactorError('USAGE', `a message has at most ${USER_TEXT_CHARS_MAX} characters`, {
      hint: 'Put long texts into a file of the workspace and tell the agent its name.',
    });
  }
  if (parsed.data.trim() === '') throw new MegactorError('USAGE', 'the message is empty', { hint: 'Say something.' });
  return parsed.data;
};

const receiverOf = (name: string, { founded, end, agent, near }: AgentLookup): FoundAgent => {
  if (!founded) {
    throw new MegactorError('AGENT_NOT_FOUND', 'the society is still being planned: there are no agents yet', {
      hint: 'Try again when the plan is there.',
    });
  }
  if (agent === null) {
    const hint =
      near.length === 0
        ? undefined
        : `Did you mean ${near.map((candidate) => `"${candidate}"`).join(' or ')}? See the names with \`megactor inspect RUN_DIR\`.`;
    throw new MegactorError('AGENT_NOT_FOUND', `there is no agent called "${name.slice(0, 80)}"`, {
      hint,
      details: { near },
    });
  }
  if (end !== null) {
    throw new MegactorError('RUN_NOT_RUNNING', `the society has ended (${end.status}): nobody reads mail any more`);
  }
  if (agent.status === 'failed' || agent.status === 'retired') {
    throw new MegactorError('AGENT_NOT_FOUND', `${name} no longer works here (${agent.status})`, {
      hint: 'Write to its supervisor or to the Boss.',
    });
  }
  return agent;
};

/** Of a question in its answer: the agent may have forgotten it. */
const QUOTED_CHARS_MAX = 300;

/** The mail that a message becomes. An answer says what was asked; the person's own words are in it as `user: …`. */
const mailOf = ({ questions, text, verdict }: ReadAnswer): AgentMail => {
  if (questions.length === 0) return { from: USER, kind: null, text };
  const human = { questions: questions.map(({ id }) => id), ...(verdict === null ? {} : { verdict, reason: text }) };
  const asked = questions.map((question) => `"${oneLine(question.text, QUOTED_CHARS_MAX)}"`).join(' and ');
  return { ...systemMail('human', `The answer to ${asked}:\nuser: ${text}`), human };
};

/** Allows everything of these kinds from here on, and lets go on who waits for nothing else. */
const allowAll = async (office: PostOffice, name: string, { questions }: ReadAnswer): Promise<readonly number[]> => {
  const grant = [...new Set(questions.flatMap(({ kinds = [] }) => kinds))];
  // Whoever asks from here on is not kept waiting; who is not told before a crash is told at the next quiet moment.
  const { released } = await office.answered({ agent: name, questions: [], grant });
  await office.deliver(
    released.map(({ shard, id, questions: ids }) => ({
      shard,
      entry: { kind: 'mail', mail: { to: id, from: null, type: 'mail', body: consentMail(ids) } },
    })),
  );
  for (const { name: agent, questions: ids } of released) await office.answered({ agent, questions: ids });
  return released.flatMap(({ questions: ids }) => ids);
};

/** A decision on what is not asked, or not any more, is no mail for the agent. @throws USAGE, ALREADY_DECIDED */
const checkDecision = (text: string, name: string, { questions }: FoundAgent): void => {
  const id = decidedQuestion(text);
  const question = questions.find((asked) => asked.id === id);
  if (id === null || (question !== undefined && question.answered !== true)) return;
  if (question !== undefined)
    throw new MegactorError('ALREADY_DECIDED', `question #${id} of ${name} was answered already`);
  throw new MegactorError('USAGE', `${name} has no question #${id} open`, {
    hint: 'See what waits for you with `megactor inspect RUN_DIR`.',
  });
};

/**
 * Returns the numbers of the questions that the message answers. One call after another: what the one before has answered
 * is not answered again.
 * @throws USAGE, ALREADY_DECIDED, AGENT_NOT_FOUND, RUN_NOT_RUNNING, and what the roster and the journal throw
 */
export const postUserMail = async (office: PostOffice, name: string, text: string): Promise<readonly number[]> => {
  const checked = checkUserText(text);
  const receiver = receiverOf(name, await office.find(name));
  checkDecision(checked, name, receiver);
  const { shard, id, questions: asked } = receiver;
  const read = readAnswer(checked, asked);
  if (read.all) return allowAll(office, name, read);
  const body = mailOf(read);
  await office.woken(name);
  await office.deliver([{ shard, entry: { kind: 'mail', mail: { to: id, from: null, type: 'mail', body } } }]);
  const questions = read.questions.map((question) => question.id);
  if (questions.length > 0) await office.answered({ agent: name, questions });
  return questions;
};
