/** What each way of putting a file into the tree can do. */
import type { Answer, FileDigestAsk, Item, ReadAsk, ServeHolding } from '#core/ports/provider.ts';
import type { CloudDrive2Session } from './session.ts';
import type { WayName } from './settings.ts';

/** Calls obey their signal. What is said of the like-named calls of a provider holds here too. */
export interface Way<S extends CloudDrive2Session = CloudDrive2Session> {
  readonly name: WayName;
  /** Throws the Fault that closes this way to every file. */
  probe(signal: AbortSignal): Promise<void>;
  /** Throws the Fault that closes it to this file. */
  begin(item: Item, passed: S['passed'], signal: AbortSignal): Promise<S>;
  attach(session: S, item: Item, signal: AbortSignal): Promise<void>;
  detach(session: S): void;
  answer(ask: ReadAsk | FileDigestAsk, answer: Answer, signal: AbortSignal): Promise<void>;
  hold(session: S, what: 'pause' | 'resume', signal: AbortSignal): Promise<void>;
  inspect(session: S, item: Item, signal: AbortSignal): Promise<ServeHolding>;
  discard(session: S, item: Item, signal: AbortSignal): Promise<void>;
}
