/** A start that fails for a reason we foresaw. The message is one line: what is wrong, and how to mend it. */
export class CannotStart extends Error {
  override name = 'CannotStart';
}
