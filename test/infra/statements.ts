/** Every policy that the stack has, in one line per action. */
import * as z from 'zod';
import { ofType, type Stack, shortened } from './stack.ts';

const Policy = z.object({
  Statement: z.array(
    z.object({
      Effect: z.enum(['Allow', 'Deny']),
      Principal: z.unknown().optional(),
      Action: z.array(z.string()),
      Resource: z.array(z.string()),
      Condition: z.unknown().optional(),
    }),
  ),
});
export type Statement = z.infer<typeof Policy>['Statement'][number];

/** What roles may do: role → resource → actions, sorted. Only `Allow`s without a condition are understood. */
export function rights(stack: Stack): Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> {
  const roles = ofType(stack, 'aws:iam/role:Role');
  return Object.fromEntries(
    Object.entries(roles).map(([role, { inlinePolicies }]) => {
      const granted: Record<string, string[]> = {};
      for (const { policy } of inlinePolicies) {
        for (const { Effect, Action, Resource, Condition } of statementsOf(policy)) {
          if (Effect !== 'Allow' || Condition !== undefined) throw new Error(`${role} has a statement of another kind`);
          for (const resource of Resource)
            granted[shortened(resource)] = [...(granted[shortened(resource)] ?? []), ...Action];
        }
      }
      return [role, Object.fromEntries(Object.entries(granted).map(([key, actions]) => [key, actions.toSorted()]))];
    }),
  );
}

/** Policies that AWS wrote: role → their names. */
export function managedPolicies(stack: Stack): Readonly<Record<string, readonly string[]>> {
  const roles = Object.entries(ofType(stack, 'aws:iam/role:Role'));
  const attached = roles.map(([role, { managedPolicyArns }]): [string, string[]] => [role, managedPolicyArns ?? []]);
  return Object.fromEntries(attached.filter(([, names]) => names.length > 0));
}

export function statementsOf(policy: string): Statement[] {
  return Policy.parse(JSON.parse(policy)).Statement;
}
