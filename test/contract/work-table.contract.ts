/** What every work table must keep. The titles are the laws of `core/ports/work-table.ts`, one behaviour each. */
import type { WorkTable } from '#core/ports/work-table.ts';
import { type ContractRun, contract } from './suite.ts';
import { callLaws } from './work-table/calls.ts';
import { leaseLaws } from './work-table/leases.ts';
import { listLaws } from './work-table/lists.ts';
import { modelLaws } from './work-table/model.ts';

export function workTableContract(run: ContractRun<WorkTable>): void {
  contract('work table', { ...leaseLaws, ...callLaws, ...listLaws, ...modelLaws }, { timeoutMs: 60_000, ...run });
}
