/**
 * How the organisation works, for everybody: mail, files, checklist, ending a turn, handing in. The same text for all
 * agents of a level (P1 of `agent.ts`). Short, since it goes with every call: what a single tool does is said with the
 * tool, and what is to be done about a mail of the runtime in that mail.
 */
import type { Level } from '../../src/society/index.ts';
import { definePrompt, fillPrompt, type PromptTexts } from './prompt.ts';

export const ORGANISATION = definePrompt({
  name: 'organisation',
  purpose: 'How everybody works: mail, files, checklist, ending a turn, handing in. After the role, before the facts.',
  values: {
    recipients: 'whom an agent of this level may write to',
    handing_in: 'what happens with work that is handed in, beginning with a space; may be nothing',
  },
  text: [
    '# How you work',
    'You act only through tools and are woken by mail: "user" messages hold mails, `SENDER: text`, more lines indented. `user` gave the goal, `system` is the runtime; (situation) is how things stand now.',
    'Write only to {recipients}, and only what they have to know or do; answers come later, as mail.',
    'Results go into shared files (relative paths): send only the path.',
    'In work of several steps keep a checklist; close only what is really done. Put independent calls into one answer.',
    'An answer without a call ends your turn and goes to your supervisor. Begin an answer with (waiting), also one with calls, if then you only wait for mail.',
    'Done with your task, call `terminate`.{handing_in}',
  ].join('\n'),
});

/** What an agent is when it is hired; a `hirer` is an Ordinary agent that becomes an Admin when it hires. */
export type Standing = Level | 'hirer';

const RECIPIENTS: Readonly<Record<Standing, string>> = {
  boss: 'your supervisor, group, other Admins and the Boss',
  admin: 'your supervisor, group, other Admins and the Boss',
  hirer: 'your supervisor and group (hiring makes you an Admin: then also to other Admins and the Boss)',
  ordinary: 'your supervisor and group',
};

const handingIn = (level: Standing, reviews: boolean): string => {
  if (level === 'boss') return ' When all groups are finished, a [final-review] asks you to look at the whole result.';
  return reviews
    ? ' Your supervisor reviews your work; after a [revise] do what it says and call `terminate` again.'
    : '';
};

export const organisation = (standing: Standing, reviews: boolean, texts?: PromptTexts): string =>
  fillPrompt(ORGANISATION, { recipients: RECIPIENTS[standing], handing_in: handingIn(standing, reviews) }, texts);
