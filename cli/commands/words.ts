/** What the words of all commands are made of. */
import { InvalidArgumentError } from 'commander';
import type { Clock } from '#core/ports/clock.ts';
import type { Env } from '../address.ts';
import type { Client } from '../client.ts';
import { parseTarget, type Target } from '../files.ts';
import type { Terminal } from '../terminal.ts';

export interface RunPorts {
  readonly env: Env;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Aborts when the person wants to stop. */
  readonly signal: AbortSignal;
  readonly version: string;
}

export interface CommandPorts extends RunPorts {
  /** Rejects when there is no server to ask. */
  connect(): Promise<Client>;
  /** To be told how many of what was asked for could not be done. */
  onFailures(count: number): void;
}

/** Of an option that may be given several times. */
export function several<T>(parse: (text: string) => T) {
  return (text: string, before: readonly T[] = []): readonly T[] => [...before, parse(text)];
}

export function whole(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number from 1');
}

const DESTINATIONS_MAX = 8;

export function targets(text: string, before: readonly Target[] = []): readonly Target[] {
  if (before.length >= DESTINATIONS_MAX) throw new InvalidArgumentError(`at most ${DESTINATIONS_MAX} destinations`);
  return [...before, parseTarget(text)];
}
