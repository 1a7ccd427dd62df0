/** What `doctor --repair` shows: what was kept and what has to be done again. Pure. */
import type { RepairResult } from '../run/repair.ts';
import { count, plural, shellPath } from './render.ts';
import { plainText } from '../society/plain-text.ts';

const AGENTS_SHOWN_MAX = 20;

const shardLines = ({ shards }: RepairResult): string[] =>
  shards
    .filter(({ log, inbox, firstDamage }) => firstDamage !== null || log.dropped + inbox.dropped > 0)
    .map(({ shard, log, inbox, firstDamage }) => {
      const kept = `${count(log.kept)} of ${count(log.kept + log.dropped)} appends`;
      const mail = `${count(inbox.kept)} of ${count(inbox.kept + inbox.dropped)} inbox entries`;
      return `  shard ${shard}: ${kept} and ${mail} kept${firstDamage === null ? '' : `; first damage: ${firstDamage}`}`;
    });

const agentLines = ({ agents }: RepairResult): string[] => {
  const back = agents.filter(({ setBack }) => setBack > 0);
  const steps = back.reduce((sum, { setBack }) => sum + setBack, 0);
  const named = (some: RepairResult['agents'], told: (agent: RepairResult['agents'][number]) => string): string => {
    const more = some.length > AGENTS_SHOWN_MAX ? `, and ${count(some.length - AGENTS_SHOWN_MAX)} more` : '';
    return `${some.slice(0, AGENTS_SHOWN_MAX).map(told).join(', ')}${more}`;
  };
  const lines =
    back.length === 0
      ? ['  no agent was set back']
      : [
          `  set back: ${plural(back.length, 'agent')}, ${plural(steps, 'step')} (${named(back, ({ name, setBack }) => `${plainText(name)} by ${count(setBack)}`)})`,
        ];
  const forgot = agents.filter(({ historyLost }) => historyLost > 0);
  if (forgot.length > 0) lines.push(`  without their history: ${named(forgot, ({ name }) => plainText(name))}`);
  const gone = agents.filter((agent) => agent.gone);
  if (gone.length > 0) lines.push(`  gone: ${named(gone, ({ name }) => plainText(name))}`);
  return lines;
};

const societyLines = ({ society }: RepairResult): string[] => {
  if (society === null) return [];
  const { agents, agentsMax, slotsTaken } = society;
  if (agents > agentsMax) {
    return [
      `  the society has ${count(agents)} agents, and ${count(agentsMax)} are the most: nobody is hired any more`,
    ];
  }
  if (slotsTaken === 0) return [];
  return [
    `  the society has ${count(agents)} of at most ${count(agentsMax)} agents; ${plural(slotsTaken, 'place')} that they have taken already can no longer be hired for`,
  ];
};

const serviceLines = ({ services }: RepairResult): string[] => {
  const { damaged, older, rangesLost } = services;
  if (damaged.length + older.length + rangesLost === 0) return [];
  const unread = rangesLost === 0 ? '' : `, ${plural(rangesLost, 'part')} could not be read`;
  const rows = `${plural(damaged.length, 'row')} damaged${unread}, ${plural(older.length, 'row')} from an older state`;
  return [`  tables of services: ${rows}`];
};

export const repairText = (result: RepairResult, program: string, cwd: string): string => {
  const { runId, runDir, mail, transactionsBack } = result;
  if (!result.repaired) return `The journal of run ${runId} is healthy; nothing was changed.`;
  const how =
    result.from === 'state'
      ? `It went back to a whole state, ${plural(transactionsBack, 'transaction')} older.`
      : 'It was put together from the parts that are intact.';
  const lost = `${count(mail.sentAgain)} dropped mails will be sent again, ${count(mail.lost)} may be lost`;
  return [
    `The journal of run ${runId} was damaged and is repaired. ${how}`,
    ...shardLines(result),
    ...agentLines(result),
    `  mail: ${lost}`,
    ...(mail.doubtful + mail.twice === 0 && mail.exact
      ? []
      : [
          `  of acted-on mail, ${count(mail.doubtful)} dropped in doubt, ${mail.exact ? '' : 'at least '}${count(mail.twice)} will come again`,
        ]),
    ...societyLines(result),
    ...serviceLines(result),
    `  model answers and other kept results: ${count(result.services.results)}; what they are for is not paid again`,
    `  damaged file: ${shellPath(result.damagedDirectory ?? runDir, cwd)}`,
    `  report: ${shellPath(result.reportFile ?? runDir, cwd)}`,
    result.resumable
      ? `Next: ${program} resume ${shellPath(runDir, cwd)}`
      : `Next: ${program} inspect ${shellPath(runDir, cwd)}   (the run had ended: there is nothing to resume)`,
  ].join('\n');
};
