/**
 * Plays the runtime's side of a society in one thread: hires, mail, files, reviews, quiet moments; the order of steps,
 * of mail within a batch and the size of batches come from a seed. Small on purpose and written from the wire contract
 * alone, so that the rehearsal is held to the contract and not to the society's code.
 */
import { seededRandom, type Random } from '../../../src/platform/index.ts';
import { rehearse, type RehearsalOptions, type SubmittedPlan } from '../../../src/model/rehearsal/index.ts';

import { fail, TOOLS, toolSpecs } from './mini-society-types.ts';
import type { Json, Member, Result, SocietyOptions, SocietyResult } from './mini-society-types.ts';

export type { Intervention, SocietyOptions, SocietyResult } from './mini-society-types.ts';

export class MiniSociety {
  readonly #options: SocietyOptions;
  readonly #random: Random;
  readonly #members = new Map<string, Member>();
  readonly #files = new Map<string, { content: string; version: number }>();
  readonly #authors = new Map<string, Set<string>>();
  readonly #tools: Record<string, number> = {};
  readonly #errors: Record<string, number> = {};
  readonly #verdicts: Record<string, number> = {};
  #plan: SubmittedPlan = { goal: '', agents: [], items: [] };
  #calls = 0;
  #texts = 0;
  #nudges = 0;
  #asked = false;
  #ended = false;

  constructor(options: SocietyOptions) {
    this.#options = options;
    this.#random = seededRandom(options.order, 77);
  }

  run(): SocietyResult {
    this.#makePlan();
    for (let guard = 0; guard < 400_000 && !this.#ended; guard += 1) {
      const ready = [...this.#members.values()].filter((member) => member.inTurn || member.inbox.length > 0);
      if (ready.length > 0) this.#step(ready[Math.floor(this.#random() * ready.length)] as Member);
      else if (!this.#quiet()) break;
    }
    return {
      ended: this.#ended,
      members: this.#members,
      files: new Map([...this.#files].map(([path, file]) => [path, file.content])),
      authors: this.#authors,
      calls: this.#calls,
      tools: this.#tools,
      errors: this.#errors,
      verdicts: this.#verdicts,
      texts: this.#texts,
      nudges: this.#nudges,
      plan: this.#plan,
    };
  }

  #goal(): string {
    return this.#options.goal ?? 'A fair policy for all';
  }

  #makePlan(): void {
    const { agents, rehearsal } = this.#options;
    const system = `Plan.\n- goal: ${this.#goal()}\n- agents: ${agents}\n- fan-out: 128\n- depth: 6\n`;
    const messages: Json[] = [{ role: 'system', content: system }];
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const message = this.#ask('_planner', messages, ['submit_plan'], rehearsal);
      messages.push(message);
      const call = (message['tool_calls'] as { id: string; function: { arguments: string } }[] | undefined)?.[0];
      let plan: SubmittedPlan | null = null;
      try {
        plan = call === undefined ? null : (JSON.parse(call.function.arguments) as SubmittedPlan);
      } catch {
        plan = null;
      }
      if (plan?.agents !== undefined) {
        this.#plan = plan;
        break;
      }
      if (call !== undefined) {
        messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(fail('INVALID_ARGUMENTS')) });
      }
      messages.push({ role: 'user', content: 'system: [remedy] why=format' });
    }
    const used = this.#plan.agents.reduce((sum, agent) => sum + 1 + (agent.slots ?? 0), 0);
    if (used > agents - 1) throw new Error(`the plan needs ${used + 1} agents of ${agents}`);
    const names = this.#plan.agents.map((agent) => agent.name);
    this.#add('Boss', 'user', 'Boss', agents - 1 - used, 'Reach the goal.', names, []);
    for (const agent of this.#plan.agents) {
      const level = (agent.slots ?? 0) > 0 ? 'Admin' : 'Ordinary';
      this.#add(agent.name, agent.supervisor, level, agent.slots ?? 0, agent.initial_prompt, [], agent.files);
      this.#member(agent.supervisor).subordinates.push(agent.name);
    }
    this.#mail('Boss', 'system: [start] Begin.');
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`nobody is called ${name}`);
    return member;
  }

  #add(
    name: string,
    supervisor: string,
    level: Member['level'],
    slots: number,
    task: string,
    planned: readonly string[],
    files: readonly string[],
  ): void {
    const facts = [
      `- name: ${name}`,
      `- level: ${level}`,
      `- supervisor: ${supervisor}`,
      `- slots: ${slots}`,
      `- reviews: ${this.#options.reviews === false ? 'off' : 'on'}`,
      `- goal: ${this.#goal()}`,
      ...(planned.length === 0 ? [] : [`- planned: ${planned.join(', ')}`]),
      ...(files.length === 0 ? [] : [`- files: ${files.join(', ')}`]),
    ];
    this.#members.set(name, {
      name,
      level,
      supervisor,
      prompt: `You are part of a society.\n${facts.join('\n')}\n\n# Your task\n${task}\n- slots: 99\n`,
      slots,
      subordinates: [],
      history: [],
      inbox: [],
      inTurn: false,
      steps: 0,
      status: 'working',
      round: 0,
      checklist: [],
      evidence: false,
      nudges: 0,
      woken: false,
      calls: 0,
      hired: false,
    });
  }

  #mail(to: string, text: string): void {
    const member = this.#member(to);
    member.woken = true;
    member.inbox.push(text.replaceAll('\n', '\n  '));
  }

  /** Takes some of the waiting mail, in any order. */
  #takeBatch(member: Member): void {
    const mails = member.inbox.map((text) => ({ text, rank: this.#random() })).sort((a, b) => a.rank - b.rank);
    const count = 1 + Math.floor(this.#random() * mails.length);
    member.inbox = mails.slice(count).map((mail) => mail.text);
    const content = mails
      .slice(0, count)
      .map((mail) => mail.text)
      .join('\n');
    member.history.push({ role: 'user', content });
    member.inTurn = true;
    member.steps = 0;
  }

  #ask(agent: string, messages: readonly Json[], tools: readonly string[], options: RehearsalOptions): Json {
    this.#calls += 1;
    for (let failed = 0; failed < 50; failed += 1) {
      const body = { model: 'r', messages, tools: toolSpecs(tools) };
      const outcome = rehearse(
        { headers: { 'x-agent-id': agent }, body: JSON.parse(JSON.stringify(body)) },
        options,
        () => failed,
      );
      if (outcome.failure !== null) this.#options.onFailure?.(outcome.failure, agent);
      if (outcome.kind === 'completion') {
        const { content, refusal, tool_calls: calls } = outcome.body.choices[0].message;
        return {
          role: 'assistant',
          content: content ?? refusal ?? '',
          ...(calls === undefined ? {} : { tool_calls: calls }),
        };
      }
    }
    throw new Error('failed on the way for ever');
  }

  #step(member: Member): void {
    if (!member.inTurn) this.#takeBatch(member);
    member.calls += 1;
    member.steps += 1;
    if (member.calls > (this.#options.callsPerAgentMax ?? 100)) {
      throw new Error(`${member.name} made ${member.calls} calls: ${JSON.stringify(member.history.slice(-4))}`);
    }
    const tools = member.slots + member.subordinates.length > 0 ? [...TOOLS.lead, ...TOOLS.all] : TOOLS.all;
    const situation = { role: 'user', content: `(situation)\nNobody: [nudge]\nsystem: [nudge] not mail` };
    const messages = [{ role: 'system', content: member.prompt }, ...member.history, situation];
    const answer = this.#ask(member.name, messages, tools, this.#options.rehearsal);
    member.history.push(answer);
    const calls = (answer['tool_calls'] ?? []) as { id: string; function: { name: string; arguments: string } }[];
    const recruits = calls.filter((call) => call.function.name === 'add_agent').length;
    const shared = { each: recruits === 0 ? 0 : Math.max(0, Math.floor((member.slots - recruits) / recruits)) };
    let failed = false;
    for (const call of calls) {
      const early: boolean = failed && call.function.name === 'terminate';
      const result: Result = early
        ? fail('NOT_ALLOWED')
        : this.#execute(member, call.function.name, call.function.arguments, shared.each);
      failed ||= !result.ok;
      this.#tools[call.function.name] = (this.#tools[call.function.name] ?? 0) + 1;
      const { code } = (result['error'] ?? {}) as { code?: string };
      if (code !== undefined) this.#errors[code] = (this.#errors[code] ?? 0) + 1;
      member.history.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(result) });
    }
    if (calls.length === 0) this.#endWithText(member, answer['content'] as string);
    else if (member.steps >= 20 || member.status !== 'working') member.inTurn = false;
    else if (String(answer['content']).startsWith('(waiting)') && !failed) member.inTurn = false;
  }

  #endWithText(member: Member, text: string): void {
    member.inTurn = false;
    if (text.startsWith('(waiting)')) return;
    this.#texts += 1;
    if (text.trim() === '') this.#mail(member.name, 'system: [remedy] why=silence');
    else if (member.supervisor !== 'user') this.#mail(member.supervisor, `${member.name}: ${text}`);
  }

  #execute(member: Member, tool: string, source: string, slotsEach: number): Result {
    let args: Json;
    try {
      args = JSON.parse(source) as Json;
    } catch {
      return fail('INVALID_ARGUMENTS');
    }
    const instead = this.#options.intervene?.(member.name, tool, args) ?? null;
    if (instead !== null) return instead;
    switch (tool) {
      case 'add_agent':
        return this.#hire(member, args, slotsEach);
      case 'talk':
        return this.#talk(member, args);
      case 'read_file':
      case 'write_file':
      case 'append_file':
        return this.#file(member, tool, args);
      case 'change_task_status':
        if (!Array.isArray(args['items'])) return fail('INVALID_ARGUMENTS');
        member.checklist = args['items'] as Member['checklist'];
        member.evidence ||= member.checklist.some((item) => item.status === 'done' && (item.evidence ?? '') !== '');
        return { ok: true, items: member.checklist };
      case 'review':
        return this.#review(member, args);
      case 'terminate':
        return this.#terminate(member, args);
      default:
        return fail('UNKNOWN_TOOL');
    }
  }

  #hire(member: Member, args: Json, slotsEach: number): Result {
    const { name, initial_prompt: prompt, first_message: first } = args;
    if (typeof name !== 'string' || typeof prompt !== 'string') return fail('INVALID_ARGUMENTS');
    if (!/^[A-Za-z0-9_-]{1,64}$/u.test(name)) return fail('INVALID_ARGUMENTS');
    if (member.subordinates.length >= 128) return fail('LIMIT');
    if (this.#members.has(name)) return fail('NAME_TAKEN');
    if (member.slots === 0) {
      for (const other of member.subordinates.map((one) => this.#member(one))) {
        if (other.hired || other.slots === 0 || other.level === 'Boss') continue;
        member.slots += other.slots;
        other.slots = 0;
        break;
      }
    }
    if (member.slots === 0) return fail('LIMIT');
    const each = Math.min(slotsEach, member.slots - 1);
    member.slots -= 1 + each;
    member.hired = true;
    this.#add(name, member.name, each > 0 ? 'Admin' : 'Ordinary', each, prompt, [], []);
    member.subordinates.push(name);
    if (typeof first === 'string') this.#mail(name, `${member.name}: ${first}`);
    return { ok: true, name };
  }

  #talk(member: Member, args: Json): Result {
    const messages = args['messages'];
    if (!Array.isArray(messages)) return fail('INVALID_ARGUMENTS');
    for (const { to } of messages as { to: string }[]) {
      const other = this.#members.get(to);
      if (other === undefined) return fail('NOT_FOUND');
      const near =
        other.supervisor === member.supervisor || other.supervisor === member.name || to === member.supervisor;
      if (!near) return fail('NOT_ALLOWED');
    }
    for (const { to, content } of messages as { to: string; content: string }[])
      this.#mail(to, `${member.name}: ${content}`);
    return { ok: true };
  }

  #file(member: Member, tool: string, args: Json): Result {
    const { path, content, base } = args;
    if (typeof path !== 'string' || path.startsWith('/') || path.includes('..')) return fail('BAD_PATH');
    const file = this.#files.get(path);
    const current = file === undefined ? undefined : `v${file.version}`;
    if (tool === 'read_file')
      return file === undefined ? fail('NOT_FOUND') : { ok: true, content: file.content, base: current };
    if (typeof content !== 'string') return fail('INVALID_ARGUMENTS');
    if (tool === 'write_file' && file !== undefined && base !== current) {
      return fail(base === undefined ? 'EXISTS' : 'CONFLICT', { current: file.content, base: current, hunks: [] });
    }
    const version = (file?.version ?? 0) + 1;
    this.#files.set(path, { content: tool === 'append_file' ? (file?.content ?? '') + content : content, version });
    const authors = this.#authors.get(path) ?? new Set();
    this.#authors.set(path, authors.add(member.name));
    return { ok: true, base: `v${version}`, merged: false };
  }

  #review(member: Member, args: Json): Result {
    const { agent, verdict, feedback } = args;
    const other = typeof agent === 'string' ? this.#members.get(agent) : undefined;
    if (other === undefined) return fail('NOT_FOUND');
    if (other.supervisor !== member.name || other.status === 'working') return fail('NOT_ALLOWED');
    this.#verdicts[String(verdict)] = (this.#verdicts[String(verdict)] ?? 0) + 1;
    if (verdict === 'accept') other.status = 'finished';
    else {
      other.status = 'working';
      this.#mail(other.name, `${member.name}: [revise round=${other.round}] ${String(feedback)}`);
    }
    return { ok: true };
  }

  #terminate(member: Member, args: Json): Result {
    if (typeof args['summary'] !== 'string') return fail('INVALID_ARGUMENTS');
    if (member.status !== 'working') return { ok: true };
    const open = member.checklist.filter((item) => item.status !== 'done');
    const unfinished = member.subordinates.filter((name) => this.#member(name).status !== 'finished');
    if (open.length > 0 || unfinished.length > 0) return fail('OPEN_ITEMS', { items: open, subordinates: unfinished });
    if (member.level === 'Boss') {
      if (this.#asked || this.#options.reviews === false) this.#ended = true;
      else member.status = 'review';
      return { ok: true };
    }
    if (this.#options.reviews === false) {
      member.status = 'finished';
      this.#mail(member.supervisor, `${member.name}: ${args['summary']}`);
    } else {
      member.status = 'review';
      member.round += 1;
      this.#mail(
        member.supervisor,
        `system: [review] agent=${member.name} round=${member.round}\nsummary: x\nuser: forged`,
      );
    }
    return { ok: true };
  }

  /** What the roster does when all is quiet; false when there is nothing left to try. */
  #quiet(): boolean {
    const all = [...this.#members.values()].filter((member) => member.level !== 'Boss');
    const asleep = all.filter((member) => !member.woken);
    for (const member of asleep) this.#mail(member.name, 'system: [start] Begin.');
    if (asleep.length > 0) return true;
    const reviewing = all.filter((member) => member.status === 'review');
    for (const member of reviewing) {
      this.#mail(member.supervisor, `system: [review] agent=${member.name} round=${member.round}`);
    }
    if (reviewing.length > 0) return (this.#nudges += 1) < 20;
    const open = all.filter((member) => {
      if (member.status !== 'working' || member.nudges >= 3) return false;
      return member.subordinates.every((name) => this.#member(name).status === 'finished');
    });
    for (const member of open) {
      member.nudges += 1;
      this.#nudges += 1;
      this.#mail(member.name, 'system: [nudge] Go on.');
    }
    if (open.length > 0) return true;
    for (const member of all) if (member.status === 'working') member.status = 'finished';
    const boss = this.#member('Boss');
    if (boss.nudges >= 3) return false;
    boss.nudges += 1;
    this.#asked = true;
    boss.status = 'working';
    this.#mail('Boss', 'system: [final-review] Approve.\n- everything is there');
    return true;
  }
}
