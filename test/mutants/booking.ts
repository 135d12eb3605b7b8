import { appointmentMutants } from './appointments.ts';
import type { Mutant } from './mutant.ts';
import { reservationMutants } from './reservations.ts';
import { transactionMutants } from './transactions.ts';

/** The rules by which a booking is never double and never lost. */
export const bookingMutants: readonly Mutant[] = [
  ...reservationMutants,
  ...appointmentMutants,
  ...transactionMutants,
];
