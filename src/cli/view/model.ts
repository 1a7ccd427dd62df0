/**
 * What the live view knows of a run, folded from its events and progress. It knows nothing of a terminal, and does not
 * read a clock: whoever feeds it says what time it is.
 *
 * Invariants: V1 An event costs the same however many agents there are (times the depth of the tree). V2 Memory is
 * bounded: agents up to `AGENTS_MAX`, steps up to `STEPS_MAX` over all agents or `STEPS_EACH_MIN` each. V3 All text kept
 * is harmless (`text.ts`).
 */
import type { EventRecord } from '../../protocol/event.ts';
import type { RunProgress } from '../ports.ts';
import { OpenQuestions } from './asking.ts';
import { AgentTree, LEVELS, type Step, type StepKind, type ViewAgent } from './agents.ts';
import { Rate } from './rate.ts';
import { shown } from './text.ts';

const STEPS_MAX = 100_000;
const STEPS_EACH_MAX = 60;
const STEPS_EACH_MIN = 6;
const RATE_WINDOW_MS = 5_000;
const FINISH_WINDOW_MS = 30_000;
/** Below this share of finished agents an estimate would be a guess. */
const TELLING_SHARE = 0.05;

export interface RunHead {
  goal: string;
  runId: string;
  model: string;
  synthetic: boolean | undefined;
  /** Programs run without a sandbox. */
  unprotected: boolean;
  resumed: boolean;
  /** It can be resumed when it was put aside. */
  kept: boolean;
  reviews: boolean;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? shown(value) : '');
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

export class SocietyModel extends AgentTree {
  readonly head: RunHead = {
    goal: '',
    runId: '',
    model: '',
    synthetic: undefined,
    unprotected: false,
    resumed: false,
    kept: true,
    reviews: true,
  };
  readonly reviews = { accept: 0, revise: 0 };
  /** What the person is asked. */
  readonly questions = new OpenQuestions();
  /** Nobody can go on without an answer. */
  waitsForPerson = false;
  /** When that was said. */
  #waitingFrom = '';
  remedies = 0;
  restarts = 0;
  limits = 0;
  progress: RunProgress | null = null;
  /** Counts what changed, so that nothing is drawn twice. */
  version = 0;
  readonly #turnRate = new Rate(RATE_WINDOW_MS);
  readonly #messageRate = new Rate(RATE_WINDOW_MS);
  readonly #finishRate = new Rate(FINISH_WINDOW_MS);
  /** Without counters of the run (a replayed file) the events themselves are counted. */
  readonly counted = { input: 0, cachedInput: 0, output: 0, commits: 0 };

  /** Reads the counters. @param nowMs any clock that does not go back */
  observe(progress: RunProgress, nowMs: number): void {
    const before = this.progress;
    this.progress = progress;
    this.#turnRate.add(nowMs, progress.turns);
    this.#messageRate.add(nowMs, progress.messages);
    // From when the first one finished: the time before tells nothing about how fast the others will.
    if (this.closed > 0) this.#finishRate.add(nowMs, this.closed);
    if (before === null || isNews(before, progress)) this.version += 1;
  }

  get turnsPerSecond(): number {
    return this.#turnRate.perSecond;
  }

  get messagesPerSecond(): number {
    return this.#messageRate.perSecond;
  }

  /** An estimate from how fast agents have finished lately; null while it would be a guess. */
  get secondsLeft(): number | null {
    const { closed } = this;
    const perSecond = this.#finishRate.perSecond;
    if (this.progress?.phase !== 'working' || perSecond <= 0) return null;
    if (closed < this.agents.size * TELLING_SHARE || closed === this.agents.size) return null;
    return (this.agents.size - closed) / perSecond;
  }

  apply(event: EventRecord): void {
    this.version += 1;
    const time = event.time.slice(11, 19);
    if (event.type === 'run') return this.#onRun(event);
    if (event.type === 'human') {
      this.questions.apply(event);
      // A plan waits before there is a Boss.
      if (event['recovered'] === true || event['question'] === 0) return;
    }
    if (event.type === 'human' && event['status'] === 'waiting') {
      this.waitsForPerson = true;
      this.#waitingFrom = event.time;
    } else if (isWork(event) && event.time > this.#waitingFrom) {
      // Events of other threads come late: what was done before is no sign that somebody is at work again.
      this.waitsForPerson = false;
    }
    if (event.type === 'commit') {
      this.counted.commits += 1;
      return;
    }
    if (event.type === 'review') {
      const verdict = event['verdict'] === 'revise' ? 'revise' : 'accept';
      // At the last round nothing goes back any more.
      if (verdict === 'accept' || event['status'] !== 'finished') this.reviews[verdict] += 1;
      this.#note(textOf(event['by']), time, 'review', `review of ${textOf(event.agent)}: ${verdict}`, false);
    }
    if (event.type === 'restart') this.restarts += 1;
    if (event.type === 'remedy') this.remedies += 1;
    if (event.type === 'limit') this.limits += 1;
    if (event.agent === undefined) return;
    const agent = this.agent(shown(event.agent));
    if (agent !== null) this.#onAgent(agent, event, time);
  }

  #onRun(event: EventRecord): void {
    const { head } = this;
    if (typeof event['goal'] === 'string') head.goal = shown(event['goal']);
    if (typeof event['runId'] === 'string') head.runId = shown(event['runId']);
    if (typeof event['model'] === 'string') head.model = shown(event['model']);
    if (typeof event['synthetic'] === 'boolean') head.synthetic = event['synthetic'];
    if (typeof event['sandbox'] === 'string') head.unprotected = event['sandbox'] === 'none';
    if (typeof event['reviews'] === 'boolean') head.reviews = event['reviews'];
    if (event['resumed'] === true) head.resumed = true;
    if (event['durability'] === 'none') head.kept = false;
  }

  #onAgent(agent: ViewAgent, event: EventRecord, time: string): void {
    switch (event.type) {
      case 'spawned':
      case 'hired':
        this.#onHired(agent, event, time);
        break;
      case 'turn':
        this.#onTurn(agent, event, time);
        break;
      case 'step':
        if (event['open'] === false) this.settle(agent);
        break;
      case 'modelCall':
        this.#onModelCall(agent, event, time);
        break;
      case 'tool':
        this.#onTool(agent, event, time);
        break;
      case 'message':
        this.#onMessage(agent, event, time);
        break;
      case 'review':
        this.#onReview(agent, event, time);
        break;
      case 'retired':
        this.stand(agent, 'retired');
        this.questions.leave(agent.name);
        break;
      case 'limit':
        this.#push(agent, { time, kind: 'other', text: `limit reached: ${textOf(event['limit'])}`, bad: true });
        if (event['limit'] === 'turns') this.#fail(agent);
        break;
      case 'remedy':
        this.#push(agent, { time, kind: 'other', text: `remedy: ${textOf(event['why'])}`, bad: true });
        if (event['why'] === 'crash') this.#fail(agent);
        break;
      case 'restart':
        this.#push(agent, { time, kind: 'other', text: `restarted: ${textOf(event['message'])}`, bad: true });
        break;
      case 'deadLetter':
        this.#push(agent, { time, kind: 'other', text: `undeliverable: ${textOf(event['reason'])}`, bad: true });
        break;
      case 'human':
        this.#onHuman(agent, event, time);
        break;
      case 'run':
      case 'commit':
        break;
      default:
        event.type satisfies never;
    }
  }

  #onHired(agent: ViewAgent, event: EventRecord, time: string): void {
    const level = LEVELS.find((known) => known === event['level']);
    // Whoever leads a group already is no Ordinary agent, even when its own hire is told last.
    if (level !== undefined && (level !== 'ordinary' || agent.members.length === 0)) this.relevel(agent, level);
    const by = textOf(event['by']);
    if (by !== '' && by !== 'user') {
      const hirer = this.agent(by);
      if (hirer !== null) this.place(agent, hirer);
    }
    if (event['recovered'] === true) {
      const { status } = event;
      if (status === 'review' || status === 'finished' || status === 'failed' || status === 'retired') {
        this.stand(agent, status);
      } else if (agent.standing === 'new') this.stand(agent, 'waiting');
    } else if (event.type === 'hired') {
      this.#push(agent, { time, kind: 'other', text: `hired by ${by === '' ? 'somebody' : by}`, bad: false });
      this.#note(by, time, 'tool', `hired ${agent.name}`, false);
    }
  }

  #onTurn(agent: ViewAgent, event: EventRecord, time: string): void {
    if (typeof event['log'] === 'string') {
      this.#push(agent, { time, kind: 'other', text: textOf(event['log']), bad: false });
      return;
    }
    agent.turns += 1;
    this.begin(agent);
  }

  #onModelCall(agent: ViewAgent, event: EventRecord, time: string): void {
    const input = numberOf(event['input']);
    const output = numberOf(event['output']);
    agent.calls += 1;
    agent.inputTokens += input;
    agent.outputTokens += output;
    this.counted.input += input;
    this.counted.cachedInput += numberOf(event['cachedInput']);
    this.counted.output += output;
    const answer = textOf(event['class']);
    const attempts = numberOf(event['attempts']);
    const again = attempts > 1 ? `, ${attempts} attempts` : '';
    const seconds = (numberOf(event['latencyMs']) / 1_000).toFixed(1);
    const text = `${input} tokens in, ${output} out, ${seconds} s${again}: ${answer}`;
    this.#push(agent, { time, kind: 'model', text, bad: answer !== 'tools' && answer !== 'prose' });
  }

  #onTool(agent: ViewAgent, event: EventRecord, time: string): void {
    agent.tools += 1;
    const tool = textOf(event['tool']);
    const ok = event['ok'] === true;
    const path = textOf(event['path']);
    const code = textOf(event['code']);
    // Whom it hired is told by an event of its own.
    if (tool === 'add_agent' && ok) return;
    const text = `${tool}${path === '' ? '' : ` ${path}`}${ok ? '' : `: ${code === '' ? 'refused' : code}`}`;
    this.#push(agent, { time, kind: 'tool', text, bad: !ok });
    if (tool === 'terminate' && ok && agent.standing !== 'finished') {
      // Nobody reviews the Boss but itself: its run ends here, or goes on with a turn.
      const standing = this.head.reviews && agent.level !== 'boss' ? 'review' : 'finished';
      this.stand(agent, standing);
    }
  }

  #onMessage(agent: ViewAgent, event: EventRecord, time: string): void {
    agent.sent += 1;
    const to = textOf(event['to']);
    const kind = typeof event['kind'] === 'string' ? ` [${textOf(event['kind'])}]` : '';
    const said = textOf(event['text']);
    const what = said === '' ? `${numberOf(event['chars'])} characters` : said;
    this.#push(agent, { time, kind: 'sent', text: `to ${to}${kind}: ${what}`, bad: false });
    const receiver = this.agents.get(to);
    if (receiver !== undefined) {
      this.#push(receiver, { time, kind: 'got', text: `from ${agent.name}${kind}: ${what}`, bad: false });
    }
  }

  #fail(agent: ViewAgent): void {
    this.stand(agent, 'failed');
    this.questions.leave(agent.name);
  }

  #onHuman(agent: ViewAgent, event: EventRecord, time: string): void {
    const status = textOf(event['status']);
    const number = `#${numberOf(event['question'])}`;
    const what = event['kind'] === 'approval' ? 'waits for your consent' : 'asks you';
    const text = status === 'asked' ? `${what} (${number}): ${textOf(event['text'])}` : `${number} ${status}`;
    this.#push(agent, { time, kind: 'other', text, bad: false });
  }

  #onReview(agent: ViewAgent, event: EventRecord, time: string): void {
    const accepted = event['verdict'] !== 'revise';
    const by = textOf(event['by']);
    const closed = event['status'] === 'finished' || event['status'] === 'failed' ? event['status'] : undefined;
    const round = `(round ${numberOf(event['round'])})`;
    const kept = closed === 'finished' ? `kept with a reservation of ${by} ${round}` : `sent back by ${by} ${round}`;
    this.#push(agent, { time, kind: 'review', text: accepted ? `accepted by ${by}` : kept, bad: !accepted });
    this.stand(agent, closed ?? (accepted ? 'finished' : 'waiting'));
  }

  #note(name: string, time: string, kind: StepKind, text: string, bad: boolean): void {
    const agent = this.agents.get(name);
    if (agent !== undefined) this.#push(agent, { time, kind, text, bad });
  }

  #push(agent: ViewAgent, step: Step): void {
    const each = Math.floor(STEPS_MAX / Math.max(1, this.agents.size));
    const most = Math.min(STEPS_EACH_MAX, Math.max(STEPS_EACH_MIN, each));
    agent.steps.push(step);
    if (agent.steps.length > most) agent.steps.splice(0, agent.steps.length - most);
  }
}

/** Whether it shows that somebody is at work, or will be at once. */
const isWork = ({ type, status }: EventRecord): boolean =>
  type === 'turn' ||
  type === 'modelCall' ||
  type === 'hired' ||
  (type === 'human' && (status === 'answered' || status === 'approved' || status === 'denied'));

/** Whether anybody who reads whole numbers and seconds would see a difference. */
const isNews = (before: RunProgress, after: RunProgress): boolean =>
  Math.floor(before.wallSeconds) !== Math.floor(after.wallSeconds) ||
  before.phase !== after.phase ||
  before.modelCalls !== after.modelCalls ||
  before.callsInFlight !== after.callsInFlight ||
  before.turns !== after.turns ||
  before.messages !== after.messages ||
  before.files !== after.files ||
  before.costUsd !== after.costUsd;
