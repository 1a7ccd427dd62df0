/** What the main thread and a service thread say to each other, one union per direction. */
import type { MessagePort } from 'node:worker_threads';
import type { DurabilityLevel } from '../journal/shard-log.ts';
import type { ErrorWire } from '../protocol/errors.ts';
import type { ServiceSpec } from '../protocol/service.ts';
import type { EventBatch } from '../telemetry/index.ts';
import type { ServiceDirectory, ServicePorts } from './service-client.ts';

/** The journal that a thread is to open. */
export interface JournalSpec {
  /** null: in memory. */
  readonly directory: string | null;
  readonly durability: DurabilityLevel;
  readonly shards: number;
}

/** What a service thread starts with. */
export interface ServiceThreadTask {
  readonly name: string;
  readonly services: readonly ServiceSpec[];
  readonly directory: ServiceDirectory;
  /** To the other service threads. */
  readonly calls: ServicePorts;
  /** Callers that are there from the beginning: the main thread and the other service threads. */
  readonly callers: readonly MessagePort[];
  /** On the journal's own thread. */
  readonly journal: JournalSpec | null;
}

export type ToServiceThread =
  /** The journal is open, and this leads to it; null on its own thread, and without one. Services are made now. */
  | { readonly kind: 'begin'; readonly journalPort: MessagePort | null }
  | { readonly kind: 'attach'; readonly port: MessagePort }
  | { readonly kind: 'attach-journal'; readonly port: MessagePort }
  | { readonly kind: 'stop' };

export type FromServiceThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ErrorWire }
  | { readonly kind: 'notify'; readonly service: string; readonly message: unknown }
  | { readonly kind: 'events'; readonly batch: EventBatch }
  | { readonly kind: 'stopped' };
