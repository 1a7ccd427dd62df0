/**
 * The answer to a request in one piece: what readers of a `Response` ask of one that came whole, with status 200, as JSON.
 * A real one costs several times as much to make, with its `Headers` and its stream. What it does not do: stream.
 */

/** Headers as they came, names in lower case. */
export type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

class PlainHeaders {
  readonly #raw: RawHeaders;

  constructor(raw: RawHeaders) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    const value = this.#raw[name.toLowerCase()];
    if (value === undefined) return null;
    return typeof value === 'string' ? value : value.join(', ');
  }

  has(name: string): boolean {
    return this.#raw[name.toLowerCase()] !== undefined;
  }

  *entries(): Generator<[string, string]> {
    for (const name of Object.keys(this.#raw)) yield [name, this.get(name) ?? ''];
  }

  [Symbol.iterator](): Generator<[string, string]> {
    return this.entries();
  }
}

class JsonResponse {
  readonly ok = true;
  readonly status = 200;
  readonly statusText = '';
  readonly redirected = false;
  readonly type = 'default';
  readonly body = null;
  readonly url: string;
  readonly headers: PlainHeaders;
  readonly #text: string;

  constructor(url: string, headers: RawHeaders, text: string) {
    this.url = url;
    this.headers = new PlainHeaders(headers);
    this.#text = text;
  }

  text(): Promise<string> {
    return Promise.resolve(this.#text);
  }

  async json(): Promise<unknown> {
    return JSON.parse(this.#text) as unknown;
  }
}

/** Whether an answer can be handed on as one of these. */
export const isWholeJson = (status: number, headers: RawHeaders): boolean => {
  const type = headers['content-type'];
  return status === 200 && typeof type === 'string' && type.startsWith('application/json');
};

/** @param headers names in lower case */
export const jsonResponse = (url: string, headers: RawHeaders, text: string): Response =>
  new JsonResponse(url, headers, text) as unknown as Response;
