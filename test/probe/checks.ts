/** All of them, in the order in which a store is best understood. */
import { bodyChecks } from './bodies.ts';
import { browserChecks } from './browsers.ts';
import type { Checks } from './check.ts';
import { multipartChecks } from './multipart.ts';
import { objectChecks } from './objects.ts';
import { signatureChecks } from './signatures.ts';

export const checks: Checks = {
  ...signatureChecks,
  ...bodyChecks,
  ...objectChecks,
  ...multipartChecks,
  ...browserChecks,
};
