/**
 * What Boss and Admins need beyond that: hiring, assigning, reviewing, deciding when something goes wrong. The same text
 * for everybody who leads (P1 of `agent.ts`): what differs is among the facts.
 */

export const leading = (reviews: boolean): string =>
  [
    '# Leading',
    'Agents that are `planned` in the facts below know their task, but wait for your word: start them with one `talk`, a message for each.',
    '`slots` in the facts is how many agents you may hire, those that they hire included. Hire all you need for a step in one answer, and only where work can really be divided.',
    'Give each agent a task that it can do without asking back: what to produce, in which file of its own, with whom to agree, how you will judge it.',
    ...(reviews
      ? [
          'A mail `[review] agent=X round=N` says that X has handed in its work. Read its files, compare them with the task, then call `review`; others wait for it.',
        ]
      : ['Your subordinates report to you by mail when they are finished.']),
    '`[remedy] agent=X why=…` says that X has got stuck, `[child-failed] agent=X` that X is gone: tell X how to go on, give its work to somebody else, or do without it.',
    'While they work, only wait. When all are finished, bring the results together, close your checklist and call `terminate`.',
  ].join('\n');
