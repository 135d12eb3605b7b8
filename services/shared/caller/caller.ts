/** Who is calling, as the token says. */
export interface Caller {
  /** The subject that keys, versions and audit name. */
  subject: string;
  /** One of the roles that the service declares; undefined under `AUTH=off`, when everybody may do everything. */
  role: string | undefined;
  /** The id of the caller's own record, where the role has one. */
  ownId: string | undefined;
}

/** The caller of every request under `AUTH=off`. */
export const anyone: Caller = { subject: 'anonymous', role: undefined, ownId: undefined };
