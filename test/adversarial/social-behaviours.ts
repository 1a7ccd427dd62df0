/**
 * How a model may misbehave towards the others of its society: one pure function per kind, as in `behaviours.ts`. They hire
 * teams, let everybody go, review for ever, say nearly the same again, use names that mean something to JavaScript, ask
 * without an end, run programs, and get into each other's files.
 */
import { call, callOr, offers, says, type Behaviour, type Heard, type Said } from './said.ts';
import { between, chance, pick } from './random.ts';

/** Teams without an end; the items may be many, or the same. */
export const teams: Behaviour = (heard) => {
  const { random, words } = heard;
  const count = chance(random, 0.1) ? between(random, 50, 300) : between(random, 1, 6);
  const same = chance(random, 0.3);
  return callOr(heard, 'add_team', {
    name: pick(random, words.newNames),
    description: 'hires teams',
    initial_prompt: `Hire a team of your own. ${words.token}`,
    items: Array.from({ length: count }, (_, index) => (same ? 'the same' : `part ${index} ${words.token}`)),
  });
};

/** Lets everybody go whom it has ever heard of, and hires somebody else now and then. */
export const retiring: Behaviour = (heard) => {
  const { random, answers, words } = heard;
  // Who is to be let go in the middle of something has to begin.
  if (answers === 0 && chance(random, 0.8)) {
    return callOr(heard, 'talk', { messages: [{ to: 'subordinates', content: `Begin. ${words.token}` }] });
  }
  if (!offers(heard, 'retire_agent')) return callOr(heard, 'append_file', { path: 'log.md', content: words.token });
  const members = words.addresses.filter((name) => /^[mr]\d+$/u.test(name));
  const gone = Array.from({ length: between(random, 1, 5) }, () => {
    const names = chance(random, 0.6) ? members : words.addresses;
    return call('retire_agent', { name: pick(random, names), reason: words.token });
  });
  const hired = { name: pick(random, words.newNames), description: 'is next', initial_prompt: 'Work.' };
  return chance(random, 0.3) ? says(...gone, call('add_agent', { ...hired, first_message: 'go' })) : says(...gone);
};

/** Sends back for ever, whoever it is and whatever there is. */
export const reviewing: Behaviour = (heard) => {
  const { random, words } = heard;
  if (!offers(heard, 'review')) return callOr(heard, 'terminate', { summary: `look at it ${words.token}` });
  return says(
    ...Array.from({ length: between(random, 1, 3) }, () =>
      call('review', {
        agent: pick(random, words.addresses),
        verdict: chance(random, 0.85) ? 'revise' : 'accept',
        feedback: `Not good enough. ${words.token}`,
      }),
    ),
  );
};

const NEARLY = [
  'Please send me the report.',
  'please send me the report',
  'Send me  the report, please!',
  'Could you send me the report?',
  'Send me the report.',
];

/** Says the same again and again, and never quite. */
export const nearSame: Behaviour = (heard) => {
  const { random, answers, words } = heard;
  const content = NEARLY[answers % NEARLY.length] ?? '';
  if (chance(random, 0.3)) return { content };
  if (chance(random, 0.5))
    return callOr(heard, 'talk', { messages: [{ to: pick(heard.own, words.addresses), content }] });
  return callOr(heard, 'append_file', { path: 'loop.md', content: ' '.repeat((answers % 3) + 1) });
};

const ODD = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'é',
  'e\u0301',
  'ﬁ',
  '😀',
  '\u202Egnp',
  'prototype',
];

/** Names and paths that mean something to the language, or to whoever compares texts. */
export const oddNames: Behaviour = (heard) => {
  const { random, words } = heard;
  const name = (): string => pick(random, ODD);
  switch (between(random, 0, 6)) {
    case 0:
      return callOr(heard, 'add_agent', {
        name: name(),
        description: name(),
        initial_prompt: `${name()} ${words.token}`,
      });
    case 1:
      return callOr(heard, 'write_file', { path: `${name()}/${name()}.md`, content: `${words.token}${name()}` });
    case 2:
      return callOr(heard, 'talk', {
        messages: [
          { to: name(), content: name() },
          { to: 'group', content: name() },
        ],
      });
    case 3:
      return callOr(heard, 'change_task_status', {
        items: [name(), name()].map((id) => ({ id, text: name(), status: pick(random, ['todo', 'done']) })),
      });
    case 4:
      return says(call('write_file', `{"path":"p.md","content":"${words.token}","__proto__":{"content":7}}`));
    case 5:
      return says(call(name(), { path: name() }), call('append_file', { path: `${name()}.md`, content: words.token }));
    default:
      return callOr(heard, pick(random, ['retire_agent', 'review']), {
        name: name(),
        agent: name(),
        verdict: 'accept',
        feedback: '',
        reason: name(),
      });
  }
};

/** Asks, a person if it may, and does nothing else. */
export const asking: Behaviour = (heard) => {
  const { random, words } = heard;
  const question = chance(random, 0.3) ? 'What shall I do?' : `What shall I do about ${words.token}?`;
  if (offers(heard, 'ask_human') && chance(random, 0.7)) return says(call('ask_human', { question }));
  if (chance(random, 0.5)) return { content: question };
  const to = chance(random, 0.5) ? 'supervisor' : pick(random, words.addresses);
  return callOr(heard, 'talk', { messages: [{ to, content: question }] });
};

/** Runs programs that are not there, or are, talks to them, runs another one, and forgets them. */
export const running: Behaviour = (heard) => {
  const { random, words } = heard;
  const path = pick(random, ['a.py', 'b.mjs', `${heard.agent}.py`, 'none.py', '../x.py']);
  const run = call('run_program', { path, ...(chance(random, 0.3) ? { stdin: words.token } : {}) });
  if (!offers(heard, 'run_program') || chance(random, 0.3)) {
    const content = chance(random, 0.1) ? 'print(1)\n'.repeat(500) : `# ${words.token}\n`;
    return callOr(heard, 'append_file', { path, content });
  }
  const input = pick(random, ['', '', words.token, '\u0003', '\u0004', 'x'.repeat(3_000)]);
  switch (between(random, 0, 4)) {
    case 0:
      return says(call('append_file', { path, content: `# ${words.token}\n` }), run);
    case 1:
      return says(call('append_file', { path, content: '#\n' }), run, run);
    case 2:
      return says(call('send_input', { content: input }));
    case 3:
      return says(run, call('send_input', { content: input }));
    default:
      return callOr(heard, 'terminate', { summary: 'It runs.' });
  }
};

const SHARED = ['a.md', 'b.md', 'truth.md'];

/** Writes into the files of everybody, over what it has not read, and over what has changed since. */
export const colliding: Behaviour = (heard): Said => {
  const { random, words } = heard;
  const path = pick(random, SHARED);
  // The first that it has seen is the oldest.
  const base = chance(random, 0.7) ? (words.bases[0] ?? words.token) : pick(random, [...words.bases, '0'.repeat(40)]);
  const lines = Array.from({ length: between(random, 1, 6) }, (_, index) => `${index} ${words.token}\n`).join('');
  switch (between(random, 0, 4)) {
    case 0:
      return callOr(heard, 'write_file', { path, content: lines });
    case 1:
      return callOr(heard, 'write_file', { path, content: lines, base });
    case 2:
      return callOr(heard, 'edit_file', { path, old: pick(random, ['0 ', '1 ', '\n', words.token]), new: lines });
    case 3:
      return says(call('read_file', { path }), call('append_file', { path, content: lines }));
    default:
      return callOr(heard, 'read_file', { path });
  }
};

/** Talks to the same one or two for ever, each of whom may do the same: circles of two, and of three. */
export const rounds = (heard: Heard): Said => {
  const { own, answers, words } = heard;
  const partners = [pick(own, words.addresses), pick(own, words.addresses)];
  const to = partners[answers % between(own, 1, 2)] ?? 'group';
  // A turn has to end, or nobody would answer.
  if (answers % 2 === 1) return { content: '(waiting) for what they say' };
  return callOr(heard, 'talk', { messages: [{ to, content: `After you. ${words.token}` }] });
};
