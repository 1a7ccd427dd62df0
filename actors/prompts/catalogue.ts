/**
 * Every prompt that a run may replace, each in a file of its name, and what a text of its own has to be. Pure:
 * `src/run/prompts.ts` reads and writes folders. What it does not do: mail of the runtime and descriptions of tools, which belong to the protocol.
 *
 * Invariants: I1 Every tool that a prompt names exists, no placeholder is left unfilled, stable text comes first, and no
 * prompt grows with the group. I2 A text of a run's own is data: it stands where the prompt stood, and adds no mail and no
 * fact. I3 One that is wrong is refused by name before anything is there or paid. I4 A run goes on with the texts it began
 * with, or not at all.
 */
import { ADMIN_ROLE } from './admin.ts';
import { BOSS_ROLE } from './boss.ts';
import { COMPACTION } from './compaction.ts';
import { LEADING } from './leading.ts';
import { ORDINARY_ROLE } from './ordinary.ts';
import { ORGANISATION } from './organisation.ts';
import { PLANNED } from './planned.ts';
import { PLANNER_PROMPT } from './planner.ts';
import { placeholdersOf, type Prompt, type PromptTexts } from './prompt.ts';
import { REPAIR_EMPTY } from './repair-empty.ts';
import { REPAIR_FILTERED } from './repair-filtered.ts';
import { REPAIR_OTHER } from './repair-other.ts';
import { REPAIR_REFUSAL } from './repair-refusal.ts';
import { REPAIR_TRUNCATED } from './repair-truncated.ts';
import { SITUATION } from './situation.ts';
import { SUMMED_UP } from './summary.ts';

/** Of one text. Most of them go with every call of every agent. */
export const PROMPT_CHARS_MAX = 8_000;

export const PROMPTS: readonly Prompt[] = [
  PLANNER_PROMPT,
  BOSS_ROLE,
  ADMIN_ROLE,
  ORDINARY_ROLE,
  ORGANISATION,
  LEADING,
  PLANNED,
  SITUATION,
  COMPACTION,
  SUMMED_UP,
  REPAIR_EMPTY,
  REPAIR_REFUSAL,
  REPAIR_TRUNCATED,
  REPAIR_FILTERED,
  REPAIR_OTHER,
];

/** Lines by which programs find the facts of a prompt; two of them would contradict each other. */
const FACT =
  /^(?:# (?:Facts|Your task)\b|- (?:agents|depth|fan-out|files|goal|level|name|planned|reviews|slots|supervisor):)/mu;
/** The one text that has the task itself. */
const WITH_TASK: ReadonlySet<string> = new Set([PLANNER_PROMPT.name]);
const TASK = /^# Your task\n\{goal\}/mu;

const LINE_END = /\r\n|[\r\v\f\u0085\u2028\u2029]/gu;

/** A text as it is kept: without a byte order mark, with plain line ends, without blank space around it. */
export const normalPrompt = (text: string): string =>
  text
    .replace(/^\uFEFF/u, '')
    .replace(LINE_END, '\n')
    .trim();

const quoted = (names: Iterable<string>): string => [...names].map((name) => `{${name}}`).join(', ');

const issuesOf = (prompt: Prompt, text: string): string[] => {
  const known = new Set(Object.keys(prompt.values));
  const used = placeholdersOf(text);
  const unknown = [...used].filter((name) => !known.has(name));
  const missing = (prompt.required ?? []).filter((name) => !used.has(name));
  const fact = FACT.exec(WITH_TASK.has(prompt.name) ? text.replace(TASK, '{goal}') : text)?.[0];
  return [
    ...(text === '' ? ['it is empty'] : []),
    ...(text.length > PROMPT_CHARS_MAX ? [`it has ${text.length} characters, at most ${PROMPT_CHARS_MAX}`] : []),
    ...(text.isWellFormed() && !text.includes('\0') ? [] : ['it is not a text']),
    ...(unknown.length === 0
      ? []
      : [
          `it has the unknown ${quoted(unknown)}; ${known.size === 0 ? 'there are no placeholders here' : `there are ${quoted(known)}`}`,
        ]),
    ...(missing.length === 0 ? [] : [`it lacks ${quoted(missing)}`]),
    ...(fact === undefined ? [] : [`a line begins with "${fact}", as only lines of the runtime do`]),
  ];
};

/** What is wrong with texts that are to replace prompts, each with its name; nothing when all is well. */
export const checkPrompts = (texts: PromptTexts): string[] => {
  const byName = new Map(PROMPTS.map((prompt) => [prompt.name, prompt]));
  return Object.entries(texts).flatMap(([name, text]) => {
    const prompt = byName.get(name);
    if (prompt === undefined) return [`there is no prompt "${name}"`];
    return issuesOf(prompt, text).map((issue) => `${name}: ${issue}`);
  });
};
