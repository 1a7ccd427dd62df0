/**
 * `retire_agent`: lets a subordinate go, or, by the Boss, anybody. The agent is told by a mail that no model sees; what it
 * still tries in a turn under way is refused by the roster.
 */
import { z } from 'zod';
import { clip, systemMail } from '../../src/society/index.ts';
import { send, sendNotices } from '../mailing.ts';
import { SANDBOX } from '../run-services.ts';
import { callRoster, callService } from '../services.ts';
import { defineTool, LEADS } from './tool.ts';

export const retireAgent = defineTool({
  name: 'retire_agent',
  description: 'Let a subordinate go; those below it become yours.',
  schema: z.object({ name: z.string().min(1).max(64), reason: z.string().min(1).max(2_000) }),
  levels: LEADS,
  execute: async ({ name, reason }, run) => {
    const by = run.state.name;
    const result = await callRoster(run, run.key, 'retire', { by, agent: name, reason });
    if (!result.ok) return result;
    const { retired, open, files, notWritten = [], moved, supervisor } = result;
    if (retired === null) return { ok: true, note: 'It had left before.' };
    send(run, retired, { ...systemMail('replaced', `${by} has let you go: ${clip(reason, 500)}`), retired: true });
    // What it has started ends, and what that has written is kept.
    if (run.state.settings.services?.includes(SANDBOX) === true) {
      await callService(run, `${run.key}-program`, SANDBOX, 'release', { agent: name });
    }
    const collected = sendNotices(run, result.notices);
    run.ctx.event({ type: 'retired', agent: name, by, reason: clip(reason, 500) });
    return {
      ok: true,
      ...(open.length === 0 ? {} : { left_open: open }),
      ...(files.length === 0 ? {} : { files }),
      ...(notWritten.length === 0 ? {} : { planned_not_written: notWritten }),
      ...(moved.length === 0 ? {} : { moved, now_under: supervisor }),
      ...(collected.length === 0 ? {} : { collected: collected.join('\n') }),
    };
  },
});
