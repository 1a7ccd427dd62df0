/** Reading bodies and writing answers over Node's HTTP, with as little work per request as it allows. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorBody } from './requests.ts';

/** Prompts of large groups are long; more than this is a mistake. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;

const JSON_TYPE = 'application/json; charset=utf-8';

/** Writes a whole answer; nothing happens when the client is gone. @param headers name, value, name, value … */
export const answer = (
  response: ServerResponse,
  status: number,
  body: string,
  headers: readonly string[] = [],
  type = JSON_TYPE,
): void => {
  if (response.destroyed || response.headersSent) return;
  const bytes = Buffer.byteLength(body);
  response.writeHead(status, ['content-type', type, 'content-length', String(bytes), ...headers]);
  // As many bytes as characters is plain ASCII, which goes out faster as what it is.
  response.end(body, bytes === body.length ? 'latin1' : 'utf8');
};

export const refuse = (
  response: ServerResponse,
  status: number,
  message: string,
  details: { type?: string; code?: string | null; param?: string | null; headers?: readonly string[] } = {},
): void => {
  const type = details.type ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
  answer(response, status, errorBody(message, type, details.code ?? null, details.param ?? null), details.headers);
};

/**
 * Reads a body as text and hands it on; an interrupted one is dropped, one that is too long is refused with 413.
 * @param onBody gets the text and its length in bytes
 */
export const readBody = (
  request: IncomingMessage,
  response: ServerResponse,
  onBody: (text: string, bytes: number) => void,
): void => {
  let first: Buffer | null = null;
  let more: Buffer[] | null = null;
  let bytes = 0;
  let refused = false;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (refused) return;
    if (bytes > BODY_BYTES_MAX) {
      refused = true;
      first = more = null;
      // Reading on would be work for nothing; the client learns why before the connection goes.
      refuse(response, 413, `The body has more than ${BODY_BYTES_MAX} bytes.`, {
        code: 'request_too_large',
        headers: ['connection', 'close'],
      });
      return;
    }
    if (first === null) first = chunk;
    else (more ??= [first]).push(chunk);
  });
  request.on('end', () => {
    if (refused) return;
    const whole = more === null ? first : Buffer.concat(more, bytes);
    onBody(whole === null ? '' : whole.toString('utf8'), bytes);
  });
  // The response's 'close' tells of interrupted requests; without a listener this would end the process.
  request.on('error', () => {});
};
