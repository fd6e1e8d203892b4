/** Configured accounts, buckets, devices and folders. */
import type { Fault } from '#core/fault.ts';
import type { Placement } from '#core/wire/agent.ts';
import type { Candidate } from './connection.ts';
import type { Provider } from './provider.ts';

export interface Destination {
  readonly id: string;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly hasCredentials: boolean;
  /** Where the calls of its driver are run. */
  readonly placement: Placement;
  readonly createdAt: number;
}

export interface DestinationChange {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly credentials?: unknown;
  readonly placement?: Placement;
}

/**
 * Laws: settings and credentials are parsed by the provider's own schemas before anything is written (Fault `rejected`
 * `destination.invalid`). `create` of an id that exists is Fault `rejected` `destination.exists`; `change` and `provider` of one
 * that does not are Fault `rejected` `destination.unknown`; `remove` answers whether there was one. Credentials never come out.
 * To place one on agents is Fault `rejected` `destination.no_agents` where the home has none, or where the destination asks for
 * bytes itself; so is `provider` of one that stands so: its calls are never run here instead.
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
  }): Promise<Destination>;
  change(id: string, change: DestinationChange): Promise<Destination>;
  remove(id: string): Promise<boolean>;
  /** Pure: the Fault `rejected` of a file that this destination cannot take whatever happens; null: none is known. */
  refusal(destination: Destination, file: Candidate): Fault | null;
  /** The driver for this destination, connected to its settings and credentials. */
  provider(id: string): Promise<Provider>;
}
