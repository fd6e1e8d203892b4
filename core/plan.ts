/** How a file of one remote session is cut: parts of equal size, blocks of 32 parts, stripes that own every W-th block. */
import * as z from 'zod';
import type { ByteRange } from './ports/staging.ts';

/** Receipts per block: 32 × about 70 bytes keeps a row under 4 KiB. */
export const BLOCK_PARTS = 32;

export const PartReceiptTag = z.string().max(80);

export const PlanState = z.object({
  partBytes: z.int().min(1),
  partCount: z.int().min(0).max(10_000),
  inFlightMax: z.int().min(1).max(64),
  order: z.enum(['any', 'ascending']),
  stripes: z.int().min(0).max(8),
});
export type PlanState = z.infer<typeof PlanState>;

/** Numbers of the first and last part of a block, both included. Blocks count from 0, parts from 1. */
export function blockParts(plan: PlanState, block: number): { readonly from: number; readonly to: number } {
  return { from: block * BLOCK_PARTS + 1, to: Math.min((block + 1) * BLOCK_PARTS, plan.partCount) };
}

export function blockCount(plan: PlanState): number {
  return Math.ceil(plan.partCount / BLOCK_PARTS);
}

/** Bytes [start, end) of a part in the whole file. */
export function partRange(plan: PlanState, number: number, sizeBytes: number): ByteRange {
  const start = (number - 1) * plan.partBytes;
  return { start, end: Math.min(start + plan.partBytes, sizeBytes) };
}
