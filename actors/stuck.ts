/**
 * An agent that gets no further: its turn ends, and whoever is above it is told, with its checklist beside what it has really
 * done. What it does not do: find out that it is stuck (`turn.ts`, with `repetition.ts` of the society).
 *
 * Invariants: X6 the supervisor is told at most `stuckReportsPerAgentMax` times of one agent; after that it is let go.
 */
import {
  clip,
  isRepetition,
  markOfText,
  programsOf,
  renderChecklist,
  renderDeeds,
  withCalls,
  WHEN_STUCK,
} from '../src/society/index.ts';
import type { Turn } from './agent-types.ts';
import { send, sendNotice } from './mailing.ts';
import { callRoster } from './services.ts';

const TEXT_CHARS_MAX = 4_000;
const DETAIL_CHARS_MAX = 500;

/** Tells whoever is above that the turn ends here, and why; counted as a remedy. */
export const giveUp = async (turn: Turn, why: 'format' | 'repetition', what: string): Promise<'over'> => {
  const { state, ctx } = turn;
  const { name } = state;
  const deeds = [
    ...(state.checklist.length === 0
      ? ['It has no checklist.']
      : ['Its checklist:', ...renderChecklist(state.checklist)]),
    `Its files: ${state.files.length === 0 ? 'none' : state.files.slice(0, 20).join(', ')}`,
    ...renderDeeds(programsOf(state), []),
  ];
  const text = (hint: string): string => clip([`${what} ${hint}`, ...deeds].join('\n'), TEXT_CHARS_MAX);
  const detail = clip(text(WHEN_STUCK), DETAIL_CHARS_MAX);
  const { to, letGo, notices } = await callRoster(turn, `remedy-${why}`, 'remedy', { agent: name, why, detail });
  ctx.event({ type: 'remedy', agent: name, why });
  if (letGo === true) {
    state.phase = 'failed';
    ctx.event({ type: 'remedy', agent: name, why: 'given-up' });
    ctx.event({ type: 'limit', agent: name, limit: 'stuck-reports' });
  }
  for (const notice of notices ?? []) send(turn, notice.to, notice.mail);
  if (to === null) return 'over';
  if (letGo === true) {
    const hint =
      'You were told so before; it was let go. Its files stay. Give its work to somebody else, or do without.';
    sendNotice(turn, to, 'child-failed', text(hint), { agent: name });
  } else {
    sendNotice(turn, to, 'remedy', text(WHEN_STUCK), { agent: name, why });
  }
  return 'over';
};

/** Whether the agent says nearly the same again and again, perhaps with the same calls in between. */
export const saysItAgain = ({ state }: Turn, text: string): boolean => {
  const times = state.settings.limits.repetitionMax;
  state.recentCalls = withCalls(state.recentCalls, [markOfText(text)], times);
  if (!isRepetition(state.recentCalls, times)) return false;
  state.recentCalls = [];
  return true;
};
