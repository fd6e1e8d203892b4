/** What passes between a Worker and the object that keeps the table: one call each way, as values that can be cloned. */
import type { Fault, FaultKind } from '#core/fault.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { WorkTable } from '#core/ports/work-table.ts';

/** No name is in both, so one object answers to all. */
export type Methods = WorkTable & Cells;

export interface Call<Name extends keyof Methods = keyof Methods> {
  /** A ULID, the same for every try of one call: by this a repeat whose first reply was lost is known. */
  readonly id: string;
  readonly name: Name;
  readonly args: Parameters<Methods[Name]>;
  /** Ids of writes that this caller has given up without an answer: where one of them comes after this call, it is too late. */
  readonly voids?: readonly string[];
}

/** Every other one is a write. */
export const READS: ReadonlySet<keyof Methods> = new Set([
  'get',
  'query',
  'due',
  'owned',
  'active',
  'ended',
  'read',
  'list',
]);

/** A `Fault` that crosses as an error would arrive as a plain one. */
export type Reply<Value = unknown> =
  | { readonly value: Value }
  | { readonly fault: { readonly kind: FaultKind; readonly code: string; readonly message: string } };

export type Answer<Name extends keyof Methods> = Methods[Name] extends (...args: never[]) => Promise<infer Value>
  ? Value
  : never;

/** The object as its stub shows it. */
export interface TableStub {
  call<Name extends keyof Methods>(call: Call<Name>): Promise<Reply<Answer<Name>>>;
}

/** The binding of a Worker. */
export interface TableNamespace {
  getByName(name: string): TableStub;
}

export function faultReply({ kind, code, message }: Fault): Reply<never> {
  return { fault: { kind, code, message } };
}
