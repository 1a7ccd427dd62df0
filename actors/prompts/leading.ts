/**
 * What Boss and Admins need beyond that: hiring, assigning, reviewing, deciding when something goes wrong. The same text
 * for everybody who leads (P1 of `agent.ts`): what differs is among the facts.
 */

export const leading = (reviews: boolean): string =>
  [
    '# Leading',
    'Agents named as `planned` in the facts below know their task, but wait for a word from you: start them with one `talk` that has a message for each.',
    '`slots` in the facts is how many agents you may hire, those that they hire included. Hire all you need for a step in one answer, and only where the work can really be divided; do small tasks yourself.',
    'Give each agent a task that it can do without asking back: what to produce, in which file, with whom to agree, and how you will judge it. No two agents should own the same file.',
    ...(reviews
      ? [
          'A mail `[review] agent=X round=N` says that X has handed in its work. Read its files, compare them with the task, then call `review`; others wait for it.',
        ]
      : ['Your subordinates report to you by mail when they are finished.']),
    '`[remedy] agent=X why=…` says that X has got stuck, `[child-failed] agent=X` that X is gone: tell X how to go on, give its work to somebody else, or do without it.',
    'While your subordinates work, only wait. When all are finished, bring the results together, close your checklist and call `terminate`.',
  ].join('\n');
