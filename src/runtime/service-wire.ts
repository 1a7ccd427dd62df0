/** What callers and service threads say to each other, one union per direction; batches per turn of the event loop. */
import type { ErrorWire } from '../protocol/errors.ts';

export type ServiceRequest =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly service: string;
      readonly method: string;
      readonly args: unknown;
      readonly effectId: string | null;
      readonly caller: string;
    }
  /** Nobody waits for this call any more. */
  | { readonly kind: 'abort'; readonly id: number };

export interface ServiceResponse {
  readonly id: number;
  readonly value: unknown;
  /** null when the call succeeded. */
  readonly error: ErrorWire | null;
}
