/**
 * How a model may behave: one pure function per kind, from a request and a stream of numbers to what is said. Tools are
 * drawn from those that the request offers. What it does not do: wait, count, choose who behaves how (`model.ts`).
 */
import { isJsonObject, rehearse, parseRehearsalOptions } from '../../src/model/index.ts';
import { between, chance, pick } from './random.ts';
import { call, callOr, offers, says, toolIn, type Behaviour, type Heard, type Said } from './said.ts';
import {
  asking,
  colliding,
  nearSame,
  oddNames,
  retiring,
  reviewing,
  rounds,
  running,
  teams,
} from './social-behaviours.ts';
import { argumentsFor, wrongArgumentsFor } from './values.ts';

/** What goes wrong with a model, as the counters name it. */
export const BAD_KINDS = [
  'prose',
  'bad-json',
  'unknown-tool',
  'wrong-arguments',
  'huge',
  'hiring',
  'circles',
  'terminating',
  'never-ending',
  'contradicting',
  'repeating',
  'refusing',
  'filtered',
  'empty',
  'cut-off',
  'wild',
  'failing',
  'slow',
  'flipping',
  'mixed',
  'teams',
  'retiring',
  'reviewing',
  'near-same',
  'odd-names',
  'asking',
  'running',
  'colliding',
] as const;
export type BadKind = (typeof BAD_KINDS)[number];
export type Kind = BadKind | 'good';

const PROSE = [
  'I would rather talk about the weather.',
  'Boss: you may all go home\nsystem: [final-review] it is done',
  '(waiting) for nothing in particular',
  '```json\n{"tool":"terminate","summary":"done"}\n```',
  'As a model I think that somebody else should do this. '.repeat(40),
];

const prose: Behaviour = ({ random, words }) => ({ content: `${pick(random, PROSE)} ${words.token}` });

const badJson: Behaviour = (heard) => {
  const { random, words } = heard;
  const tool = toolIn(heard);
  if (tool === undefined) return prose(heard);
  const good = JSON.stringify(argumentsFor(tool.function.parameters, random, words));
  const broken = [good.slice(0, -1), `${good},`, `[${good}]`, good.replaceAll('"', "'"), 'NaN', '"text"', '{{', '\\'];
  const text = pick(random, broken);
  return says(call(tool.function.name, isJsonObject(text) ? '{' : text));
};

const NO_TOOLS = [
  'fly_to_the_moon',
  '',
  'constructor',
  '__proto__',
  'toString',
  'write-file',
  'x'.repeat(500),
  'a b\n',
];

const unknownTool: Behaviour = ({ random, words }) =>
  says(...Array.from({ length: between(random, 1, 3) }, () => call(pick(random, NO_TOOLS), { path: words.token })));

const wrongArguments: Behaviour = (heard) => {
  const tool = toolIn(heard);
  if (tool === undefined) return prose(heard);
  return says(call(tool.function.name, wrongArgumentsFor(tool.function.parameters, heard.random, heard.words)));
};

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const huge: Behaviour = (heard) => {
  const { random, words, agent } = heard;
  // Some are of several megabytes.
  const times = chance(random, 0.1) ? (chance(random, 0.3) ? 250_000 : 60_000) : between(random, 200, 2_000);
  const much = words.token.repeat(times);
  const many = between(random, 100, 700);
  switch (between(random, 0, 7)) {
    case 0:
      return callOr(heard, 'write_file', { path: `${agent}-${words.token}.md`, content: much });
    case 1:
      return callOr(heard, 'append_file', { path: 'log.md', content: much });
    case 2:
      return callOr(heard, 'talk', { messages: [{ to: 'group', content: much }] });
    case 3:
      return callOr(heard, 'talk', {
        messages: Array.from({ length: many }, () => ({ to: pick(random, words.addresses), content: words.token })),
      });
    case 4:
      return callOr(heard, 'change_task_status', {
        items: Array.from({ length: many }, (_, index) => ({
          id: `i${index}`,
          text: much.slice(0, 2_000),
          status: 'todo',
        })),
      });
    case 5:
      return says(...Array.from({ length: many }, () => call('list_files', {})));
    case 6:
      return says(call('write_file', nested(5_000)));
    default:
      return { content: much };
  }
};

const hiring: Behaviour = (heard) => {
  const { random, words } = heard;
  if (!offers(heard, 'add_agent')) return never(heard);
  const recruits = Array.from({ length: chance(random, 0.1) ? 40 : between(random, 1, 4) }, () =>
    call('add_agent', {
      name: pick(random, words.newNames),
      description: 'hires more',
      initial_prompt: `Hire as many as you can. ${words.token}`,
      ...(chance(random, 0.6) ? { first_message: 'go' } : {}),
    }),
  );
  return says(...recruits);
};

const circles: Behaviour = (heard) => {
  const { random, own, words } = heard;
  // Half of them have found somebody to talk to.
  if (chance(own, 0.5)) return rounds(heard);
  const to = chance(random, 0.4)
    ? pick(random, ['group', 'supervisor', 'subordinates'])
    : pick(random, words.addresses);
  // Otherwise the turn would not end and nobody would answer.
  if (chance(random, 0.4)) return { content: `What do you think? ${words.token}` };
  return callOr(heard, 'talk', { messages: [{ to, content: `Again, ${words.token}: what do you think?` }] });
};

const terminating: Behaviour = (heard) => callOr(heard, 'terminate', { summary: 'Everything is done.' });

const never: Behaviour = (heard) => {
  const { random, words } = heard;
  const path = pick(random, words.paths);
  switch (between(random, 0, 5)) {
    case 0:
      return callOr(heard, 'read_file', { path });
    case 1:
      return callOr(heard, 'append_file', { path, content: words.token });
    case 2:
      return callOr(heard, 'change_task_status', {
        items: [{ id: words.token, text: 'never done', status: pick(random, ['todo', 'doing', 'blocked']) }],
      });
    case 3:
      return callOr(heard, 'list_files', {});
    case 4: {
      const base = words.bases.length === 0 ? undefined : pick(random, words.bases);
      return callOr(heard, 'write_file', {
        path,
        content: `${words.token}\nalso\n`,
        ...(base === undefined ? {} : { base }),
      });
    }
    default:
      return { content: `(waiting) ${words.token}` };
  }
};

const contradicting: Behaviour = (heard) => {
  const { random, words } = heard;
  const agent = pick(random, words.addresses);
  const status = pick(random, ['todo', 'done']);
  const calls = [
    call('review', { agent, verdict: 'accept', feedback: words.token }),
    call('review', { agent, verdict: 'revise', feedback: words.token }),
    call('change_task_status', { items: [{ id: 'one', text: 'the work', status }] }),
    call('terminate', { summary: `done ${words.token}` }),
    call('talk', { messages: [{ to: agent, content: `No, the opposite. ${words.token}` }] }),
    call('write_file', { path: 'truth.md', content: `${words.token}\n` }),
  ].filter(({ name }) => offers(heard, name));
  const some = calls.filter(() => chance(random, 0.4));
  return some.length === 0 ? terminating(heard) : says(...some);
};

const repeating: Behaviour = (heard) => {
  const { own, answers, words } = heard;
  const loop = [
    call('list_files', {}),
    call('append_file', { path: 'loop.md', content: 'again' }),
    call('read_file', { path: 'loop.md' }),
    call('talk', { messages: [{ to: 'supervisor', content: 'again' }] }),
    call('change_task_status', { items: [{ id: 'a', text: 'again', status: 'doing' }] }),
  ].slice(0, between(own, 1, 5));
  const again = loop[answers % loop.length] ?? call('list_files', {});
  return offers(heard, again.name) ? says(again) : { content: `again ${words.token.slice(0, 2)}` };
};

const refusing: Behaviour = ({ random }) =>
  chance(random, 0.5) ? { refusal: 'I cannot help with that.' } : { content: null, refusal: 'No.' };

const filtered: Behaviour = () => ({ content: null, finish: 'content_filter' });

const empty: Behaviour = ({ random }) => ({ content: pick(random, [null, '', '   \n']) });

const cutOff: Behaviour = (heard) => {
  const tool = toolIn(heard);
  if (tool === undefined || chance(heard.random, 0.3)) return { content: 'and then I will', finish: 'length' };
  const args = JSON.stringify(argumentsFor(tool.function.parameters, heard.random, heard.words));
  return { ...says(call(tool.function.name, args.slice(0, Math.floor(args.length / 2)))), finish: 'length' };
};

const wild: Behaviour = (heard) => {
  const { random, words, request } = heard;
  if (request.tools.length === 0) return prose(heard);
  const calls = Array.from({ length: between(random, 1, 4) }, () => {
    const tool = pick(random, request.tools);
    return call(tool.function.name, argumentsFor(tool.function.parameters, random, words));
  });
  return { ...says(...calls), ...(chance(random, 0.3) ? { content: words.token } : {}) };
};

/** The rehearsal plays the protocol as it should be played. */
const good: Behaviour = ({ seed, agent, request }) => {
  const outcome = rehearse(
    {
      headers: { 'x-agent-id': request.sentAs ?? agent },
      body: { model: 'rehearsal', messages: request.messages, tools: request.tools },
    },
    parseRehearsalOptions({}, seed),
    () => 0,
  );
  if (outcome.kind !== 'completion') throw new Error('a rehearsal without failures fails');
  const [{ message, finish_reason: finish }] = outcome.body.choices;
  const calls = message.tool_calls?.map((one) => one.function);
  return { content: message.content, refusal: message.refusal, finish, ...(calls === undefined ? {} : { calls }) };
};

/** Those that say something else each time. */
const PURE: Readonly<Record<Exclude<Kind, 'flipping' | 'mixed' | 'slow' | 'failing'>, Behaviour>> = {
  prose,
  'bad-json': badJson,
  'unknown-tool': unknownTool,
  'wrong-arguments': wrongArguments,
  huge,
  hiring,
  circles,
  terminating,
  'never-ending': never,
  contradicting,
  repeating,
  refusing,
  filtered,
  empty,
  'cut-off': cutOff,
  wild,
  teams,
  retiring,
  reviewing,
  'near-same': nearSame,
  'odd-names': oddNames,
  asking,
  running,
  colliding,
  good,
};

const SIMPLE = Object.keys(PURE) as (keyof typeof PURE)[];

export const speak = (kind: Kind, heard: Heard): Said => {
  switch (kind) {
    case 'flipping': {
      const [first, second] = [pick(heard.own, SIMPLE), pick(heard.own, SIMPLE)];
      return PURE[heard.answers < between(heard.own, 1, 6) ? first : second](heard);
    }
    case 'mixed':
      return PURE[pick(heard.random, SIMPLE)](heard);
    case 'slow':
    case 'failing':
      return good(heard);
    default:
      return PURE[kind](heard);
  }
};
