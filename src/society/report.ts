/**
 * The report of a run: the rows of `report.json` and the text of `report.md`, from plain data. What it does not do:
 * read the journal, the roster or the workspace, or write files.
 */
import { plainText } from './plain-text.ts';
import { questionLabel, type ReportQuestion } from './questions.ts';
import { LOOKED_FILES_MAX } from './look.ts';
import { everythingMissing, type Missing } from './missing.ts';
import { USER } from './names.ts';
import type { RosterRow, RosterSummary } from './roster-view.ts';

/** A file as the workspace knows it. */
export interface ReportFileInput {
  readonly path: string;
  readonly commit: string | null;
  readonly author: string;
  /** Blob id of its content. */
  readonly base?: string;
}

export type GroupVerdict = RosterRow['verdict'];

/**
 * `approved`: by the Boss after the final review. `reassigned`: the Boss gave its author's work back, and has not approved
 * since. `unapproved`: the run ended without approval. `none`: so it did, and reviews are off.
 */
export type SystemVerdict = 'approved' | 'reassigned' | 'unapproved' | 'none';

export interface ReportFile {
  readonly path: string;
  readonly commit: string | null;
  readonly author: string;
  /** `unreviewed`: changed, or written, after its author's work was accepted. `user`: the person's own. */
  readonly groupVerdict: GroupVerdict | 'unreviewed' | 'user' | 'unknown';
  readonly systemVerdict: SystemVerdict;
}

export interface ReportAgent {
  readonly name: string;
  readonly level: RosterRow['level'];
  readonly supervisor: string | null;
  readonly status: RosterRow['status'];
  readonly verdict: GroupVerdict;
  readonly checklist: RosterRow['checklist'];
  /** Items that were left out of its checklist without being done. */
  readonly dropped: number;
  readonly summary: string | null;
}

export interface SocietyReport {
  readonly goal: string;
  /** True when no language model wrote the texts. */
  readonly synthetic: boolean;
  readonly finalReview: RosterSummary['finalReview'];
  /** Each time the Boss was asked for the final review: what it was shown, and what it said. */
  readonly systemReviews: RosterSummary['systemReviews'];
  /** What the checks of hand-ins came to; null when there were none. */
  readonly checks: RosterSummary['checks'];
  readonly files: readonly ReportFile[];
  readonly agents: readonly ReportAgent[];
  readonly missing: readonly Missing[];
  /** Questions to the person that are open. */
  readonly questions: readonly ReportQuestion[];
  /** All questions of the run in numbers. */
  readonly human: RosterSummary['human'];
  /** The first case of each kind of remedy. */
  readonly remedyExamples: RosterSummary['examples'];
}

export interface ReportInput {
  readonly roster: RosterSummary;
  readonly files: readonly ReportFileInput[];
  readonly synthetic: boolean;
  /** False when reviews were off. */
  readonly reviews: boolean;
  /** Questions to the person; those of the agents when absent. */
  readonly questions?: readonly ReportQuestion[];
}

const systemVerdict = ({ reviews, roster }: ReportInput, author: string): SystemVerdict => {
  if (roster.finalReview === 'approved') return 'approved';
  if (roster.systemReviews.at(-1)?.reassigned.includes(author) === true) return 'reassigned';
  return reviews ? 'unapproved' : 'none';
};

/** The verdict that holds for a file as it is now. */
const fileVerdict = (
  file: ReportFileInput,
  row: RosterRow | undefined,
  system: SystemVerdict,
): ReportFile['groupVerdict'] => {
  if (file.author === USER) return 'user';
  if (row === undefined) return 'unknown';
  // Nobody reviews the Boss's files but the Boss: the final review is their verdict.
  if (row.level === 'boss')
    return { approved: 'accepted' as const, none: 'none' as const }[system as string] ?? row.verdict;
  if (row.verdict !== 'accepted' || row.looked === null || file.base === undefined) return row.verdict;
  const seen = row.looked.find(({ path }) => path === file.path);
  // Of very many files not all were looked at.
  if (seen === undefined) return row.looked.length < LOOKED_FILES_MAX ? 'unreviewed' : row.verdict;
  return seen.base === file.base ? row.verdict : 'unreviewed';
};

/** The questions of all agents, in the order in which they were asked. */
export const questionsOfRows = (rows: readonly Pick<RosterRow, 'name' | 'questions'>[]): readonly ReportQuestion[] =>
  rows
    .flatMap(({ name, questions }) => questions.map((question) => ({ agent: name, ...question })))
    .sort((left, right) => left.id - right.id);

/** Everything that `report.json` says beyond the summary of the run. */
export const buildReport = (input: ReportInput): SocietyReport => {
  const rows = new Map(input.roster.rows.map((row) => [row.name, row]));
  return {
    goal: input.roster.goal,
    synthetic: input.synthetic,
    finalReview: input.roster.finalReview,
    systemReviews: input.roster.systemReviews,
    checks: input.roster.checks,
    files: input.files.map((file) => {
      const system = systemVerdict(input, file.author);
      const { path, commit, author } = file;
      const groupVerdict = fileVerdict(file, rows.get(author), system);
      return { path, commit, author, groupVerdict, systemVerdict: system };
    }),
    agents: input.roster.rows.map((row) => ({
      name: row.name,
      level: row.level,
      supervisor: row.supervisor,
      status: row.status,
      verdict: row.verdict,
      checklist: row.checklist,
      dropped: row.dropped.length,
      summary: row.summary,
    })),
    missing: everythingMissing(input.roster.rows, input.files),
    questions: input.questions ?? questionsOfRows(input.roster.rows),
    human: input.roster.human,
    remedyExamples: input.roster.examples,
  };
};

/** Numbers of a run for the head of `report.md`: the final line of `--json`. */
export interface ReportNumbers {
  readonly runId: string;
  readonly status: string;
  readonly reason: string;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
  readonly model: string;
  readonly seed: number;
  readonly agents: number;
  readonly agentsByLevel: { readonly boss: number; readonly admin: number; readonly ordinary: number };
  readonly modelCalls: number;
  readonly messages: number;
  readonly tokens: { readonly input: number; readonly cachedInput: number; readonly output: number };
  readonly costUsd: number | null;
  readonly wallSeconds: number;
  readonly nudges: number;
  readonly reviews: { readonly accept: number; readonly revise: number };
  readonly remedies: Readonly<Record<string, number>>;
  /** What programs of agents ran in, if they could run any. */
  readonly sandbox?: 'bwrap' | 'none';
  readonly embedder?: string;
  /** Where something else stood in the way of a file; it was moved. */
  readonly displaced?: readonly string[];
  /** What became of them. */
  readonly programs?: ReportPrograms | null;
}

export interface ReportPrograms {
  readonly run: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly overLimit: number;
  readonly stopped: number;
  readonly filesBroughtBack: number;
  readonly filesRefused: number;
}

const ROWS_MAX = 1_000;

/** A cell of a Markdown table: one line, with its bars escaped. */
const cell = (text: string | number | null): string =>
  String(text ?? '–')
    .replace(/\s+/g, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .slice(0, 300);

const table = (head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string[] => {
  const shown = rows.slice(0, ROWS_MAX);
  const lines = [head, head.map(() => '---'), ...shown].map((row) => `| ${row.map(cell).join(' | ')} |`);
  return rows.length > ROWS_MAX ? [...lines, '', `${rows.length - ROWS_MAX} more rows are in report.json.`] : lines;
};

const programLines = ({ sandbox, programs }: ReportNumbers): string[] => {
  if (programs === undefined || programs === null) return [`- sandbox: ${sandbox ?? 'off'}`];
  const { run, failed, timedOut, overLimit, stopped, filesBroughtBack, filesRefused } = programs;
  const ends = `${failed} failed, ${timedOut} out of time, ${overLimit} beyond another limit, ${stopped} stopped`;
  return [
    `- sandbox: ${sandbox ?? 'off'}; programs run: ${run} (${ends})`,
    `- files of programs: ${filesBroughtBack} brought back, ${filesRefused} refused`,
  ];
};

const numberLines = (run: ReportNumbers): string[] => {
  const { boss, admin, ordinary } = run.agentsByLevel;
  const remedies = Object.entries(run.remedies).map(([why, count]) => `${why} ${count}`);
  return [
    `- status: ${run.status} (${run.reason})`,
    ...(run.error === undefined ? [] : [`- error: ${cell(run.error.message)}. ${run.error.hint} [${run.error.code}]`]),
    `- model: ${run.model}, seed ${run.seed}`,
    `- agents: ${run.agents} (${boss} Boss, ${admin} Admins, ${ordinary} Ordinary)`,
    `- model calls: ${run.modelCalls}, messages: ${run.messages}`,
    `- tokens: ${run.tokens.input} in (${run.tokens.cachedInput} cached), ${run.tokens.output} out`,
    `- cost: ${run.costUsd === null ? 'unknown' : `$${run.costUsd.toFixed(4)}`}`,
    `- time: ${run.wallSeconds.toFixed(1)} s`,
    `- reviews: ${run.reviews.accept} accepted, ${run.reviews.revise} sent back; nudges: ${run.nudges}`,
    `- remedies: ${remedies.length === 0 ? 'none' : remedies.join(', ')}`,
    ...programLines(run),
    ...(run.embedder === undefined ? [] : [`- embedder: ${run.embedder}`]),
    ...(run.displaced === undefined ? [] : [`- moved to .git/megactor/displaced: ${cell(run.displaced.join(', '))}`]),
  ];
};

/** What the checks and the final reviews came to; nothing where there were none. */
const reviewLines = ({ checks, systemReviews }: SocietyReport): string[] => {
  const found = Object.entries(checks?.findings ?? {}).map(([kind, count]) => `${kind} ${count}`);
  const example = checks?.example ?? null;
  return [
    ...(checks === null
      ? []
      : [
          `- checks: ${checks.handIns} hand-ins, ${checks.passed} without a finding, ${checks.sentBack} sent back${found.length === 0 ? '' : ` (${found.join(', ')})`}`,
          ...(example === null ? [] : [`- first finding: ${example.agent}: ${cell(example.what)}`]),
        ]),
    ...systemReviews.map(
      ({ review, files, sampled, reassigned, approved }) =>
        `- final review ${review}: ${sampled.length} of ${files ?? '?'} files shown${reassigned.length === 0 ? '' : `, work of ${reassigned.slice(0, 10).join(', ')} given back`}${approved ? ', approved' : ''}`,
    ),
  ];
};

/** How often each remedy was used, with a case of it; nothing when none was. */
const remedyLines = ({ remedyExamples }: SocietyReport, { remedies }: ReportNumbers): string[] => {
  const rows = Object.entries(remedies).map(([why, count]) => {
    const example = remedyExamples[why];
    return [why, count, example?.agent ?? null, example?.what ?? null];
  });
  return rows.length === 0 ? [] : ['## Remedies', '', ...table(['remedy', 'times', 'first', 'what'], rows), ''];
};

/** Whether somebody would read an answer: a run that has paused, or failed for a reason around it, may go on. */
const mayAnswer = ({ status, reason }: Pick<ReportNumbers, 'status' | 'reason'>): boolean =>
  status === 'paused' || (status === 'failed' && reason !== 'boss-failed');

const questionLines = ({ questions, human }: SocietyReport, run: ReportNumbers): string[] => {
  const { count, answered: said, approved, denied, withdrawn } = human;
  const sums =
    count === 0
      ? []
      : [
          `Asked: ${count}; answered ${said}, allowed ${approved}, refused ${denied}, withdrawn by who asked ${withdrawn}.`,
          '',
        ];
  const title = mayAnswer(run) ? '## Questions to you' : '## Questions that you were asked';
  if (questions.length === 0) return count === 0 ? [] : ['## Questions that you were asked', '', ...sums];
  const rows = questions.map((question) => {
    const { agent, kind, text, answered } = question;
    return [questionLabel(question), agent, answered === true ? `${kind}, answered` : kind, text];
  });
  const none = mayAnswer(run) ? [] : ['These were not answered, and nobody reads an answer any more:', ''];
  return [title, '', ...sums, ...none, ...table(['number', 'agent', 'what', 'text'], rows), ''];
};

/** What is not there; a run in which nobody was hired has nothing that could be missed one by one. */
const missingLines = ({ missing, agents }: SocietyReport, { status }: ReportNumbers): readonly string[] => {
  if (agents.length === 0)
    return [status === 'completed' ? 'Nobody was hired: a plan was made.' : 'Everything: nobody was hired.'];
  if (missing.length === 0) return ['Nothing.'];
  return table(
    ['agent', 'what', 'file', 'detail'],
    missing.map(({ agent, what, path, detail }) => [agent, what, path ?? null, detail ?? null]),
  );
};

/** The text of `report.md`. */
export const renderReport = (report: SocietyReport, run: ReportNumbers): string => {
  const lines = [`# Run ${run.runId}`, '', ...(report.goal === '' ? [] : [report.goal, ''])];
  if (report.synthetic) {
    const playbook = /^playbook:(?<name>.+)$/u.exec(run.model)?.groups?.['name'];
    lines.push(
      playbook === undefined
        ? '**Synthetic:** no language model took part. Texts and files were written by the built-in rehearsal.'
        : `**Scripted:** no language model took part. The playbook "${playbook}" says what every agent answers; mail, files, programs and reviews are real.`,
      '',
    );
  }
  if (run.sandbox === 'none') {
    lines.push('**Unprotected:** programs of agents ran without a sandbox, as the user who started the run.', '');
  }
  lines.push(...numberLines(run), ...reviewLines(report), '', ...questionLines(report, run), '## Missing', '');
  lines.push(
    ...missingLines(report, run),
    '',
    ...remedyLines(report, run),
    '## Files',
    '',
    ...(report.files.length === 0
      ? ['None.']
      : table(
          ['path', 'commit', 'author', 'group', 'system'],
          report.files.map((file) => [
            file.path,
            file.commit?.slice(0, 10) ?? null,
            file.author,
            file.groupVerdict,
            file.systemVerdict,
          ]),
        )),
    '',
    '## Agents',
    '',
    ...table(
      ['name', 'level', 'supervisor', 'status', 'verdict', 'open', 'closed', 'dropped', 'summary'],
      report.agents.map((agent) => [
        agent.name,
        agent.level,
        agent.supervisor,
        agent.status,
        agent.verdict,
        agent.checklist.open,
        agent.checklist.closed,
        agent.dropped,
        agent.summary,
      ]),
    ),
    '',
  );
  return plainText(lines.join('\n'));
};
