import { memberMutants } from './members.ts';
import type { Mutant } from './mutant.ts';
import { ownershipMutants } from './ownership.ts';
import { roleMutants } from './roles.ts';
import { tokenMutants } from './tokens.ts';

/** Every role that an endpoint lets in, and everything that keeps a caller to what is its own. */
export const accessMutants = (root: string): readonly Mutant[] => [
  ...roleMutants(root),
  ...ownershipMutants,
  ...memberMutants,
  ...tokenMutants,
];
