/** Configured accounts, buckets, devices and folders. */
import type { Provider } from './provider.ts';

export interface Destination {
  readonly id: string;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly hasCredentials: boolean;
  readonly createdAt: number;
}

export interface DestinationChange {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly credentials?: unknown;
}

/**
 * Laws: settings and credentials are parsed by the provider's own schemas before anything is written (Fault `rejected`
 * `destination.invalid`). `create` of an id that exists is Fault `rejected` `destination.exists`; `change` and `provider` of one
 * that does not are Fault `rejected` `destination.unknown`; `remove` answers whether there was one. Credentials never come out.
 */
export interface Destinations {
  get(id: string): Promise<Destination | null>;
  list(): Promise<readonly Destination[]>;
  create(destination: {
    readonly id: string;
    readonly provider: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly credentials?: unknown;
  }): Promise<Destination>;
  change(id: string, change: DestinationChange): Promise<Destination>;
  remove(id: string): Promise<boolean>;
  /** The driver for this destination, connected to its settings and credentials. */
  provider(id: string): Promise<Provider>;
}
