/** The events of one commit, as they are stored; every member is text, so that none loses a digit or a blank. */
export interface StoredEntry {
  id: string;
  /** To the microsecond. */
  recordedAt: string;
  /** Of the transaction that stored it. */
  xid: string;
  /** JSON. */
  events: string;
  /** What its events are looked up by, as PostgreSQL writes arrays. */
  about: string;
  subjects: string;
}

/** The bytes that the chain covers: JSON of all members in a fixed order, as UTF-8. */
export const canonicalBytes = ({ id, recordedAt, xid, events, about, subjects }: StoredEntry): Buffer =>
  Buffer.from(JSON.stringify([id, recordedAt, xid, events, about, subjects]));
