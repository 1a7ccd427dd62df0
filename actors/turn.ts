/**
 * An agent's turn: a batch of mail, then steps of one model answer and its tool calls each, until the agent has nothing
 * more to do. What it does not do: build requests (`request.ts`), move the window (`compaction.ts`) or execute tools
 * (`tool-calls.ts`).
 *
 * Invariants: A1 Every turn ends: by its answer, or by a limit on steps and repairs. A2 What a crash interrupts goes on
 * from `state.turn`; nothing that decides about the turn lives only in memory. A3 An answer that was received is never
 * asked for again. A4 Errors of the model service leave the turn; the runtime decides on them.
 */
import type { MailOf } from '../src/actor/definition.ts';
import { onWire } from '../src/model/request-wire.ts';
import type { AnswerClass, ChatAnswer, ServedAnswer } from '../src/model/types.ts';
import { MegactorError } from '../src/protocol/errors.ts';
import {
  clip,
  cut,
  forget,
  isRefusal,
  isRepetition,
  markOfCall,
  oneLine,
  renderBatch,
  RAISED,
  renderMail,
  systemMail,
  withCalls,
  type AgentMail,
  type BudgetHold,
  type ToolFailure,
} from '../src/society/index.ts';
import type { AgentMessages, HistoryEntry, Turn } from './agent-types.ts';
import { countAnswer } from './answers.ts';
import { fitWindow, shrinkWindow, type Overflow } from './compaction.ts';
import { decisionOn, refusals, waitsForConsent, withoutDecisions, type Decision, type Waiting } from './consent.ts';
import { hear } from './hearing.ts';
import { sendText } from './mailing.ts';
import { repairText } from './prompts/repairs.ts';
import { remembers } from './memory-scopes.ts';
import { remember, remind } from './remembering.ts';
import { keepUnusable, noteRepair, replaceAgent, replaceRefuser, settleUnusable } from './replacement.ts';
import { buildRequest, keptOf, presentableCalls } from './request.ts';
import { MODEL, ROSTER } from './run-services.ts';
import { callRoster, holdOf, readGroup } from './services.ts';
import { exhausted, settleLevel } from './standing.ts';
import { giveUp, saysItAgain } from './stuck.ts';
import { executeCalls } from './tool-calls.ts';
import { offerOf } from './tools/index.ts';
import { onlyWaits, saysWaiting } from './waiting.ts';

/** Requests in a row that were too long. */
const OVERFLOWS_MAX = 3;
const MODEL_CALL = 'model';
const ASKING = { record: 'step', intent: true } as const;

type TooLong = Overflow & { readonly tooLong: string };
type Spent = { readonly spent: BudgetHold };
type Asked = ServedAnswer | TooLong | Spent;
type Outcome = 'goes-on' | 'over';
type Batch = readonly MailOf<AgentMessages>[];

const append = (turn: Turn, entry: HistoryEntry): void => {
  settleUnusable(turn);
  turn.ctx.appendHistory(entry);
};

/** The mail of a batch, without what a crash of the run made come twice. */
const unread = ({ state }: Turn, batch: Batch): readonly AgentMail[] =>
  batch
    .map((mail) => mail.body)
    .filter(({ quiet }) => {
      if (quiet === undefined) return true;
      if (quiet <= state.quietSeen) return false;
      state.quietSeen = quiet;
      return true;
    });

/** Takes mail into the history; the first mail of an agent brings its prompt along. */
const begin = (turn: Turn, mails: readonly AgentMail[]): void => {
  const { state } = turn;
  if (state.prompt !== null) {
    append(turn, { role: 'system', content: state.prompt });
    state.prompt = null;
  }
  const began = turn.ctx.history.length;
  if (mails.length > 0) append(turn, { role: 'user', content: renderBatch(mails) });
  if (state.sent !== undefined && mails.length > 0) state.sent = [...forget(state.sent, mails)];
  if (state.turn !== null) return;
  state.counters.turns += 1;
  state.turn = {
    steps: 0,
    repairs: 0,
    handbacksOnly: mails.every((mail) => mail.handback === true),
    acted: false,
    overflows: 0,
    ...(remembers(state) ? { began } : {}),
  };
};

const numberIn = (details: Readonly<Record<string, unknown>>, key: string): number | null => {
  const value = details[key];
  return typeof value === 'number' ? value : null;
};

/**
 * An earlier try of this step may have been refused, and have told the roster that the agent waits, before it was lost:
 * then the roster hears that it goes on. In a step that is tried for the first time nobody is asked anything.
 */
const forgetHold = async ({ state, ctx }: Turn): Promise<void> => {
  if (!ctx.interrupted(MODEL_CALL)) return;
  const { serviceDeadlineMs: deadlineMs } = state.settings.limits;
  await ctx.service(ROSTER, 'unhold', { agents: [state.name] }, { deadlineMs });
};

/**
 * Asks the model, once. The service journals an answer when it arrives and gives it out again under its effect id, so
 * it is written with the step's commit only; the intent keeps the step's mail together. That a request was too long, or that
 * the agent's budget does not reach for it, is a result like an answer, so that a replay goes the same way (D5).
 */
const ask = (turn: Turn): Promise<Asked> => {
  const { state, ctx, tools } = turn;
  const { limits } = state.settings;
  return ctx.effect(
    MODEL_CALL,
    async (effectId): Promise<Asked> => {
      const group = state.level === 'ordinary' ? null : await readGroup(ctx, state.name, limits.serviceDeadlineMs);
      const request = {
        ...buildRequest(state, ctx.history as readonly HistoryEntry[], group),
        tools: tools.offered(offerOf(state)),
      };
      try {
        const options = { effectId, deadlineMs: limits.callWaitMs };
        const answer = await ctx.service(MODEL, 'complete', onWire(request), options);
        await forgetHold(turn);
        return answer;
      } catch (error) {
        if (!(error instanceof MegactorError)) throw error;
        if (error.code === 'BUDGET_SPENT') return { spent: holdOf(error) };
        if (error.code !== 'MODEL_CONTEXT_OVERFLOW') throw error;
        await forgetHold(turn);
        const { message, details } = error;
        return { tooLong: message, tokens: numberIn(details, 'tokens'), limit: numberIn(details, 'limit') };
      }
    },
    ASKING,
  );
};

/** The request was too long: nothing was done, and the next step asks with a smaller window. */
const onTooLong = (turn: Turn, refused: TooLong): Outcome => {
  const { state } = turn;
  if (state.turn === null || state.turn.overflows >= OVERFLOWS_MAX) {
    throw new MegactorError('MODEL_CONTEXT_OVERFLOW', refused.tooLong);
  }
  state.turn.overflows += 1;
  state.turn.steps -= 1;
  state.counters.steps -= 1;
  shrinkWindow(turn, refused);
  return 'goes-on';
};

/** Counts a bad answer against the limit; `repair` says how to go on within it. */
const repairOr = async (turn: Turn, last: AnswerClass, repair: () => void): Promise<Outcome> => {
  const { state } = turn;
  const inTurn = state.turn;
  if (inTurn === null) throw new MegactorError('INTERNAL', 'a repair outside of a turn');
  if (inTurn.repairs >= state.settings.limits.repairsPerAnswerMax) {
    if (await replaceAgent(turn, last)) return 'goes-on';
    return giveUp(turn, 'format', `${state.name} gave ${inTurn.repairs + 1} answers in a row that could not be used.`);
  }
  inTurn.repairs += 1;
  noteRepair(turn, last);
  repair();
  return 'goes-on';
};

const onUnusable = (turn: Turn, answer: ChatAnswer): Promise<Outcome> => {
  const { name, settings } = turn.state;
  const said = answer.refusal ?? answer.content ?? '';
  // Servers refuse assistant messages without any content, so silence leaves no trace but the reminder.
  if (said.trim() !== '') keepUnusable(turn, { role: 'assistant', content: said });
  return repairOr(turn, answer.class, () => {
    const mail = systemMail('remedy', repairText(answer.class, settings.prompts), { agent: name, why: 'format' });
    keepUnusable(turn, { role: 'user', content: renderMail(mail) });
  });
};

const onProse = async (turn: Turn, answer: ChatAnswer): Promise<Outcome> => {
  const { state, ctx } = turn;
  const text = answer.content ?? '';
  append(turn, keptOf(state, { role: 'assistant', content: text }));
  if (saysWaiting(text)) return 'over';
  // Refusals count as one text, whatever their words; many servers know no others.
  const refuses = isRefusal(text);
  const repeats = refuses && saysItAgain(turn, '(refusal)');
  if (repeats && (await replaceRefuser(turn, text))) return 'goes-on';
  if (state.level === 'boss') {
    ctx.event({ type: 'message', agent: state.name, to: 'user', text: clip(text, 2_000) });
    return 'over';
  }
  // What says no more than what its subordinates said may wait until all of them have said it.
  const isComment = state.turn?.handbacksOnly === true && !state.turn.acted;
  if (repeats || (!isComment && !refuses && saysItAgain(turn, text))) {
    return giveUp(
      turn,
      'repetition',
      `${state.name} ends its turns with the same text again and again, the last: ${oneLine(text, 300)}`,
    );
  }
  const comment = isComment ? { comment: cut(text, state.settings.limits.messageCharsMax) } : {};
  const { to, more, kept = [] } = await callRoster(turn, 'handback', 'handback', { agent: state.name, ...comment });
  if (to === null) return 'over';
  for (const earlier of kept) sendText(turn, to, earlier, { handback: true, more: true });
  sendText(turn, to, text, { handback: true, more });
  return 'over';
};

/** Whether the agent goes round in a circle with the calls of this answer. */
const rememberCalls = (turn: Turn, answer: Waiting['answer']): boolean => {
  const { state } = turn;
  const times = state.settings.limits.repetitionMax;
  const marks = answer.toolCalls.map(({ function: { name, arguments: args } }) => markOfCall(name, args));
  state.recentCalls = withCalls(state.recentCalls, marks, times);
  return isRepetition(state.recentCalls, times);
};

/** @param refused results of calls that the person did not allow, by their place */
const carryOut = async (
  turn: Turn,
  answer: Waiting['answer'],
  refused?: ReadonlyMap<number, ToolFailure>,
): Promise<Outcome> => {
  const { state, ctx } = turn;
  const calls = presentableCalls(answer.toolCalls, ctx.step);
  const { results, malformed, ended, retired } = await executeCalls(
    turn,
    answer.toolCalls,
    answer.class === 'truncated',
    refused,
  );
  append(turn, keptOf(state, { role: 'assistant', content: answer.content, tool_calls: calls }));
  for (const [index, call] of calls.entries()) {
    append(turn, { role: 'tool', tool_call_id: call.id, content: JSON.stringify(results[index]) });
  }
  if (state.turn !== null) state.turn.acted = true;
  if (ended || retired) {
    state.phase = retired ? 'retired' : 'finished';
    await remember(turn, ctx.history.length, 'remember-all');
    return 'over';
  }
  // The tool results say what was wrong with the calls.
  if (malformed === calls.length) return repairOr(turn, 'bad-json', () => {});
  if (state.turn !== null) state.turn.repairs = 0;
  if (!rememberCalls(turn, answer)) return onlyWaits(answer, results) ? 'over' : 'goes-on';
  state.recentCalls = [];
  return giveUp(turn, 'repetition', `${state.name} repeats the same calls and gets no further.`);
};

const onTools = async (turn: Turn, answer: ChatAnswer): Promise<Outcome> =>
  (await waitsForConsent(turn, answer)) ? 'over' : carryOut(turn, { ...answer, toolCalls: [...answer.toolCalls] });

/** Goes on with an answer that the person has decided on. */
const goOn = async (turn: Turn, waiting: Waiting, decision: Decision): Promise<Outcome> => {
  delete turn.state.waits;
  const outcome = await carryOut(turn, waiting.answer, refusals(waiting, decision));
  // What it was told meanwhile it has not answered yet.
  return outcome === 'over' && waiting.mail && turn.state.phase !== 'retired' ? 'goes-on' : outcome;
};

/**
 * An idle supervisor waits for more reports as long as a call takes: what comes after a call has begun waits for its end as
 * well. A report that comes alone is answered twice as late at most, and most of a group's reports cost one call.
 */
const bePatient = ({ state, ctx }: Turn, { latencyMs }: ChatAnswer): void => {
  const mostMs = state.settings.pollIntervalMs[state.level];
  if (mostMs > 0) ctx.setPollInterval(Math.min(mostMs, Math.ceil(latencyMs)));
};

/** The turn has a step left. */
const asksAgain = ({ state }: Turn): boolean =>
  state.turn !== null && state.turn.steps < state.settings.limits.stepsPerTurnMax;

const step = async (turn: Turn): Promise<Outcome> => {
  const { state, ctx } = turn;
  if (state.turn === null || !asksAgain(turn)) {
    ctx.event({ type: 'limit', agent: state.name, limit: 'steps' });
    return 'over';
  }
  state.turn.steps += 1;
  state.counters.steps += 1;
  state.phase = 'processing';
  const short = await fitWindow(turn);
  if (short !== null) return hold(turn, short);
  // Once a turn what was before it; and at once what the window shows no more.
  await remember(turn, Math.max(state.turn.steps === 1 ? (state.turn.began ?? 0) : 0, state.windowStart));
  await remind(turn);
  const answer = await ask(turn);
  if ('spent' in answer) return hold(turn, answer.spent);
  if ('tooLong' in answer) return onTooLong(turn, answer);
  state.turn.overflows = 0;
  countAnswer(turn, answer);
  bePatient(turn, answer);
  state.phase = 'responding';
  if (
    answer.toolCalls.length > 0 &&
    (answer.class === 'tools' || answer.class === 'bad-json' || answer.class === 'truncated')
  ) {
    return onTools(turn, answer);
  }
  return answer.class === 'prose' ? onProse(turn, answer) : onUnusable(turn, answer);
};

/**
 * A budget of its own, or of its group, does not reach for the call: the agent waits until it is told that there is more.
 * What it has read is in its history, so that it goes on as if nothing had been.
 */
const hold = async (turn: Turn, spent: BudgetHold): Promise<Outcome> => {
  const { state, ctx } = turn;
  state.held = spent;
  ctx.event({ type: 'limit', agent: state.name, limit: `budget-${spent.what}`, scope: spent.scope, of: spent.limit });
  await callRoster(turn, 'hold', 'hold', { agent: state.name, hold: spent });
  return 'over';
};

const isThrough = ({ phase }: Turn['state']): boolean =>
  phase === 'finished' || phase === 'retired' || phase === 'failed';

/** Runs one turn to its end. An empty batch goes on with a turn that was interrupted between two steps. */
export const runTurn = async (turn: Turn, batch: Batch): Promise<void> => {
  const { state, ctx } = turn;
  const all = unread(turn, batch);
  if (all.length === 0 && state.turn === null) return;
  const mails = withoutDecisions(all);
  if (all.some((mail) => mail.retired === true)) {
    state.phase = 'retired';
    state.turn = null;
    delete state.waits;
  }
  // It has used up what it had, or was let go: it reads its mail and does not act.
  if (state.phase === 'failed' || state.phase === 'retired') return;
  await hear(turn, all);
  const { waits } = state;
  const decision = waits === undefined ? null : decisionOn(waits, all);
  if (waits !== undefined) waits.mail ||= mails.length > 0;
  if (waits !== undefined && decision === null) {
    if (mails.length > 0) append(turn, { role: 'user', content: renderBatch(mails) });
    return;
  }
  if (mails.length === 0 && state.turn === null) return;
  if (state.held !== null) {
    if (!mails.some(({ kind, attributes }) => kind === 'budget' && attributes?.[RAISED] !== undefined)) {
      append(turn, { role: 'user', content: renderBatch(mails) });
      return;
    }
    state.held = null;
  }
  const { turnsPerAgentMax } = state.settings.limits;
  if (state.turn === null && state.counters.turns >= turnsPerAgentMax) {
    return exhausted(turn);
  }
  await settleLevel(turn);
  begin(turn, mails);
  let outcome = waits === undefined || decision === null ? await step(turn) : await goOn(turn, waits, decision);
  while (outcome === 'goes-on') {
    await ctx.endStep(asksAgain(turn) ? { intent: MODEL_CALL } : {});
    outcome = await step(turn);
  }
  if (state.waits !== undefined) {
    // The turn goes on when the person has decided.
    state.phase = 'idle';
    return;
  }
  settleUnusable(turn);
  state.turn = null;
  if (!isThrough(state)) state.phase = 'idle';
};
