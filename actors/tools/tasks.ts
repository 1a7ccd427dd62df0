/** `change_task_status review terminate`: what is to be done, and when it is done. */
import { z } from 'zod';
import { checklistItemSchema, programsOf, SYSTEM } from '../../src/society/index.ts';
import { sendNotice, sendNotices, sendText } from '../mailing.ts';
import { callRoster } from '../services.ts';
import { ALL_LEVELS, defineTool, LEADS } from './tool.ts';

export const changeTaskStatus = defineTool({
  name: 'change_task_status',
  description: 'Replace your whole checklist. Items that you leave out without closing them are reported.',
  schema: z.object({ items: z.array(checklistItemSchema) }),
  levels: ALL_LEVELS,
  execute: async (args, run) => {
    const result = await callRoster(run, run.key, 'checklist', { agent: run.state.name, items: args.items });
    if (result.ok) run.state.checklist = args.items;
    return result;
  },
});

export const review = defineTool({
  name: 'review',
  description:
    'After a [review] mail, which others wait for: read the files, compare them with the task, then accept or revise.',
  schema: z.object({
    agent: z.string().min(1).max(64),
    verdict: z.enum(['accept', 'revise']),
    feedback: z.string().max(8_000),
  }),
  levels: LEADS,
  execute: async (args, run) => {
    const { name } = run.state;
    const result = await callRoster(run, run.key, 'review', {
      reviewer: name,
      agent: args.agent,
      verdict: args.verdict,
    });
    if (!result.ok) return result;
    const { agent, round, status, note } = result;
    // Whatever was accepted before counts once.
    if (args.verdict === 'revise' || note === null)
      run.ctx.event({ type: 'review', agent, by: name, verdict: args.verdict, round, status });
    if (result.member !== null) {
      const text = `[revise round=${result.round}] ${args.feedback}`;
      sendText(run, result.member, text);
    }
    const collected = sendNotices(run, result.notices);
    return {
      ok: true,
      agent: result.agent,
      status: result.status,
      ...(result.note === null ? {} : { note: result.note }),
      ...(collected.length === 0 ? {} : { collected: collected.join('\n') }),
    };
  },
});

export const terminate = defineTool({
  name: 'terminate',
  description: 'Hand in your task, as the last call of the answer that finishes it; a failed call stops it.',
  schema: z.object({ summary: z.string().min(1).max(8_000) }),
  levels: ALL_LEVELS,
  execute: async (args, run) => {
    const { state } = run;
    const result = await callRoster(run, run.key, 'terminate', {
      agent: state.name,
      summary: args.summary,
      files: state.files,
      programs: programsOf(state),
      ...(state.origins === undefined ? {} : { origins: state.origins }),
    });
    if (!result.ok) return result;
    run.end();
    const attributes = { agent: state.name, round: result.round };
    if (result.sentBack !== null) {
      // As after a review with "revise": it goes on when it has read why.
      run.ctx.event({ type: 'review', ...attributes, by: SYSTEM, verdict: 'revise', status: result.status });
      sendNotice(run, result.sentBack.to, 'review', result.sentBack.text, attributes);
    }
    if (result.reviewer !== null) {
      if (result.reviews) {
        sendNotice(run, result.reviewer, 'review', result.details, attributes, result.more);
      } else {
        sendText(run, result.reviewer, args.summary, { more: result.more });
      }
    }
    sendNotices(run, result.notices);
    return { ok: true, status: result.status };
  },
});
