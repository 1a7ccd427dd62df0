/** One agent of a run as a person reads it, for `inspect --agent`: each line cut to the width. Pure. */
import type { AgentDetail } from '../run/types.ts';
import { plainText } from '../society/plain-text.ts';

const WIDTH = 80;
/** The last ones are shown; `--json` has all. */
const SHOWN_MAX = 20;

/** On one line, as long as the width allows. */
const line = (text: string, width = WIDTH): string => {
  const flat = plainText(text.replace(/[\s\u0085]+/gu, ' ').trimEnd());
  const points = Array.from(flat);
  return points.length > width ? `${points.slice(0, width - 1).join('')}…` : flat;
};

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const section = (title: string, lines: readonly string[]): string[] => {
  const head = lines.length > SHOWN_MAX ? `${title} (${lines.length}, the last ${SHOWN_MAX}):` : `${title}:`;
  if (lines.length === 0) return [`${title}: none`];
  return [head, ...lines.slice(-SHOWN_MAX).map((text) => `  ${line(text, WIDTH - 2)}`)];
};

interface Said {
  readonly role?: unknown;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}

const historyLine = (entry: unknown): string => {
  const { role, content, tool_calls: calls } = (entry ?? {}) as Said;
  if (!Array.isArray(calls)) return `${shown(role)}: ${shown(content ?? '')}`;
  const called = calls.map((call: unknown) => {
    const { name, arguments: given } = (call as { function?: { name?: unknown; arguments?: unknown } }).function ?? {};
    return `${shown(name)} ${shown(given)}`;
  });
  const text = typeof content === 'string' && content !== '' ? `${content} ` : '';
  return `${shown(role)}: ${text}${called.join('; ')}`;
};

const timerLine = ({ key, dueMs, periodMs, type }: AgentDetail['timers'][number]): string => {
  const again = periodMs === null ? '' : `, every ${periodMs} ms`;
  return `${key}: ${type} at ${new Date(dueMs).toISOString()}${again}`;
};

const progress = (agent: AgentDetail): string[] => {
  const { inProgress, steps } = agent;
  if (inProgress === null) return [`Steps: ${steps}, none in progress`];
  const { taken, recorded, intents } = inProgress;
  const parts = [`took ${taken.length === 0 ? 'no mail' : `mail ${taken.join(', ')}`}`];
  if (recorded.length > 0) parts.push(`has results of ${recorded.join(', ')}`);
  if (intents.length > 0) parts.push(`called ${intents.join(', ')} without a result yet`);
  return [`Steps: ${steps}, and one in progress:`, ...parts.map((part) => `  ${line(part, WIDTH - 2)}`)];
};

export const agentText = (agent: AgentDetail): string => {
  const { supervisor, summary } = agent;
  return [
    ...(supervisor === null ? [] : [line(`Supervisor: ${supervisor}`)]),
    ...(summary === null ? [] : [line(`Summary: ${summary}`)]),
    ...progress(agent),
    ...section(
      'Mail that waits',
      agent.mail.map(({ seq, from, kind, text }) => `${seq} ${from}:${kind === null ? '' : ` [${kind}]`} ${text}`),
    ),
    ...section(
      'Checklist',
      agent.checklist.map(({ id, status, text }) => `[${status}] ${id}: ${text}`),
    ),
    ...section('History', agent.history.map(historyLine)),
    ...section(
      'Effects',
      agent.effects.map(({ step, key, result }) => `step ${step}, ${key}: ${shown(result)}`),
    ),
    ...section('Timers', agent.timers.map(timerLine)),
  ].join('\n');
};
