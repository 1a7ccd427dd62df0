/**
 * The smallest playbook: a Boss, a writer, a file that is sent back once. An example for whoever writes one, and a quick test
 * of everything that plays them.
 */
import { waiting, type Decision, type Item, type Playbook, type Progress } from '../../../src/model/index.ts';
import { accepted, handIn, open, play, resultOf, reviews, submit } from '../script.ts';
import { greetingCard } from './card.ts';

const WRITER = 'Writer';
const PATH = 'greeting.md';
const NOTE = '_Scripted: the playbook "greeting" wrote this, no language model did._\n';
const FIRST = `# Greeting\n\nHello.\n\n${NOTE}`;
const SECOND = `# Greeting\n\nHello, world.\n\n${NOTE}`;

const PLAN = {
  goal: greetingCard.goal,
  agents: [
    {
      name: WRITER,
      description: `Writes ${PATH}.`,
      initial_prompt: `Write a greeting to the world into ${PATH}. It is judged by whether it says whom it greets.`,
      supervisor: 'Boss',
      files: [PATH],
    },
  ],
  items: [{ id: 'greeting', text: `A greeting in ${PATH}`, owner: WRITER }],
};

const item = (text: string, evidence: string): Item => ({ id: 'greeting', text, status: 'done', evidence });

const writer = (progress: Progress): Decision => {
  const items = [item(`A greeting in ${PATH}`, PATH)];
  const inFile = (args: Readonly<Record<string, unknown>>): boolean => args['path'] === PATH;
  const base = resultOf(progress, 'read_file', inFile)?.['base'];
  return (
    open(progress, items) ??
    play(progress, [
      () => [{ tool: 'write_file', args: { path: PATH, content: FIRST }, where: inFile }],
      () => (progress.revisions === 0 ? [] : [{ tool: 'read_file', args: { path: PATH } }]),
      () =>
        progress.revisions === 0
          ? []
          : [{ tool: 'write_file', args: { path: PATH, content: SECOND, base }, where: inFile, times: 2 }],
    ]) ??
    handIn(progress, { items, summary: `${PATH} greets the world (scripted).` })
  );
};

const boss = (progress: Progress): Decision => {
  const judged = reviews(progress, (_agent, round) =>
    round === 1 ? { revise: 'It does not say whom it greets.' } : { accept: 'It greets the world.' },
  );
  const started = play(progress, [
    () => [{ tool: 'talk', args: { messages: [{ to: WRITER, content: 'Please write the greeting.' }] } }],
  ]);
  if (judged !== null || started !== null) return judged ?? started ?? waiting('');
  if (!accepted(progress).has(WRITER)) return waiting(`for ${WRITER}`);
  const mayEnd = progress.systemMails('final-review').length > 0;
  const items = [item('The greeting is accepted', PATH)];
  return handIn(progress, { items, summary: `The greeting is in ${PATH} (scripted).`, mayEnd });
};

export const greeting: Playbook = {
  card: greetingCard,
  respond: ({ agent, progress }) => {
    if (agent === '_planner') return submit(progress, PLAN);
    return progress.persona.level === 'Boss' ? boss(progress) : writer(progress);
  },
};
