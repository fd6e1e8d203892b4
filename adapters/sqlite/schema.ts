/** The tables and their indexes, version by version. */
import { Fault } from '#core/fault.ts';

/** Each entry takes the schema one version up. Entries are never changed. */
const MIGRATIONS = [
  `CREATE TABLE work (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    queue TEXT,
    dueAt INTEGER,
    hold TEXT NOT NULL,
    token INTEGER NOT NULL,
    holder TEXT,
    unclean INTEGER NOT NULL,
    phase TEXT NOT NULL,
    state TEXT NOT NULL,
    wish TEXT,
    answers TEXT NOT NULL,
    touched INTEGER NOT NULL,
    expiresAt INTEGER,
    ownerId TEXT,
    listKey TEXT,
    ttlAt INTEGER,
    updatedAt INTEGER NOT NULL,
    PRIMARY KEY (pk, sk)
  );
  CREATE INDEX due ON work (queue, dueAt, pk, sk) WHERE queue IS NOT NULL AND dueAt IS NOT NULL;
  CREATE INDEX owner ON work (ownerId, listKey, pk, sk) WHERE ownerId IS NOT NULL;
  CREATE INDEX expiry ON work (ttlAt) WHERE ttlAt IS NOT NULL;
  CREATE TABLE cells (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    v INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (pk, sk)
  ) WITHOUT ROWID;`,
  `ALTER TABLE work ADD COLUMN endedAt INTEGER;
  CREATE INDEX ended ON work (ownerId, endedAt, pk, sk) WHERE ownerId IS NOT NULL AND endedAt IS NOT NULL;`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** What is still to run over data of this version, in order. Fault `rejected` `state.too_new` when a later release wrote it. */
export function migrationsAfter(version: number): readonly string[] {
  if (version <= SCHEMA_VERSION) return MIGRATIONS.slice(version);
  const message = `the data is of version ${version}, this release knows ${SCHEMA_VERSION}`;
  throw new Fault('rejected', 'state.too_new', message);
}
