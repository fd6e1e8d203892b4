/** Rules of the engine, each broken once: by an edit of its code, or by a port that breaks its promise. */
import type { Edit } from './mutant-loader.ts';
import type { ThemeName } from './themes.ts';
import type { Sabotage } from './world.ts';

export interface Mutant {
  readonly name: string;
  readonly edits?: readonly Edit[];
  readonly sabotage?: Sabotage;
  /** What the seeds that should notice are about. */
  readonly theme?: ThemeName;
}

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'nobody looks once more after a release',
    edits: [edit('advance.ts', 'if (release !== null) await lookOnceMore(engine, key, kind, release);', '')],
  },
  {
    name: 'who is refused at the gate writes down no place',
    theme: 'crowd',
    edits: [
      edit(
        'advance.ts',
        'await engine.table.wake(row, gate.place, engine.clock.now());\n  return ask();',
        'return null;',
      ),
    ],
  },
  {
    name: 'the table does not check the token of a commit',
    sabotage: {
      table: (table) => ({
        ...table,
        commit: async (key, _token, advance, now, guard) => {
          const row = await table.get(key);
          return row !== null && table.commit(key, row.token, advance, now, guard);
        },
      }),
    },
  },
  {
    name: 'a holder writes the whole row, the wish too',
    theme: 'fickle',
    sabotage: {
      table: (table) => ({
        ...table,
        release: async (key, token, release, now) => {
          const isWon = await table.release(key, token, release, now);
          if (isWon) await table.wish(key, null, now);
          return isWon;
        },
      }),
    },
  },
  {
    name: 'finish is called before finishing is committed',
    edits: [
      edit(
        'head-step.ts',
        'const isCommitted = await lease.commit({ phase: step.phase, state: next, ...queue }, guard);',
        "const isCommitted = step.phase === 'finishing' || (await lease.commit({ phase: step.phase, state: next, ...queue }, guard));",
      ),
    ],
  },
  {
    name: 'finishing begins against a cancel',
    theme: 'fickle',
    edits: [
      edit('head-step.ts', "step.phase === 'finishing' ? { unlessWish: 'cancel' as const } : undefined", 'undefined'),
    ],
  },
  {
    name: 'whoever takes over finishing does not ask first',
    // In others such a file is finished, gone, tried again and gone for ever, which takes minutes to tell.
    theme: 'hashing',
    edits: [edit('finishing.ts', 'if (!isFirst) {', 'if (Number.isNaN(finishing.startedBy)) {')],
  },
  {
    name: 'a dead holder before us makes nobody ask what has landed',
    theme: 'deadly',
    edits: [edit('advance.ts', 'unsure: stored.unsure || lease.unclean', 'unsure: stored.unsure')],
  },
  {
    name: 'a part that its head may have put is put again without a question',
    theme: 'short',
    edits: [edit('arming.ts', 'unsure: alone !== undefined', 'unsure: false')],
  },
  {
    name: 'a head puts its part in a later lease too',
    theme: 'short',
    edits: [edit('arming.ts', 'moving.alone === lease.token', 'moving.alone !== undefined')],
  },
  {
    name: 'the place of a head that puts its part counts no part',
    theme: 'short',
    edits: [edit('advance.ts', 'isShort(head) ? 1 : 0', '0'), edit('opening.ts', 'granted > 0', 'granted >= 0')],
  },
  {
    name: 'a put without an answer makes nobody ask what has landed',
    edits: [edit('stripe.ts', 'unsure: stripe.unsure || flight.isUnsure()', 'unsure: stripe.unsure')],
  },
  {
    name: 'wishes are not read while parts move',
    theme: 'fickle',
    edits: [edit('stripe.ts', 'stop ??= await reasonToStop(drive);', 'await reasonToStop(drive);')],
  },
  {
    name: 'the last stripe is found by looking before the release',
    theme: 'wide',
    edits: [
      edit(
        'advance.ts',
        '  return driveStripe({ engine, lease, budget, head, moving, stripe, granted });',
        `  const release = await driveStripe({ engine, lease, budget, head, moving, stripe, granted });
  const rows = await engine.table.query(lease.key.pk, 'S#' + head.sessionNo + '#');
  const isLast = rows.every((row) => row.sk === lease.key.sk || row.queue === null);
  if (release.to === 'ended' && isLast) await engine.table.wake(headKey(stripe.transferId), 1, engine.clock.now());
  if (release.to === 'ended' && isLast) await engine.dispatcher.send([headKey(stripe.transferId)]);
  return release;`,
      ),
      edit('look.ts', 'if (row.queue === null || stripe.fault', 'if (row.queue === null) return;\n  if (stripe.fault'),
    ],
  },
  {
    name: 'staged bytes are removed without a look at whether somebody tried again',
    theme: 'expiry',
    edits: [edit('collect.ts', '{ ifTouched: lease.row.touched }', '{}')],
  },
  {
    name: 'the receipts of a block are written out after its stripe has moved on',
    theme: 'deadly',
    edits: [
      edit('stripe-rows.ts', 'let next = after;', 'let next = after;\n  const late: (() => Promise<unknown>)[] = [];'),
      edit('stripe-rows.ts', 'await engine.table.create(', 'late.push(() => engine.table.create('),
      edit(
        'stripe-rows.ts',
        "phase: 'kept', state }, engine.clock.now());",
        "phase: 'kept', state }, engine.clock.now()));",
      ),
      edit(
        'stripe-rows.ts',
        "await lease.commit({ phase: 'moving', state: next });",
        "await lease.commit({ phase: 'moving', state: next });\n  for (const write of late) await write();",
      ),
    ],
  },
  {
    name: 'reads are not pinned to the version that was announced',
    theme: 'flip',
    edits: [
      edit(
        'part-body.ts',
        'noted(source.read(span, span.range, signal))',
        'noted(source.stat(span.key).then((now) => source.read(now ?? span, span.range, signal)))',
      ),
    ],
  },
  {
    name: 'cancel does not wait for those who still send',
    theme: 'fickle',
    edits: [edit('canceling.ts', "row.hold === 'lease' && (row.dueAt ?? 0) > now", 'row.token < 0')],
  },
  {
    name: 'a receipt is committed before its put has ended',
    edits: [
      edit(
        'flights.ts',
        'const receipt = await provider.put(',
        "landed.set(number, 'early');\n      const receipt = await provider.put(",
      ),
    ],
  },
  {
    name: 'a new session takes over the receipts of the dead one',
    edits: [edit('opening.ts', 'sessionNo: head.sessionNo + 1', 'sessionNo: Math.max(1, head.sessionNo)')],
  },
  {
    name: 'stripes of a dead session go on in the new one',
    theme: 'dying',
    edits: [
      edit('advance.ts', ' || head.sessionNo !== stripe.sessionNo', ''),
      edit('stripe.ts', ' || now !== head.sessionNo', ''),
    ],
  },
  {
    name: 'leases are not renewed',
    edits: [
      edit(
        'lease.ts',
        'const left = () => untilMs - MARGIN_MS - clock.now();',
        'const left = () => untilMs - MARGIN_MS - clock.now();\n    if (untilMs > 0) return sleptUnlessStopped(engine, left(), stopped).then(() => (stopped.aborted ? undefined : lost.abort(new LeaseLost())));',
      ),
    ],
  },
  {
    name: 'the gate counts no files',
    edits: [edit('gate.ts', 'transfers.size >= limits.files', 'false')],
  },
  {
    name: 'the gate counts no parts',
    edits: [edit('gate.ts', 'Math.min(request.want, limits.parts - taken)', 'request.want + 1')],
  },
  {
    name: 'a place at the gate is not renewed',
    edits: [
      edit(
        'gate.ts',
        'isThere = gate.entries.some((entry) => entry.holder === holder);',
        'isThere = gate.entries.length >= 0;',
      ),
      edit(
        'gate.ts',
        '(entry.holder === holder ? { ...entry, untilMs } : entry)',
        '(entry.holder === holder && untilMs < 0 ? { ...entry, untilMs } : entry)',
      ),
    ],
  },
  {
    name: 'several parts of an ordered plan fly at once',
    edits: [
      edit(
        'opening.ts',
        "order === 'ascending' ? 1 : Math.min(plan.inFlightMax, 64)",
        'Math.min(plan.inFlightMax, 64)',
      ),
    ],
  },
  {
    name: 'the cursor of a digest is kept without its hash states',
    theme: 'hashing',
    edits: [
      edit(
        'digest-reading.ts',
        'cursorBytes: cursor.cursorBytes(), saved: saved(hashers)',
        'cursorBytes: cursor.cursorBytes(), saved: {}',
      ),
    ],
  },
  {
    name: 'the claimed digest is not compared',
    edits: [edit('arming.ts', 'if (wrong !== undefined) {', "if (wrong === 'crc64') {")],
  },
  {
    name: 'a stripe that is parked by a pause stays parked',
    edits: [
      edit(
        'arming.ts',
        'if (row.queue !== null && row.dueAt === null) await engine.table.wake(row, readyAt(head), engine.clock.now());',
        '',
      ),
    ],
  },
  {
    name: 'a retry leaves the upload untouched',
    theme: 'expiry',
    edits: [
      edit(
        'wishes.ts',
        "!(await table.touch(uploadKey(head.file.uploadId), now + IDLE_EXPIRY_MS, 'open', now))",
        "uploadKey(head.file.uploadId).sk === 'x' + IDLE_EXPIRY_MS",
      ),
    ],
  },
];
