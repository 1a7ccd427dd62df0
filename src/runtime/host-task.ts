/** What a host starts with, and the main thread's ends of its ports. */
import type { MessagePort } from 'node:worker_threads';
import type { HostRecord, HostsParts } from './host-record.ts';
import { beatPeriodMs } from './host-watch.ts';
import type { HostTask } from './host-wire.ts';

export interface MadeTask {
  readonly parts: HostTask;
  readonly control: MessagePort;
  readonly main: MessagePort;
}

/** @param own what only this incarnation of the host has */
export const makeTask = (
  { common, ground, services, blockedAfterMs }: HostsParts,
  { index, owned, incarnation }: HostRecord,
  own: Pick<HostTask, 'peers' | 'pulse' | 'charges'>,
): MadeTask => {
  const control = ground.channel();
  const main = ground.channel();
  const parts: HostTask = {
    ...common,
    ...own,
    host: index,
    owned,
    incarnation,
    beatMs: beatPeriodMs(blockedAfterMs),
    control: control.port2,
    main: main.port2,
    services: services.connect(),
    journal: services.connectJournal(),
  };
  return { parts, control: control.port1, main: main.port1 };
};
