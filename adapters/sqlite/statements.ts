/** The SQL of the work table. Every write is one statement that carries its whole condition. */

const EXISTS = 'pk = :pk AND sk = :sk';
const HELD = `${EXISTS} AND token = :token AND hold = 'lease'`;

/** What `release` and `revive` leave behind is compared too, so that a repeat after a lost reply finds its own work done. */
const AS_LEFT =
  'hold = :hold AND dueAt IS :dueAt AND phase = coalesce(:phase, phase) AND state = coalesce(:state, state)';

export const SQL = {
  get: `SELECT * FROM work WHERE ${EXISTS}`,

  query: `SELECT * FROM work
    WHERE pk = :pk AND sk >= :prefix AND substr(sk, 1, length(:prefix)) = :prefix AND sk > :after
    ORDER BY sk LIMIT :limit`,

  create: `INSERT INTO work
    (pk, sk, queue, dueAt, hold, token, unclean, phase, state, answers, touched, expiresAt, ownerId, listKey, endedAt,
      updatedAt)
    VALUES (:pk, :sk, :queue, :dueAt, 'wait', 0, 0, :phase, :state, '{}', 0, :expiresAt, :ownerId,
      CASE WHEN :ownerId IS NOT NULL THEN iif(:queue IS NULL, '0#', '1#') || :sort END, iif(:queue IS NULL, :now, NULL),
      :now)
    ON CONFLICT DO NOTHING`,

  claim: `UPDATE work SET
      unclean = CASE
        WHEN holder = :holder AND dueAt > :now THEN unclean
        WHEN hold = 'lease' THEN 1
        ELSE 0 END,
      hold = 'lease', token = token + 1, holder = :holder, dueAt = :until, updatedAt = :now
    WHERE ${EXISTS} AND queue IS NOT NULL AND dueAt IS NOT NULL
      AND (hold = 'wait' OR dueAt <= :now OR holder = :holder)
    RETURNING *`,

  renew: `UPDATE work SET dueAt = :until, updatedAt = :now WHERE ${HELD}`,

  commit: `UPDATE work SET phase = :phase, state = :state, queue = coalesce(:queue, queue), updatedAt = :now
    WHERE ${HELD}
      AND (:unlessWish IS NULL OR wish IS NOT :unlessWish)
      AND (:ifTouched IS NULL OR touched = :ifTouched)`,

  release: `UPDATE work SET
      hold = :hold, dueAt = :dueAt, holder = NULL, phase = coalesce(:phase, phase), state = coalesce(:state, state),
      updatedAt = :now
    WHERE ${EXISTS} AND token = :token AND (hold = 'lease' OR (queue IS NOT NULL AND ${AS_LEFT}))`,

  end: `UPDATE work SET
      hold = :hold, dueAt = :dueAt, holder = NULL, phase = coalesce(:phase, phase), state = coalesce(:state, state),
      queue = NULL, listKey = '0#' || substr(listKey, 3), endedAt = :now, updatedAt = :now
    WHERE ${EXISTS} AND token = :token AND (hold = 'lease' OR (queue IS NULL AND ${AS_LEFT}))`,

  wake: `UPDATE work SET hold = 'wait', dueAt = :at, updatedAt = :now
    WHERE ${EXISTS} AND queue IS NOT NULL AND hold IN ('wait', :from) AND (dueAt IS NULL OR dueAt >= :at)`,

  wish: `UPDATE work SET wish = :wish, updatedAt = :now
    WHERE ${EXISTS} AND queue IS NOT NULL AND phase <> 'finishing' AND (wish IS NOT 'cancel' OR :wish IS 'cancel')`,

  answer: `UPDATE work SET answers = json_patch(answers, :answers), updatedAt = :now WHERE ${EXISTS}`,

  touch: `UPDATE work SET
      touched = touched + 1, expiresAt = max(coalesce(expiresAt, :expiresAt), :expiresAt), updatedAt = :now
    WHERE ${EXISTS} AND phase = :ifPhase`,

  revive: `UPDATE work SET
      queue = :queue, hold = :hold, dueAt = :dueAt, phase = :phase, state = :state, ttlAt = NULL,
      listKey = '1#' || substr(listKey, 3), endedAt = NULL, updatedAt = :now
    WHERE ${EXISTS} AND token = :token AND (queue IS NULL OR (queue = :queue AND ${AS_LEFT}))`,

  due: `SELECT pk, sk FROM work WHERE queue = :queue AND dueAt <= :now ORDER BY dueAt, pk, sk LIMIT :limit`,

  owned: `SELECT * FROM work WHERE ownerId = :ownerId
    ORDER BY listKey DESC, pk DESC, sk DESC LIMIT :limit`,

  ownedAfter: `SELECT * FROM work WHERE ownerId = :ownerId AND (listKey, pk, sk) < (:listKey, :pk, :sk)
    ORDER BY listKey DESC, pk DESC, sk DESC LIMIT :limit`,

  active: `SELECT count(*) AS n FROM (SELECT 1 FROM work WHERE ownerId = :ownerId AND listKey >= '1#' LIMIT :max)`,

  ended: `SELECT pk, sk, endedAt FROM work
    WHERE ownerId = :ownerId AND endedAt >= :endedAt AND (endedAt, pk, sk) > (:endedAt, :pk, :sk)
    ORDER BY endedAt, pk, sk LIMIT :limit`,

  remove: `DELETE FROM work WHERE ${EXISTS}`,

  expire: `UPDATE work SET ttlAt = :at, updatedAt = :now WHERE ${EXISTS}`,

  purge: `DELETE FROM work WHERE rowid IN (SELECT rowid FROM work WHERE ttlAt <= :now LIMIT :limit)
    RETURNING pk, sk, ownerId`,
} as const;

/** Not the table's own: only for a process that is alone. */
export const FREE_OTHER_BOOTS = `UPDATE work SET dueAt = :now, updatedAt = :now
  WHERE queue IS NOT NULL AND dueAt > :now AND hold = 'lease'
    AND substr(holder, 1, length(:boot)) <> :boot`;
