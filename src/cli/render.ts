/**
 * What the user reads: the progress line, the short report, the table of agents, an error. Pure functions from data to
 * text, without colours. They decide nothing.
 */
import { relative, isAbsolute } from 'node:path';
import { hasPrograms } from '../../actors/playbooks/index.ts';
import type { MegactorError } from '../protocol/errors.ts';
import { nameSome } from '../protocol/name-some.ts';
import type {
  Compacted,
  InspectedAgent,
  Inspection,
  PlanDecided,
  Replay,
  RunReason,
  RunSummary,
  SteeringResult,
} from '../run/types.ts';
import { hasEnded, NOTHING_KEPT } from '../run/resumable.ts';
import { MISSING_KINDS, type MissingCount, type MissingKind } from '../society/missing.ts';
import { plainText } from '../society/plain-text.ts';
import { questionLabel } from '../society/questions.ts';
import { EXIT, type RunProgress } from './ports.ts';

/** 12345 → `12,345`, the same in every locale. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/gu, ',');

/** `1 file`, `2 files`; `1 entry`, `2 entries`. */
export const plural = (value: number, noun: string): string => {
  if (value === 1) return `1 ${noun}`;
  return `${count(value)} ${/[^aeiou]y$/u.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
};

/** `0.4 s`, `75 s`, `2 h 05 min`. */
export const duration = (seconds: number): string => {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

/** A path as the user would type it, in quotes when a shell would split or expand it. */
export const shellPath = (path: string, cwd: string): string => {
  const near = relative(cwd, path);
  const shown = near === '' ? '.' : near.startsWith('..') || isAbsolute(near) ? path : near;
  return /^[\w./@%+:,=-]+$/u.test(shown) && !shown.startsWith('-')
    ? shown
    : `'${shown.replaceAll("'", String.raw`'\''`)}'`;
};

export const progressLine = (progress: RunProgress): string =>
  `${duration(progress.wallSeconds).padStart(9)}  ${progress.phase}: ${[
    plural(progress.agents, 'agent'),
    `${plural(progress.modelCalls, 'model call')} (${count(progress.callsInFlight)} in flight)`,
    plural(progress.messages, 'message'),
    plural(progress.files, 'file'),
  ].join(', ')}`;

/** What happened and what to do about it, in one line. */
const toldError = ({ code, message, hint }: Pick<MegactorError, 'code' | 'message' | 'hint'>): string => {
  // Messages of other programs may have several lines; the contract with scripts is one.
  const what = message.trim();
  const stop = /[.!?:]$/u.test(what) ? '' : '.';
  return `${plainText(`${what}${stop} ${hint}`.replace(/\s*\n\s*/gu, ' ').trim())} [${code}]`;
};

export const errorText = (error: MegactorError): string => `megactor: ${toldError(error)}`;

const REASONS: Partial<Record<RunReason, string>> = {
  done: 'the work was done',
  interrupted: 'interrupted by you',
  'paused-by-user': 'paused by you',
  'stopped-by-user': 'stopped by you',
  'budget-calls': 'the budget of model calls is spent',
  'budget-tokens': 'the token budget is spent',
  'budget-usd': 'the money budget is spent',
  deadline: 'the deadline has passed',
  quota: 'the quota of the model account is used up',
  'wrong-key': 'the model server refused the key',
  'human-questions': 'only questions to you are open',
  'model-unreachable': 'the model cannot be used, or its server cannot be reached',
  'boss-failed': 'the Boss failed',
  'journal-damaged': 'the journal is damaged',
  disk: 'the disk refused a write',
  internal: 'a defect of Megactor',
};

/** What is missing, by kind, with the first few of each. */
const MISSING: Readonly<Record<MissingKind, (number: number) => string>> = {
  failed: (number) => `${plural(number, 'agent')} failed`,
  'never-woken': (number) => `${plural(number, 'agent')} never woken`,
  unfinished: (number) => `${plural(number, 'agent')} unfinished`,
  'not-reviewed': (number) => `${plural(number, 'agent')} not reviewed`,
  'open-items': (number) => `${plural(number, 'agent')} with open items`,
  'dropped-items': (number) => `${plural(number, 'agent')} with items of the plan dropped`,
  'waits-for-person': (number) => `${plural(number, 'agent')} waiting for you`,
  'waits-for-budget': (number) => `${plural(number, 'agent')} waiting for more of a budget`,
  'missing-file': (number) => `${plural(number, 'file')} missing`,
  'failed-check': (number) => `${plural(number, 'file')} accepted with a failed check`,
};

const missingTexts = (
  missing: RunSummary['missing'],
  text: (kind: MissingKind, counted: MissingCount) => string,
): string =>
  MISSING_KINDS.flatMap((kind) => {
    const counted = missing[kind];
    return counted === undefined ? [] : [text(kind, counted)];
  }).join(', ');

/** `2 files missing (a.md, b.md)`. */
const missingText = ({ missing }: RunSummary): string =>
  missingTexts(missing, (kind, { count: number, first }) => {
    const rest = number > first.length ? ` and ${count(number - first.length)} more` : '';
    return `${MISSING[kind](number)} (${first.join(', ')}${rest})`;
  });

/** How a run ended that did: what was approved, and what of. */
const doneText = ({ finalReview, missing, plan }: RunSummary): string => {
  if (plan !== undefined) return 'a plan was made, and nobody was hired';
  const without = missingTexts(missing, (kind, { count: number }) => MISSING[kind](number));
  if (finalReview !== 'approved') {
    return `the work has ended, and nobody approved it${without === '' ? '' : `: ${without}`}`;
  }
  return without === '' ? 'all work was done and approved' : `approved with ${without}`;
};

const reasonText = (reason: RunReason): string =>
  REASONS[reason] ??
  (reason.startsWith('limit-') ? `the limit of ${reason.slice('limit-'.length)} was reached` : reason);

export const exitCodeOf = (summary: RunSummary): number => {
  switch (summary.status) {
    case 'completed':
      return EXIT.completed;
    case 'paused':
      return EXIT.paused;
    case 'failed':
    case 'stopped':
      return EXIT.failed;
    default:
      return summary.status satisfies never;
  }
};

const ROLE: Record<InspectedAgent['level'], string> = { boss: 'Boss', admin: 'Admin', ordinary: 'Ordinary' };

const troubleOf = (summary: RunSummary): string => {
  const remedies = Object.entries(summary.remedies).filter(([, times]) => times > 0);
  const trouble = [
    ...remedies.map(([name, times]) => `${count(times)} × ${name}`),
    ...(
      [
        [summary.nudges, 'nudge'],
        [summary.restarts, 'restart'],
        [summary.deadLetters, 'dead letter'],
        [summary.repeatedCalls, 'repeated call'],
      ] as const
    )
      .filter(([value]) => value > 0)
      .map(([value, noun]) => plural(value, noun)),
    ...(summary.neverWoken > 0 ? [`${plural(summary.neverWoken, 'agent')} never woken`] : []),
  ];
  return trouble.length === 0 ? 'none' : trouble.join(', ');
};

export const UNPROTECTED_NOTE = 'unprotected (--sandbox none): they run as you, and reach what you reach';
/** Of a playbook that has programs, in a run that had none. */
export const NO_PROGRAMS_NOTE =
  'none: the programs of this playbook were not run (`doctor` says whether a sandbox works here)';

/** What has to be said of a run that has ended, beside its figures: where its text is from, what its programs ran in. */
export const caveatsOf = ({ synthetic, model, sandbox }: RunSummary): readonly (readonly [string, string])[] => [
  ...(synthetic ? [['text', syntheticNote(model)] as const] : []),
  ...(sandbox === 'none' ? [['sandbox', `none: programs are ${UNPROTECTED_NOTE}`] as const] : []),
  ...(sandbox === undefined && hasPrograms(model) ? [['sandbox', NO_PROGRAMS_NOTE] as const] : []),
];

/** Who wrote the text of a run that no language model wrote. */
export const syntheticNote = (model: string): string => {
  const playbook = /^playbook:(?<name>.+)$/u.exec(model)?.groups?.['name'];
  if (playbook === undefined) return 'synthetic: a rehearsal wrote it, no language model did';
  return `scripted: the playbook "${playbook}" wrote it, no language model did`;
};

/** What somebody had put where files of the run belong, and where it is now. */
const movedText = (displaced: readonly string[]): string =>
  `${nameSome(displaced)}: what was there and not the run's is in .git/megactor/displaced now`;

/** The report in short. */
export const summaryText = (summary: RunSummary, cwd: string): string => {
  const { agentsByLevel: levels, tokens } = summary;
  const { error, displaced } = summary;
  const rows: readonly (readonly [string, string])[] = [
    ...(error === undefined ? [] : [['error', toldError(error)] as const]),
    [
      'agents',
      `${count(summary.agents)}: ${levels.boss} Boss, ${plural(levels.admin, 'Admin')}, ${count(levels.ordinary)} Ordinary`,
    ],
    [
      'model',
      `${summary.model}: ${plural(summary.modelCalls, 'call')}, ${count(tokens.input)} tokens in ` +
        `(${count(tokens.cachedInput)} cached), ${count(tokens.output)} out, ` +
        (summary.costUsd === null ? 'no price known' : `${summary.costUsd.toFixed(2)} USD`),
    ],
    [
      'work',
      `${plural(summary.files, 'file')} in ${plural(summary.commits, 'commit')}, ` +
        `${plural(summary.messages, 'message')}, ${plural(summary.turns, 'turn')}, ${plural(summary.steps, 'step')}`,
    ],
    ['reviews', `${count(summary.reviews.accept)} accepted, ${count(summary.reviews.revise)} sent back`],
    ...(Object.keys(summary.missing).length === 0 ? [] : [['missing', missingText(summary)] as const]),
    ['trouble', troubleOf(summary)],
    ['seed', String(summary.seed)],
    ['files', shellPath(summary.workspace, cwd)],
    ...(displaced === undefined ? [] : [['moved', movedText(displaced)] as const]),
    ['report', shellPath(`${summary.runDir}/report.md`, cwd)],
    ...caveatsOf(summary),
  ];
  const head = `Run ${summary.runId} ${summary.status} after ${duration(summary.wallSeconds)}: ${summary.reason === 'done' ? doneText(summary) : reasonText(summary.reason)}.`;
  return [head, ...rows.map(([name, text]) => `  ${name.padEnd(8)}${plainText(text)}`)].join('\n');
};

/** What to try next: three commands that fit how the run ended, fewer where it kept no journal. */
export const nextCommands = (summary: RunSummary, program: string, cwd: string): string => {
  const runDir = shellPath(summary.runDir, cwd);
  const inspect = [`${program} inspect ${runDir}`, 'every agent: state, mail, checklist'] as const;
  const history = [`git -C ${shellPath(summary.workspace, cwd)} log --stat`, 'who wrote what, and when'] as const;
  const report = [`cat ${shellPath(`${summary.runDir}/report.md`, cwd)}`, 'the whole report'] as const;
  const resume = [`${program} resume ${runDir}`, 'go on where this run paused'] as const;
  const again = [resume[0], 'go on where it failed, once the cause is gone'] as const;
  const repair = [`${program} doctor --repair ${runDir}`, 'repair the journal, then resume'] as const;
  const real = [`${program} run "…" --model openai:NAME`, 'the same with a real model'] as const;
  const plan = shellPath(`${summary.runDir}/plan.json`, cwd);
  const start = [`${program} run "…" --plan ${plan}`, 'start with this plan, after changing it as you like'] as const;
  const rows =
    summary.plan !== undefined
      ? [start, [`cat ${plan}`, 'the plan as it is checked'] as const]
      : summary.durability === 'none'
        ? [history, report, ...(summary.synthetic && summary.status === 'completed' ? [real] : [])]
        : summary.status === 'paused'
          ? [resume, inspect, history]
          : !hasEnded(summary)
            ? [summary.reason === 'journal-damaged' ? repair : again, inspect, report]
            : summary.synthetic && summary.status === 'completed'
              ? [inspect, history, real]
              : [inspect, history, report];
  const width = Math.max(...rows.map(([command]) => command.length));
  const lost = summary.plan === undefined && summary.durability === 'none' && !hasEnded(summary) ? [NOTHING_KEPT] : [];
  return [...lost, 'Next:', ...rows.map(([command, why]) => `  ${command.padEnd(width)}  ${why}`)].join('\n');
};

const checklistText = ({ checklist }: InspectedAgent): string =>
  checklist.open + checklist.closed === 0 ? '-' : `${checklist.closed}/${checklist.open + checklist.closed}`;

/** What waits for an answer or for consent; of that, all that would be done. */
const questionsText = ({ agents, questions }: Inspection): readonly string[] => {
  const asked =
    questions ?? agents.flatMap(({ name, questions: own = [] }) => own.map((one) => ({ agent: name, ...one })));
  return asked.map((question) => {
    const { agent, kind, text, answered } = question;
    const what = kind === 'approval' ? 'waits for consent' : 'asks';
    const state = answered === true ? ' (answered, not read yet)' : '';
    return `  ${questionLabel(question)} ${agent} ${what}${state}: ${plainText(text)
      .split(/\r\n|[\n\r\u0085\u2028\u2029]/u)
      .join('\n    ')}`;
  });
};

const questionsTitle = ({ status }: Inspection): string =>
  status === 'completed' || status === 'stopped'
    ? 'Questions that you were asked, and that nobody reads an answer to any more:'
    : 'Questions to you:';

/** The table of agents. */
export const inspectionText = (inspection: Inspection): string => {
  const head = ['agent', 'level', 'state', 'mail', 'done', 'turns', 'calls'];
  const rows = inspection.agents.map((agent) => [
    plainText(agent.name),
    ROLE[agent.level],
    agent.state,
    count(agent.mail),
    checklistText(agent),
    count(agent.turns),
    count(agent.calls),
  ]);
  // A loop rather than a spread: a run may have more agents than a call takes arguments.
  const widths = head.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const questions = questionsText(inspection);
  return [
    `Run ${inspection.runId}: ${inspection.status}, ${plural(inspection.agents.length, 'agent')}, log ${inspection.logHash}`,
    line(head),
    ...rows.map(line),
    ...(questions.length === 0 ? [] : [questionsTitle(inspection), ...questions]),
  ].join('\n');
};

/** `512 bytes`, `1.4 MB`. */
const bytesText = (bytes: number): string =>
  bytes < 1_000_000 ? plural(bytes, 'byte') : `${(bytes / 1_000_000).toFixed(1)} MB`;

/** What a replay came to, in a paragraph. */
export const replayText = ({ entries, logHash, diverged }: Replay): string => {
  if (diverged === null) {
    return `Replayed: ${plural(entries, 'entry')}, and every step came to what the journal has. The log is ${logHash}.`;
  }
  const { shard, position, actor, step, what, path, expected, actual } = diverged;
  const place = path === '' ? what : `${what}, at ${path}`;
  return plainText(
    `The replay differs: after ${plural(entries, 'entry')}, step ${step} of ${actor} (shard ${shard}, position ${position}) ` +
      `came to another ${place}. The journal has ${expected}, and the replay came to ${actual}.`,
  );
};

/** What a compaction did, in two sentences. */
export const compactedText = ({ runId, bytesBefore, bytesAfter, cut }: Compacted): string =>
  `The journal of run ${runId} has ${bytesText(bytesAfter)} and had ${bytesText(bytesBefore)}. ` +
  `${plural(cut.appends, 'append')} of its logs and ${plural(cut.arrivals, 'message')} that had been read were cut.`;

/** What becomes of a plan that was decided on. */
const decidedText = ({ plan, verdict, another }: PlanDecided, isRunning: boolean): string => {
  const when = isRunning ? 'now' : 'when the run goes on';
  const label = questionLabel({ id: 0, plan });
  if (verdict === 'approve') return `The plan ${label} is approved: its agents are hired ${when}`;
  return another
    ? `The plan ${label} is refused: another one is made ${when}, and shown to you`
    : `The plan ${label} is refused, and it was the last one: the run ends as failed ${isRunning ? 'now' : 'when it is resumed'}`;
};

/** What became of `tell`, `pause` and `stop`, in a sentence. */
export const steeringText = (result: SteeringResult): string => {
  const { runId, command, status, reason, agent } = result;
  if (command === 'tell') {
    if (result.decided !== undefined) {
      return `${decidedText(result.decided, status === 'running')} (run ${runId} is ${status}).`;
    }
    const when = status === 'running' ? 'at its next turn' : 'when the run goes on';
    const { answers = [] } = result;
    const what = answers.length === 0 ? '' : `It answers ${answers.map((id) => `#${id}`).join(', ')}. `;
    return `${what}${plainText(agent ?? '')} reads it ${when} (run ${runId} is ${status}).`;
  }
  if (status === 'running') return `Run ${runId} was asked to ${command} and is still finishing its calls.`;
  const wanted = command === 'pause' ? 'paused' : 'stopped';
  if (status === wanted) return `Run ${runId} is ${status}.`;
  return `Run ${runId} had ended before it could ${command}: ${status}${reason === null ? '' : `, ${reasonText(reason)}`}.`;
};
