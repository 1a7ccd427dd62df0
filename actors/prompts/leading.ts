/**
 * What Boss and Admins need beyond that: hiring, assigning, waiting. The same text for everybody who leads (P1 of
 * `agent.ts`): what differs is among the facts. What to do when something goes wrong is said in the mail about it.
 */

export const leading = (reviews: boolean): string =>
  [
    '# Leading',
    'Hire where work can really be divided, all that a step needs in one answer: at most `slots`, those that they hire included.',
    'Give each a task to do without asking back: what to produce, in which file of its own, with whom to agree, how you judge it.',
    `Then only wait: ${reviews ? 'a [review] tells you who has handed in' : 'they report by mail'}. When all are finished, bring the results together.`,
  ].join('\n');

/** After the facts of whoever leads planned agents. */
export const LEADS_PLANNED =
  'The `planned` agents know their task, but wait for your word: start them with one `talk`, a message for each.';
