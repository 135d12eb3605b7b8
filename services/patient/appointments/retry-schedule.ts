/**
 * When a revision that nobody has answered is asked about again; all seconds, by the database's clock. The request that made it
 * tries first, and alone; then the waits double from `first` to `longest`, each cut by up to `jitter` of itself, so that many
 * waiting revisions do not come at once. The first answer makes all of them due (`settler.ts`).
 */
export const retrySchedule = { ownTry: 2, first: 1, longest: 5, jitter: 0.25 } as const;
