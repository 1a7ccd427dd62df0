/**
 * Reads the archive that GNU tar writes of a program's copy (`--format=gnu --hard-dereference`): plain files with their
 * bytes, and of everything else only that it is there. It touches no disk, so that no link of a program can lead it
 * anywhere; what the names mean is the caller's business.
 *
 * Invariants: R1 no more than one file of `fileMax` bytes is held at a time; a longer one is passed over and reported.
 * R2 an archive that ends early, or is none, is an error: nothing of it may be taken for the whole.
 */
import { MegactorError } from '../protocol/errors.ts';

const BLOCK = 512;
/** Longest name that is read. */
const NAME_MAX = 16 * 1024;

export interface ArchiveHandler {
  /** A plain file; `bytes` is null when it is longer than the reader holds. `path` is null when its name is not UTF-8. */
  readonly file: (path: string | null, bytes: Buffer | null, size: number) => void;
  /** A link, a FIFO or a device. Directories are not told. */
  readonly other: (path: string | null, kind: 'link' | 'special') => void;
}

const damaged = (what: string): MegactorError =>
  new MegactorError('SANDBOX_FAILED', `the archive of the files ${what}`);

const textOf = (field: Buffer): Buffer => {
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
};

const numberOf = (field: Buffer): number => {
  // Numbers that do not fit into octal digits are binary, with the first bit set.
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(BigInt(`0x${field.toString('hex')}`) & ((1n << 87n) - 1n));
  const text = textOf(field).toString('latin1').trim();
  if (!/^[0-7]+$/u.test(text)) throw damaged('has a damaged header');
  return Number.parseInt(text, 8);
};

const pathOf = (name: Buffer): string | null => {
  const path = name.toString('utf8');
  return Buffer.compare(Buffer.from(path), name) === 0 ? path.replace(/^\.\//u, '') : null;
};

export class ArchiveReader {
  readonly #handler: ArchiveHandler;
  readonly #fileMax: number;
  #header: Buffer = Buffer.alloc(0);
  #longName: Buffer | null = null;
  /** What is being read after a header: bytes left, padding after it, and where the bytes go (null: nowhere). */
  #body: { left: number; padding: number; parts: Buffer[] | null; done: (bytes: Buffer | null) => void } | null = null;
  #isOver = false;

  constructor(handler: ArchiveHandler, fileMax: number) {
    this.#handler = handler;
    this.#fileMax = fileMax;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#isOver) rest = this.#body === null ? this.#readHeader(rest) : this.#readBody(rest);
  }

  /** @throws SANDBOX_FAILED when the end mark has not come */
  end(): void {
    if (!this.#isOver) throw damaged('ends in the middle');
  }

  #readHeader(chunk: Buffer): Buffer {
    const part = chunk.subarray(0, BLOCK - this.#header.length);
    this.#header = Buffer.concat([this.#header, part]);
    if (this.#header.length === BLOCK) {
      const header = this.#header;
      this.#header = Buffer.alloc(0);
      this.#take(header);
    }
    return chunk.subarray(part.length);
  }

  #readBody(chunk: Buffer): Buffer {
    const body = this.#body;
    if (body === null) return chunk;
    const part = chunk.subarray(0, body.left);
    if (part.length > 0) body.parts?.push(Buffer.from(part));
    body.left -= part.length;
    const padding = Math.min(body.padding, chunk.length - part.length);
    if (body.left === 0) body.padding -= padding;
    if (body.left === 0 && body.padding === 0) {
      this.#body = null;
      body.done(body.parts === null ? null : Buffer.concat(body.parts));
    }
    return chunk.subarray(part.length + padding);
  }

  #take(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#isOver = true;
      return;
    }
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    if (sum !== numberOf(header.subarray(148, 156))) throw damaged('has a damaged header');
    const type = String.fromCharCode(header[156] ?? 0);
    const size = numberOf(header.subarray(124, 136));
    if (type === 'L' || type === 'K') {
      if (size > NAME_MAX) throw damaged('has a name without end');
      this.#expect(size, true, (bytes) => {
        if (type === 'L' && bytes !== null) this.#longName = textOf(bytes);
      });
      return;
    }
    const name = this.#longName ?? textOf(header.subarray(0, 100));
    this.#longName = null;
    const path = pathOf(name);
    switch (type) {
      case '0':
      case '\0':
        this.#expect(size, size <= this.#fileMax, (bytes) => this.#handler.file(path, bytes, size));
        return;
      case '5':
        return;
      case '2':
        this.#handler.other(path, 'link');
        return;
      case '3':
      case '4':
      case '6':
        this.#handler.other(path, 'special');
        return;
      default:
        throw damaged(`has an entry of the unknown kind ${JSON.stringify(type)}`);
    }
  }

  #expect(size: number, isKept: boolean, done: (bytes: Buffer | null) => void): void {
    if (size === 0) {
      done(Buffer.alloc(0));
      return;
    }
    this.#body = { left: size, padding: (BLOCK - (size % BLOCK)) % BLOCK, parts: isKept ? [] : null, done };
  }
}
