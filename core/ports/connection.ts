/** What connects a driver to one destination: its settings, its credentials, and what it shares with others. */
import type * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Clock } from './clock.ts';
import type { Provider } from './provider.ts';

/** How a driver gets at its credentials: `rotate` answers what is current afterwards, whoever stored it. */
export interface CredentialHandle<C> {
  read(): Promise<C>;
  rotate(replace: (current: C) => Promise<C>): Promise<C>;
}

/**
 * A small JSON value that all processes share which speak for this destination: whose turn it is, who is renewing a login. Laws: as
 * of `Cells`; `swap` writes if the version is `v` (0: there is none), of racing swaps exactly one wins, and one whose reply was
 * lost may answer false. Nothing may hang on it for good: whoever wrote last may have died.
 */
export interface SharedValue {
  read(): Promise<{ readonly v: number; readonly value: unknown } | null>;
  swap(v: number, value: unknown): Promise<boolean>;
}

export interface Connection<Settings, C> {
  readonly destinationId: string;
  /** 32 hex digits, the same as long as the destination exists, in every process: what a service may know this device by. */
  readonly deviceId: string;
  readonly settings: Settings;
  readonly credentials: CredentialHandle<C>;
  readonly clock: Clock;
  readonly staging: StagingPlace;
  /** By name. Absent: no other process speaks for this destination. */
  readonly shared?: (name: string) => SharedValue;
}

/** Where staged objects lie. A destination of the same service, at the same address, may copy them without us. */
export interface StagingPlace {
  readonly service: 's3' | 'oss' | 'memory';
  readonly endpoint: string;
  readonly bucket: string;
}

/** A file as it is announced. */
export interface Candidate {
  readonly name: string;
  readonly folder: string;
  /** Null: not known yet. */
  readonly sizeBytes: number | null;
}

/** One kind of destination: its schemas, and how to connect to one. */
export interface ProviderKind {
  readonly id: string;
  readonly settings: z.ZodType;
  /** `null`: there is nothing to log in to. */
  readonly credentials: z.ZodType | null;
  connect(connection: Connection<unknown, unknown>): Provider;
  /** Pure: the Fault `rejected` with which `open` would refuse this file whatever happens. Null: nothing speaks against it. */
  refusal(settings: unknown, file: Candidate): Fault | null;
  /** The settings that name the place where files end up: with another of them, what was begun cannot be finished. */
  readonly siteSettings: readonly string[];
  /** Pure: a name of the account that these credentials open, where that is part of the place. Null: they do not tell, or it is none. */
  account(credentials: unknown): string | null;
}

/** What a kind of destination says of its own. */
export interface Schemas<Settings, C> {
  readonly settings: z.ZodType<Settings>;
  /** `null`: there is nothing to log in to. */
  readonly credentials: z.ZodType<C> | null;
}

/** Erases a driver's own types behind its own schemas: what core hands back is parsed again, also after a deploy. */
export function providerKind<Settings, C>(
  kind: Schemas<Settings, C> & {
    readonly id: string;
    connect(connection: Connection<Settings, C>): Provider;
    /** Absent: of no file it is known beforehand that it cannot be taken. */
    readonly refusal?: (settings: Settings, file: Candidate) => Fault | null;
    readonly siteSettings: readonly (keyof Settings & string)[];
    /** Absent: the place is the settings' matter alone. */
    readonly account?: (credentials: C) => string | null;
  },
): ProviderKind {
  const { id, settings, credentials, siteSettings } = kind;
  return {
    id,
    settings,
    credentials,
    siteSettings,
    connect: (connection) => kind.connect(typed(kind, connection)),
    refusal: (given, file) => {
      const parsed = settings.safeParse(given);
      // Settings that a newer release no longer takes are told of where the destination is connected.
      return parsed.success ? (kind.refusal?.(parsed.data, file) ?? null) : null;
    },
    account: (given) => {
      const parsed = credentials?.safeParse(given);
      return parsed?.success === true ? (kind.account?.(parsed.data) ?? null) : null;
    },
  };
}

/** The same connection, parsed. Throws Fault `auth` `credentials.missing` when credentials are read that are none. */
export function typed<Settings, C>(
  schemas: Schemas<Settings, C>,
  { settings, credentials, ...rest }: Connection<unknown, unknown>,
): Connection<Settings, C> {
  const secret = (value: unknown): C => {
    const parsed = schemas.credentials?.safeParse(value);
    if (parsed?.success) return parsed.data;
    throw new Fault('auth', 'credentials.missing', 'this destination has no usable credentials: add them again');
  };
  return {
    ...rest,
    settings: schemas.settings.parse(settings),
    credentials: {
      read: async () => secret(await credentials.read()),
      rotate: async (replace) => secret(await credentials.rotate((current) => replace(secret(current)))),
    },
  };
}
