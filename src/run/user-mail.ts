/**
 * Mail from the person to an agent, into a live run or into one that nobody works on at the moment. What it does not do:
 * decide which of the two a run is.
 *
 * Invariants: U1 When it resolves, the mail is durable at the run's level. U2 Nothing is delivered to a name that is no
 * agent of the run, or to an agent that will not act any more. H3 An answer is in the mailbox before its question counts
 * as answered: whatever is killed in between, it is not lost. H10 Words about one question, and decisions, are for what their
 * agent has open, or for nobody; a decision without a number is on the only one that waits, and only while nothing moves.
 */
import { z } from 'zod';
import type { Outgoing } from '../journal/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import {
  consentMail,
  oneLine,
  readAnswer,
  systemMail,
  USER,
  wordsOf,
  type AgentMail,
  type CommandArgs,
  type CommandResult,
  type HumanWords,
  type ReadAnswer,
} from '../society/index.ts';
import type { AgentLookup, FoundAgent, OpenQuestion } from '../society/find-agent.ts';

/** As many characters as a long page of instructions has; more belongs into a file of the workspace. */
export const USER_TEXT_CHARS_MAX = 64 * 1024;

const textSchema = z.string().max(USER_TEXT_CHARS_MAX);

export interface PostOffice {
  /** Nobody works on the run: what waits now is what the person has seen. */
  readonly atRest: boolean;
  find(name: string): Promise<AgentLookup>;
  /** Records that the agent got mail, so that it counts as woken. */
  woken(name: string): Promise<unknown>;
  /** Records that the answer to these questions is in the agent's mailbox. */
  answered(args: CommandArgs<'answered'>): Promise<CommandResult<'answered'>>;
  deliver(outgoing: readonly Outgoing[]): Promise<void>;
}

/** @throws USAGE */
export const checkUserText = (text: unknown): string => {
  if (typeof text !== 'string') throw new MegactorError('USAGE', `a message is a text, and this is a ${typeof text}`);
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

/** Of what waits, in an error. */
const LISTED_MAX = 10;

const listOf = (open: readonly OpenQuestion[]): string => {
  const listed = open.slice(0, LISTED_MAX).map(({ id, agent }) => `#${id} of ${agent}`);
  if (open.length > listed.length) listed.push(`${open.length - listed.length} more (\`megactor inspect RUN_DIR\`)`);
  return listed.join(', ');
};

const ANOTHER_WORD = 'Words for the agent that begin like this need another word in front.';

/** What waits for an answer, and for a decision. */
const waiting = (open: readonly OpenQuestion[]): string => {
  const of = (kind: OpenQuestion['kind']): string => listOf(open.filter((question) => question.kind === kind));
  const questions = of('question');
  const decisions = of('approval');
  if (questions === '' && decisions === '') return 'Nothing waits for you.';
  return [
    ...(questions === '' ? [] : [`Waits for an answer: ${questions}.`]),
    ...(decisions === '' ? [] : [`Waits for a decision: ${decisions}.`]),
  ].join(' ');
};

type Asked = Pick<FoundAgent, 'questions'> & Pick<AgentLookup, 'open'> & { readonly name: string };

const answeredAlready = (id: number, { name, open }: Asked): MegactorError =>
  new MegactorError('ALREADY_DECIDED', `question #${id} of ${name} was answered already`, { hint: waiting(open) });

/** Words about one question are for that one, or for nobody. */
const checkNumbered = (number: string, { text, verdict }: HumanWords, asked: Asked): void => {
  const { name, questions, open } = asked;
  const question = questions.find(({ id }) => id === Number(number));
  if (question === undefined) {
    const hint = `${waiting(open)} ${ANOTHER_WORD}`;
    throw new MegactorError('USAGE', `${name} has no question #${number} open`, { hint });
  }
  if (question.answered === true) throw answeredAlready(question.id, asked);
  if (text === '') {
    throw new MegactorError('USAGE', `there is no text after #${number}`, {
      hint: `Say what you answer: "#${number} TEXT".`,
    });
  }
  if (question.kind === 'approval' && verdict === null) {
    throw new MegactorError('USAGE', `#${number} of ${name} waits for a decision, and this is none`, {
      hint: `Say "#${number} approve", "#${number} approve all" or "#${number} deny REASON".`,
    });
  }
};

/** A decision without a number is on the only one that the person can mean. */
const checkUnnumbered = (verdict: 'approve' | 'deny', asked: Asked, atRest: boolean): void => {
  const { name, questions, open } = asked;
  const here = questions.filter(({ kind, answered }) => kind === 'approval' && answered !== true);
  if (here.length === 1 && atRest) return;
  const reason = verdict === 'deny' ? ' REASON' : '';
  const how = here.map(({ id }) => `"#${id} ${verdict}${reason}"`).join(' or ');
  if (here.length > 0) {
    const message = atRest
      ? `${here.length} decisions of ${name} wait: say which one you mean`
      : `the run goes on meanwhile, and ${name} may ask something else: say which decision you mean`;
    throw new MegactorError('USAGE', message, {
      hint: `Read what waits with \`megactor inspect RUN_DIR\`, then say ${how}.`,
    });
  }
  const last = questions.findLast(({ kind }) => kind === 'approval');
  if (last !== undefined) throw answeredAlready(last.id, asked);
  const answer = questions.find(({ answered }) => answered !== true);
  const asAnswer =
    answer === undefined ? '' : ` As an answer to #${answer.id} say "#${answer.id} ${verdict}${reason}".`;
  throw new MegactorError('USAGE', `nothing of ${name} waits for a decision`, {
    hint: `${waiting(open)}${asAnswer} ${ANOTHER_WORD}`,
  });
};

/** What decides on nothing, or names what is not asked, is no mail for the agent. @throws USAGE, ALREADY_DECIDED */
const checkWords = (text: string, asked: Asked, atRest: boolean): void => {
  const words = wordsOf(text);
  if (words.number !== null) checkNumbered(words.number, words, asked);
  else if (words.verdict !== null) checkUnnumbered(words.verdict, asked, atRest);
};

/**
 * Returns the numbers of the questions that the message answers. One call after another: what the one before has answered
 * is not answered again.
 * @throws USAGE, ALREADY_DECIDED, AGENT_NOT_FOUND, RUN_NOT_RUNNING, and what the roster and the journal throw
 */
export const postUserMail = async (office: PostOffice, name: string, text: string): Promise<readonly number[]> => {
  const checked = checkUserText(text);
  const lookup = await office.find(name);
  const { shard, id, questions: asked } = receiverOf(name, lookup);
  checkWords(checked, { name, questions: asked, open: lookup.open }, office.atRest);
  const read = readAnswer(checked, asked);
  if (read.all) return allowAll(office, name, read);
  const body = mailOf(read);
  await office.woken(name);
  await office.deliver([{ shard, entry: { kind: 'mail', mail: { to: id, from: null, type: 'mail', body } } }]);
  const questions = read.questions.map((question) => question.id);
  if (questions.length > 0) await office.answered({ agent: name, questions });
  return questions;
};
