/** Who is calling: the subject that keys, versions and audit name. */
export interface Caller {
  subject: string;
}

/** The caller of every request under `AUTH=off`. */
export const anyone: Caller = { subject: 'anonymous' };
