/** Configured accounts, buckets, devices and folders. */
import type { Fault } from '#core/fault.ts';
import type { Placement } from '#core/wire/agent.ts';
import type { Limits } from '#core/wire/limits.ts';
import type { Candidate } from './connection.ts';
import type { Provider } from './provider.ts';

export interface Destination {
  readonly id: string;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly hasCredentials: boolean;
  /** Where the calls of its driver are run. */
  readonly placement: Placement;
  readonly limits: Limits;
  readonly createdAt: number;
  /** Another one after each change of it, and in every life of its id. */
  readonly version: string;
}

/** Of transfers to a destination that have not ended. `begun`: those which have a session there. */
export interface UnderWay {
  readonly unfinished: number;
  readonly begun: number;
}

export interface DestinationTerms {
  /** Only while the version is one of these. Absent: whatever it is. */
  readonly ifVersion?: readonly string[];
}

export interface ChangeTerms extends DestinationTerms {
  /** The place is the one that it was, and has another name since: a directory that was moved as a whole. */
  readonly site?: 'same';
}

export interface DestinationChange {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly credentials?: unknown;
  readonly placement?: Placement;
  readonly limits?: Limits;
}

/**
 * Laws: settings and credentials are parsed by the provider's own schemas before anything is written (Fault `rejected`
 * `destination.invalid`). `create` of an id that exists is Fault `rejected` `destination.exists`; `change` and `provider` of one
 * that does not are Fault `rejected` `destination.unknown`; `remove` answers whether there was one. Credentials never come out.
 * To place one on agents is Fault `rejected` `destination.no_agents` where the home has none, or where the destination asks for
 * bytes itself; so is `provider` of one that stands so: its calls are never run here instead.
 *
 * While a transfer of it is unfinished, `remove` is Fault `rejected` `destination.busy`, and so is a `change` of what names the place
 * where files end up: a setting that its kind says does, or an account, where both are known. While one has begun there, a `change`
 * of where calls are run is. A session that was opened at one place is `gone` at every other, however it came there.
 * `change` and `remove` of a version that is not current any more are Fault `rejected` `destination.changed`, and change nothing.
 */
export interface Destinations {
  get(id: string): Promise<Destination | null>;
  list(): Promise<readonly Destination[]>;
  create(destination: {
    readonly id: string;
    readonly provider: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly credentials?: unknown;
    /** Absent: here. */
    readonly placement?: Placement;
    readonly limits?: Limits;
  }): Promise<Destination>;
  change(id: string, change: DestinationChange, terms?: ChangeTerms): Promise<Destination>;
  remove(id: string, terms?: DestinationTerms): Promise<boolean>;
  /** Pure: the Fault `rejected` of a file that this destination cannot take whatever happens; null: none is known. */
  refusal(destination: Destination, file: Candidate): Fault | null;
  /** The driver for this destination, connected to its settings and credentials. */
  provider(id: string): Promise<Provider>;
}
