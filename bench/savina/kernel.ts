/** What the programs need of whatever runs them: actors that are given messages one at a time, in order. */

export interface Ref<Message> {
  send(message: Message): void;
}

export interface Typed {
  readonly type: string;
}

export interface Kernel {
  spawn<Message extends Typed>(handle: (message: Message) => void): Ref<Message>;
  /** Runs until nobody has mail. null: it runs by itself. */
  readonly drain: (() => void) | null;
}

export type Finish = (seen: Readonly<Record<string, number>>) => void;
