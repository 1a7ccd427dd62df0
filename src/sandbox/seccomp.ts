/**
 * The filter of system calls for programs, as bubblewrap takes it (`--seccomp`): a program for the kernel's packet filter, made
 * of data. It denies what namespaces do not cover and programs hardly need; everything else is allowed.
 *
 * What and why: keyrings, which are inherited from the runtime's session; kinds of sockets that know no network namespace
 * (vsock reaches the host of a virtual machine); io_uring, bpf, perf events and userfaultfd, where most faults of the
 * kernel were found that ordinary users can reach; and every other instruction set, whose calls have other numbers.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers of the calls by processor; `asm/unistd.h`. */
interface Calls {
  /** `AUDIT_ARCH_*`. */
  readonly architecture: number;
  readonly denied: Readonly<Record<string, number>>;
  readonly sockets: Readonly<Record<string, number>>;
  /** From this number on calls are those of another way to call the same kernel; null when there is none. */
  readonly foreignFrom: number | null;
}

const IO_URING = { io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427 };

const CALLS: Readonly<Record<string, Calls>> = {
  x64: {
    architecture: 0xc000003e,
    denied: {
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      perf_event_open: 298,
      bpf: 321,
      userfaultfd: 323,
      ...IO_URING,
    },
    sockets: { socket: 41, socketpair: 53 },
    foreignFrom: 0x40000000,
  },
  arm64: {
    architecture: 0xc00000b7,
    denied: {
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      perf_event_open: 241,
      bpf: 280,
      userfaultfd: 282,
      ...IO_URING,
    },
    sockets: { socket: 198, socketpair: 199 },
    foreignFrom: null,
  },
};

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. */
const FAMILIES = [1, 2, 10, 16];

const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_NOT_LESS = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const DENY = 0x00050000;
const EPERM = 1;
const EAFNOSUPPORT = 97;
/** Places in what the kernel shows of a call. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const instructionsOf = ({ architecture, denied, sockets, foreignFrom }: Calls): Instruction[] => {
  const deny = (error: number): Instruction => [RETURN, 0, 0, DENY | error];
  const allow: Instruction = [RETURN, 0, 0, ALLOW];
  const family: Instruction[] = [
    [LOAD, 0, 0, FIRST_ARGUMENT],
    ...FAMILIES.flatMap((number): Instruction[] => [[JUMP_IF_EQUAL, 0, 1, number], allow]),
    deny(EAFNOSUPPORT),
  ];
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_IF_EQUAL, 1, 0, architecture],
    deny(EPERM),
    [LOAD, 0, 0, NUMBER],
    ...(foreignFrom === null ? [] : [[JUMP_IF_NOT_LESS, 0, 1, foreignFrom] as const, deny(EPERM)]),
    ...Object.values(denied).flatMap((number): Instruction[] => [[JUMP_IF_EQUAL, 0, 1, number], deny(EPERM)]),
    ...Object.values(sockets).flatMap((number): Instruction[] => [
      [JUMP_IF_EQUAL, 0, family.length, number],
      ...family,
    ]),
    allow,
  ];
};

/** The filter for programs on `processor` (`process.arch`); null where the numbers are not known to us. */
export const systemCallFilter = (processor: string): Buffer | null => {
  const calls = CALLS[processor];
  if (calls === undefined) return null;
  const instructions = instructionsOf(calls);
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value >>> 0, at + 4);
  }
  return bytes;
};

/** Writes the filter for this processor into `directory`. Its path; null when there is none. */
export const writeFilter = (directory: string): string | null => {
  const filter = systemCallFilter(process.arch);
  if (filter === null) return null;
  const path = join(directory, 'filter');
  writeFileSync(path, filter);
  return path;
};
