import { auditedMutants } from './audited.ts';
import { memberMutants } from './members.ts';
import type { Mutant } from './mutant.ts';
import { ownershipMutants } from './ownership.ts';
import { roleMutants } from './roles.ts';
import { tokenMutants } from './tokens.ts';

/** Every role that an endpoint lets in, everything that keeps a caller to what is its own, and what the audit trail then knows. */
export const accessMutants = (root: string): readonly Mutant[] => [
  ...roleMutants(root),
  ...ownershipMutants,
  ...memberMutants,
  ...tokenMutants,
  ...auditedMutants,
];
