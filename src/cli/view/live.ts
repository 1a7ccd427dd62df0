/**
 * The live view of one run: reads its events and progress into the model, keys into the navigation, and draws. It
 * neither starts nor pauses a run; it tells its owner what the user asked for.
 *
 * Invariants: L1 At most one picture in `DRAW_PERIOD_MS`, and none when nothing changed. L2 After `close` nothing is
 * drawn and no timer is left.
 */
import type { Clock } from '../../platform/index.ts';
import { questionLabel } from '../../society/questions.ts';
import type { Run } from '../ports.ts';
import { SocietyModel } from './model.ts';
import { Navigation, type Key } from './navigation.ts';
import { render } from './render.ts';
import { ASCII_SIGNS, paint, UNICODE_SIGNS } from './style.ts';
import type { Terminal } from './terminal.ts';
import { shown } from './text.ts';
import { TreeRows } from './tree.ts';

const DRAW_PERIOD_MS = 100;
/** How long a run in which only questions are open waits for a key, and while a question is open to be read and answered. */
const AWAY_AFTER_MS = 60_000;
const AWAY_READING_AFTER_MS = 600_000;

export interface LiveOptions {
  readonly clock: Clock;
  /** The user pressed Ctrl-C. */
  readonly onInterrupt: () => void;
  /** The user wants the run to pause. */
  readonly onPause: () => void;
  /** Nobody can go on without the user, and the user has not touched a key for a while. */
  readonly onAway: () => void;
}

export interface LiveView {
  /** The run is being paused. */
  pausing(text: string): void;
  close(): void;
}

export const showLive = (run: Run, terminal: Terminal, options: LiveOptions): LiveView => {
  const { clock } = options;
  const model = new SocietyModel();
  const tree = new TreeRows(model);
  const navigation = new Navigation(model, tree);
  navigation.keys = terminal.keys;
  const signs = terminal.unicode ? UNICODE_SIGNS : ASCII_SIGNS;
  let closed = false;
  let dirty = true;
  let drawnVersion = -1;

  const draw = (): void => {
    dirty = false;
    drawnVersion = model.version;
    const picture = render({ model, tree, navigation, size: terminal.size(), signs });
    navigation.treeHeight = picture.treeHeight;
    if (navigation.answer !== null && picture.asked !== null) navigation.answer.extent = picture.asked;
    terminal.draw(picture.lines.map((line) => paint(line, terminal.colours)));
  };
  /** Since when only the user could help the run on, or had a key last; null while others can. */
  let waitingSinceMs: number | null = null;
  const watchPerson = (): void => {
    if (!model.waitsForPerson) {
      waitingSinceMs = null;
      return;
    }
    waitingSinceMs ??= clock.monotonic();
    const awayAfterMs = navigation.answer === null ? AWAY_AFTER_MS : AWAY_READING_AFTER_MS;
    if (clock.monotonic() - waitingSinceMs < awayAfterMs) return;
    model.waitsForPerson = false;
    options.onAway();
  };
  const send = (): void => {
    const line = navigation.answer;
    const question = line?.question ?? null;
    if (line === null || question === null || run.tell === undefined) return;
    const { agent, id } = question.asked;
    const words = line.text;
    line.text = '';
    if (question.of === 1) navigation.answer = null;
    const note = (text: string): void => {
      navigation.notices = [...navigation.notices, shown(text)];
      dirty = true;
    };
    run.tell(agent, `${questionLabel(question.asked)} ${words}`).then(
      // There is nobody yet who could be told of the plan.
      () => note(id === 0 ? 'Your decision on the plan was taken.' : `${agent} was told.`),
      (error: unknown) => {
        note(`${agent} could not be told: ${error instanceof Error ? error.message : String(error)}`);
        if (line.text !== '' || line.question === null) return;
        // What was typed can be corrected.
        line.text = words;
        navigation.answer ??= line;
      },
    );
  };
  const timer = clock.every(DRAW_PERIOD_MS, () => {
    watchPerson();
    model.observe(run.progress(), clock.monotonic());
    if (dirty || model.version !== drawnVersion) draw();
  });
  const onKey = (key: Key): void => {
    waitingSinceMs = null;
    const action = navigation.press(key);
    if (action === 'interrupt') options.onInterrupt();
    else if (action === 'pause') options.onPause();
    else if (action === 'answer') send();
    else if (action === 'suspend') terminal.suspend();
    if (action !== 'none') dirty = true;
  };
  const read = async (): Promise<void> => {
    for await (const event of run.events) {
      if (closed) return;
      model.apply(event);
    }
  };
  terminal.onKey(onKey);
  terminal.onResize(() => {
    dirty = true;
  });
  // What breaks the run breaks its report, where it is handled; the view has then nothing more to show.
  read().catch(() => undefined);
  model.observe(run.progress(), clock.monotonic());
  draw();

  return {
    pausing: (text) => {
      navigation.pausing = true;
      navigation.notices = [...navigation.notices, shown(text)];
      dirty = true;
    },
    close: () => {
      if (closed) return;
      closed = true;
      timer.cancel();
      terminal.close();
    },
  };
};
